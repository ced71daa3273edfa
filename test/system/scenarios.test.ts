import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseConfig } from "#app/config/parse-config.ts";
import type { Config } from "#app/config/schema.ts";
import { scanFiles } from "#app/scan-files.ts";
import type { ScanReport } from "#app/scan-report.ts";
import { covers, parseCidr } from "#core/ip.ts";
import { linesOf } from "../scenarios/lines.ts";
import { scenario, scenarioNames } from "../scenarios/scenarios.ts";

// The whole program on logs with known truth: parsers, rules, every detector, policy and the guard. Slow, so it runs beside the system tests.

const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** Groups whose members do too little to be told from visitors one by one: the share of them that must be found. */
const groups: Readonly<Record<string, number>> = {
  "login botnet 300x2": 0.95,
  "stuffing from one /16": 0.95,
  "stuffing, scattered": 0.95,
  "ssh botnet": 0.9,
  "probing botnet": 0.5,
};
const folder = mkdtempSync(join(tmpdir(), "haechi-scenarios-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = parseConfig("", { env: {}, readFile: () => "" }).config as Config;

async function scanScenario(name: string, seed: number): Promise<{ report: ScanReport; attackers: ReadonlySet<string> }> {
  const { entries, attackers } = scenario(name, seed);
  const lines = { web: [] as string[], ssh: [] as string[] };
  for (const entry of entries) lines[entry.kind].push(...linesOf(entry));
  const patterns = (["web", "ssh"] as const).map((kind) => {
    const path = join(folder, `${kind}.log`);
    writeFileSync(path, `${lines[kind].join("\n")}\n`);
    return path;
  });
  const now = (entries.at(-1)?.time ?? 0) + 1_000;
  const report = await scanFiles({
    patterns,
    config,
    env: {},
    since: undefined,
    until: undefined,
    timeZone: "UTC",
    year: undefined,
    rules: [],
    allow: [],
    threads: 1,
    now,
    language: "en",
    signal: new AbortController().signal,
  });
  return { report, attackers };
}

test.each(scenarioNames)("%s: attackers are proposed, nobody else, ten seeds", { timeout: 120_000 }, async (name) => {
  let found = 0;
  let planted = 0;
  for (const seed of seeds) {
    const { report, attackers } = await scanScenario(name, seed);
    const banned = report.actors.flatMap(({ proposal }) => (proposal?.allowed === true ? [proposal.target] : []));
    const networks = banned.flatMap((target) => parseCidr(target) ?? []);
    const isBanned = (address: string): boolean => {
      const cidr = parseCidr(address);
      return cidr !== undefined && networks.some((network) => covers(network, cidr));
    };
    expect({ seed, wronged: banned.filter((target) => !target.includes("/") && !attackers.has(target)) }).toEqual({ seed, wronged: [] });
    planted += attackers.size;
    for (const address of attackers) if (isBanned(address)) found++;
  }
  console.info(`${name}: ${planted === 0 ? "nobody proposed" : `${found} of ${planted} attackers proposed`}`);
  expect(found / Math.max(1, planted)).toBeGreaterThanOrEqual(planted === 0 ? 0 : (groups[name] ?? 1));
});
