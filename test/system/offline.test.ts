import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeNamespacePair, type NamespacePair } from "./network-namespaces.ts";
import { cannotRun, run } from "./run-program.ts";

const why = cannotRun("commands of root while no guard runs", ["nft", "ip", "ss", "strace"]);
const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

describe.skipIf(why)("commands of root while no guard runs", () => {
  let pair: NamespacePair;
  let folder: string;
  const haechi = (...args: readonly string[]): Promise<string> =>
    pair.server.run(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args, "--json", "--config", join(folder, "haechi.yaml")]);
  const ruleset = (): Promise<string> => pair.server.run("nft", ["list", "ruleset"]);
  /** Programs that a command starts, itself and its threads left out. */
  const started = async (...args: readonly string[]): Promise<readonly string[]> => {
    const log = join(folder, "strace");
    const command = [process.execPath, "--disable-warning=ExperimentalWarning", main, ...args, "--json", "--config", join(folder, "haechi.yaml")];
    await pair.server.run("strace", ["-f", "-qq", "-e", "trace=execve", "-e", "status=successful", "-o", log, ...command]);
    return [...(await readFile(log, "utf8")).matchAll(/execve\("([^"]+)"/g)].slice(1).map((match) => match[1] as string);
  };
  beforeAll(async () => {
    pair = await makeNamespacePair();
    folder = await mkdtemp(join(tmpdir(), "haechi-offline-"));
    const config = {
      state: join(folder, "state"),
      sources: [],
      enforcers: [{ nftables: {} }],
      warden: { socket: join(folder, "none.sock") },
      metrics: { listen: "off" },
    };
    await writeFile(join(folder, "haechi.yaml"), JSON.stringify(config));
  });
  afterAll(async () => {
    await pair?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("looking starts no program and leaves nothing behind", async () => {
    for (const look of [["status"], ["bans"], ["cases"], ["allow"]]) expect(await started(...look)).toEqual([]);
    expect(await readdir(folder)).toEqual(["haechi.yaml", "strace"]);
    expect(await ruleset()).toBe("");
  });

  test("a ban is in the kernel, is seen, and flush removes it; the warden ends with each command", async () => {
    expect(JSON.parse(await haechi("ban", "45.9.20.31", "--for", "10m"))).toMatchObject({ decision: { state: "enforced" } });
    expect(await ruleset()).toContain("45.9.20.31");
    expect(await started("bans")).toEqual([]);
    expect(JSON.parse(await haechi("bans"))).toMatchObject({ target: "45.9.20.31" });
    expect((await started("disown", "45.9.20.31")).filter((program) => program === process.execPath)).toEqual([]);
    expect(await ruleset()).toContain("45.9.20.31");
    await haechi("flush");
    expect(await ruleset()).not.toContain("haechi");
    expect((await run("ip", ["netns", "pids", pair.server.name])).stdout).toBe("");
  });
});
