import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "haechi-package-"));
const haechi = join(folder, "node_modules/.bin/haechi");
/** The machine's own Node, without the one this project installs: what somebody who installs the package has. */
const env = {
  ...process.env,
  HAECHI_LANG: "en",
  PATH: (process.env["PATH"] ?? "")
    .split(":")
    .filter((part) => !part.includes("node_modules"))
    .join(":"),
};

beforeAll(() => {
  execFileSync("npm", ["pack", "--pack-destination", folder], { cwd: root, stdio: "ignore" });
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) as string;
  writeFileSync(join(folder, "package.json"), "{}");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", tarball], { cwd: folder, env, stdio: "ignore" });
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the packed tarball, installed elsewhere, scans with the built-in rules in one thread and two", () => {
  const log = Array.from(
    { length: 12 },
    (_, i) => `2026-11-20T10:00:${10 + i}+00:00 web sshd[${100 + i}]: Failed password for root from 45.9.20.31 port ${4_000 + i} ssh2`,
  );
  writeFileSync(join(folder, "auth.log"), `${log.join("\n")}\n`);
  for (const threads of ["1", "2"]) {
    const { status, stdout, stderr } = spawnSync(haechi, ["scan", "auth.log", "--json", "--threads", threads], { cwd: folder, env, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ level: "danger", actors: [{ actor: "45.9.20.31", failures: 12, proposal: { allowed: true } }] });
  }
});

test("it runs the guard and stops it cleanly", async () => {
  writeFileSync(
    join(folder, "haechi.yaml"),
    `state: ${join(folder, "state")}\nsources: [{ file: ${join(folder, "auth.log")} }]\nenforcers: [{ dry-run: {} }]\nmetrics: { listen: "off" }\n`,
  );
  const guard = spawn(haechi, ["up"], { cwd: folder, env });
  let said = "";
  guard.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await expect.poll(() => said, { timeout: 20_000 }).toContain("Next: haechi status");
  const { status, stdout } = spawnSync(haechi, ["status", "--json"], { cwd: folder, env, encoding: "utf8" });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ running: true, mode: "ask" });
  const ended = new Promise((resolve) => guard.once("close", resolve));
  guard.kill("SIGTERM");
  expect(await ended).toBe(0);
  expect(said).toContain("everything read is committed");
}, 60_000);
