import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { sqliteState } from "#statestores/sqlite/sqlite.ts";
import { parseConfig } from "./config/parse-config.ts";
import type { Config } from "./config/schema.ts";
import { isLook, openLook } from "./look.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "haechi-look-"));
  folders.push(folder);
  return folder;
};
const config = parseConfig("mode: auto\n", { env: {}, readFile: () => "" }).config as Config;
const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

it("sees the state beside its writer and cannot change it", async () => {
  const folder = makeFolder();
  const store = sqliteState(join(folder, "haechi.db"));
  const origin = { kind: "person", name: "sora", via: "cli" } as const;
  const now = Date.now();
  const ban = {
    id: "d1",
    action: "ban",
    target: "45.9.20.31",
    from: now,
    until: now + 60_000,
    origin,
    proposal: undefined,
    reason: "by hand",
    evidence: [],
    state: "enforced",
    at: now,
  } as const;
  await store.commit({ decisions: [ban], lists: new Map([["allow", [{ target: "45.9.20.1", note: "office", by: "sora", at: now }]]]) });
  const look = await openLook(config, folder);
  expect(await look.methods["status"]?.({})).toMatchObject({ mode: "auto", level: "normal", bans: 1, running: false, enforcers: [], proposals: [] });
  expect(await look.methods["bans"]?.({})).toMatchObject([{ target: "45.9.20.31" }]);
  expect(await look.methods["allow"]?.({})).toMatchObject([{ target: "45.9.20.1" }]);
  expect(Object.keys(look.methods).every(isLook)).toBe(true);
  await look.close();
  await store.close();
});

it("of a guard that never ran is empty and leaves nothing behind", async () => {
  const folder = join(makeFolder(), "state");
  const look = await openLook(config, folder);
  expect(await look.methods["status"]?.({})).toMatchObject({ bans: 0, pending: 0 });
  await look.close();
  expect(existsSync(folder)).toBe(false);
});

it("from the command line starts no warden and makes no firewall rule, root or not", () => {
  const folder = makeFolder();
  const path = join(folder, "haechi.yaml");
  writeFileSync(
    path,
    `state: ${join(folder, "state")}\nenforcers: [{ nftables: {} }]\nwarden: { socket: ${join(folder, "none.sock")} }\nmetrics: { listen: "off" }\n`,
  );
  for (const command of [["status"], ["bans"], ["cases"], ["allow"]]) {
    const said = execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...command, "--json", "--config", path], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(() => said.split("\n").map((line) => (line === "" ? null : (JSON.parse(line) as unknown)))).not.toThrow();
  }
  expect(readdirSync(folder)).toEqual(["haechi.yaml"]);
});
