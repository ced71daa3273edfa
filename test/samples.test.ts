import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { parseCidr } from "#core/ip.ts";
import { sampleLogs } from "../scripts/make-samples.ts";
import { program, sample } from "./haechi.ts";
import { reportShape, type Report } from "./report-shape.ts";

const { run } = program();

let report: Report;
beforeAll(async () => {
  const { out } = await run(["scan", sample("auth.log"), sample("access.log"), "--json"]);
  report = reportShape.parse(JSON.parse(out));
}, 30_000);

test("the committed logs are what the script makes", () => {
  for (const [name, text] of sampleLogs()) expect(readFileSync(sample(name), "utf8") === text, name).toBe(true);
});

test("nobody who only visits the shop would be blocked, and all who attack it would", () => {
  const { actors } = report;
  const blocked = actors.flatMap(({ actor, kind, proposal }) => (kind === "ip" && proposal?.allowed ? [actor] : []));
  const lines = readFileSync(sample("access.log"), "utf8").split("\n");
  const agents = (address: string): string[] => lines.filter((line) => line.startsWith(`${address} `));
  // Visitors load pages; attackers of this log never get one (but sqlmap, on purpose).
  const visitors = blocked.filter((address) => address !== "81.68.203.14" && agents(address).some((line) => / HTTP\/1\.1" 200 /.test(line)));
  expect(visitors).toEqual([]);
  const guessers = new Set(lines.flatMap((line) => /^(\S+) .*"POST \/account\/login HTTP\/1\.1" 401 /.exec(line)?.[1] ?? []));
  const attackers = [...guessers].filter((address) => !agents(address).some((line) => / 200 | 302 /.test(line)));
  expect(attackers.length).toBeGreaterThan(50);
  expect(attackers.filter((address) => !blocked.includes(address))).toEqual([]);
});

test("every address is one that could be banned", () => {
  for (const { kind, actor, proposal } of report.actors) {
    if (kind === "ip") expect(parseCidr(actor), actor).toBeDefined();
    if (proposal) expect(proposal.checks.find(({ check }) => check === "reserved")?.ok, actor).toBe(true);
  }
});
