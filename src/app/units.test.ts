import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { guardUnit, wardenUnit } from "./units.ts";

const directory = mkdtempSync(join(tmpdir(), "haechi-units-"));
afterAll(() => rmSync(directory, { recursive: true }));
const program = process.execPath;
/** The drop-in that stands in the warden's unit as a comment. */
const ufwLines = (unit: string): string =>
  unit
    .slice(0, unit.indexOf("[Unit]"))
    .split("\n")
    .flatMap((line) => (/^#[[A-Z]/.test(line) ? [line.slice(1)] : []))
    .join("\n");

describe("the warden's unit", () => {
  it("gives its folder to root alone and lets others pass through, as the warden demands", () => {
    expect(wardenUnit(program)).toContain("\nRuntimeDirectoryMode=0711\n");
    expect(wardenUnit(program)).not.toMatch(/^User=/m);
  });
  it("carries the ufw variant as a drop-in that can be taken as it stands", () => {
    expect(ufwLines(wardenUnit(program)).split("\n")).toEqual([
      "[Service]",
      "ExecStart=",
      `ExecStart=${program} warden --socket /run/haechi-warden/warden.sock --user haechi --backend ufw`,
      "CapabilityBoundingSet=CAP_NET_RAW",
      "ReadWritePaths=/etc/ufw /run",
      "ProtectKernelTunables=no",
    ]);
  });
});

it("hides homes, unless the program itself lives in one", () => {
  for (const unit of [guardUnit, wardenUnit]) {
    expect(unit("/usr/bin/haechi")).toContain("\nProtectHome=yes\n");
    expect(unit("/home/minji/haechi/bin/haechi")).toContain("\nProtectHome=read-only\n");
    expect(unit("/root/haechi/bin/haechi")).toContain("\nProtectHome=read-only\n");
  }
});

it.skipIf(!existsSync("/usr/bin/systemd-analyze"))("systemd accepts both units, with the ufw drop-in too", () => {
  writeFileSync(join(directory, "haechi.service"), guardUnit(program));
  writeFileSync(join(directory, "haechi-warden.service"), wardenUnit(program));
  const verify = (): string =>
    execFileSync("systemd-analyze", ["verify", "--man=no", join(directory, "haechi-warden.service"), join(directory, "haechi.service")], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  expect(verify()).toBe("");
  mkdirSync(join(directory, "haechi-warden.service.d"));
  writeFileSync(join(directory, "haechi-warden.service.d/ufw.conf"), ufwLines(wardenUnit(program)));
  expect(verify()).toBe("");
});
