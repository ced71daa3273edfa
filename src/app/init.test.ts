import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { parseConfig } from "./config/parse-config.ts";
import { configText, init } from "./init.ts";

const directory = mkdtempSync(join(tmpdir(), "haechi-init-"));
afterAll(() => rmSync(directory, { recursive: true }));
const sources = { env: {}, readFile: () => "" };

it.each(["en", "ko"] as const)("writes a configuration in %s that changes nothing", (language) => {
  expect(parseConfig(configText(language), sources)).toEqual(parseConfig("", sources));
});

it("knows every setting that the configuration has", () => {
  const known = Object.keys(parseConfig("", sources).config ?? {}).filter((key) => key !== "parsers");
  for (const key of known) expect(configText("en")).toMatch(new RegExp(`^(# )?${key}:`, "m"));
});

it("uncommented, its examples are valid too", () => {
  const uncommented = configText("en")
    .replace(/^# (?=(timezone|state|sources|enforcers):)/gm, "")
    .replace(/^#(   )/gm, "$1");
  expect(parseConfig(uncommented, { env: { HAECHI_HOOK_SECRET: "x" }, readFile: () => "secret" }).faults).toEqual([]);
});

it("leaves files that exist alone, unless it is told to replace them", () => {
  writeFileSync(join(directory, "haechi.yaml"), "mode: auto\n");
  expect(init(directory, "/usr/bin/haechi", "en", false).map(({ written }) => written)).toEqual([false, true, true]);
  expect(readFileSync(join(directory, "haechi.yaml"), "utf8")).toBe("mode: auto\n");
  expect(init(directory, "/usr/bin/haechi", "en", true).every(({ written }) => written)).toBe(true);
});

it.skipIf(!existsSync("/usr/bin/systemd-analyze"))("writes units that systemd accepts", () => {
  init(directory, process.execPath, "en", true);
  const said = execFileSync("systemd-analyze", ["verify", "--man=no", join(directory, "haechi-warden.service"), join(directory, "haechi.service")], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  expect(said).toBe("");
});
