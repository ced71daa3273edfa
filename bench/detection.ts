// Precision and recall of slow and cohort on ground-truth scenarios, their thresholds' curve, and the cost of an event.
// node bench/detection.ts [seeds, default 10] — prints tables, asserts nothing.
import { behaviourDetectors } from "#detectors/behaviour-detectors.ts";
import { behaviourReader } from "#detectors/behaviour/behaviour.ts";
import { detect, parseEntries, runScenario, type Parsed } from "../test/scenarios/run.ts";
import { scenario, scenarioNames } from "../test/scenarios/scenarios.ts";

const seeds = Array.from({ length: Number(process.argv[2] ?? 10) }, (_, i) => i + 1);

console.log(`Each kind with ${seeds.length} seeds; accused = named by an actionable signal, itself or as a member of a cohort.\n`);
console.log("kind                        attackers  found  recall  innocents accused  precision  median seconds to find");
for (const name of scenarioNames) {
  let attackers = 0;
  let found = 0;
  let wronged = 0;
  const delays: number[] = [];
  for (const seed of seeds) {
    const outcome = runScenario(name, seed);
    attackers += outcome.scenario.attackers.size;
    found += outcome.found;
    wronged += outcome.wronged.length + outcome.networks.length;
    const first = outcome.scenario.entries.find((entry) => outcome.scenario.attackers.has(entry.ip))?.time ?? 0;
    for (const [address, at] of outcome.accused) if (outcome.scenario.attackers.has(address)) delays.push((at - first) / 1_000);
  }
  const delay = delays.toSorted((a, z) => a - z)[delays.length >> 1];
  const recall = attackers === 0 ? "     –" : (found / attackers).toFixed(3).padStart(6);
  const precision = found + wronged === 0 ? "–" : (found / (found + wronged)).toFixed(3);
  console.log(
    `${name.padEnd(28)}${String(attackers).padStart(9)}${String(found).padStart(7)}  ${recall}${String(wronged).padStart(19)}${precision.padStart(11)}${(delay === undefined ? "–" : delay.toFixed(0)).padStart(24)}`,
  );
}

const few = seeds.slice(0, 5);
console.log(`\nCurve of slow (Wald's alpha), ${few.length} seeds\nalpha     upper bound  recall  innocents accused`);
for (const falseAlarm of [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8]) {
  const sum = total(
    ["scanner at 1 per 30 s", "ssh guess every 20 min", "web brute force, slow", "ordinary day", "carrier NAT", "developer", "broken deployment 404"],
    { slow: { falseAlarm } },
  );
  console.log(
    `${falseAlarm.toExponential(0).padEnd(10)}${Math.log(0.99 / falseAlarm)
      .toFixed(1)
      .padStart(11)}${(sum.found / sum.attackers).toFixed(3).padStart(8)}${String(sum.wronged).padStart(19)}`,
  );
}
console.log(`\nCurve of cohort (log-odds from which it acts), ${few.length} seeds\nlog-odds  recall  innocents accused`);
for (const act of [0, 2.2, 4.6, 6.9, 9.2, 11.5]) {
  const sum = total(["login botnet 300x2", "stuffing, scattered", "ssh botnet", "newsletter", "retry storm", "office on Monday"], {
    cohort: { act, report: Math.min(act, Math.log(99)) },
  });
  console.log(`${act.toFixed(1).padEnd(8)}${(sum.found / sum.attackers).toFixed(3).padStart(8)}${String(sum.wronged).padStart(19)}`);
}

function total(names: readonly string[], options: Parameters<typeof runScenario>[2]): { attackers: number; found: number; wronged: number } {
  const sum = { attackers: 0, found: 0, wronged: 0 };
  for (const name of names) {
    for (const seed of few) {
      const outcome = runScenario(name, seed, options);
      sum.attackers += outcome.scenario.attackers.size;
      sum.found += outcome.found;
      sum.wronged += outcome.wronged.length;
    }
  }
  return sum;
}

console.log("\nCost of an event (median of 5 passes over one day of a busy site, fresh detectors each)");
const web: Parsed[] = [];
const auth: Parsed[] = [];
for (const seed of [3, 4, 5, 6])
  for (const each of parseEntries(scenario("newsletter", seed).entries)) (each.record.source.endsWith("auth.log") ? auth : web).push(each);
for (let i = 0; auth.length < 100_000 && i < 100; i++)
  auth.push(...parseEntries(scenario("ssh brute force", 20 + i).entries).filter(({ record }) => record.source.endsWith("auth.log")));
for (const [label, parsed] of [
  ["access", web],
  ["auth", auth],
] as const) {
  const cost = (observe: () => void): string => {
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      observe();
      return performance.now() - start;
    });
    return `${(((times.toSorted((a, z) => a - z)[2] as number) * 1e6) / parsed.length).toFixed(0).padStart(6)} ns`;
  };
  const reading = cost(() => {
    const read = behaviourReader();
    for (const { event } of parsed) read(event);
  });
  const each = [0, 1, 2].map((i) => cost(() => detect(parsed, [behaviourDetectors()[i as 0 | 1 | 2]])));
  console.log(
    `${label.padEnd(8)}${parsed.length} events: reading ${reading}; alone with reading: slow ${each[0]}, cohort ${each[1]}, baseline ${each[2]}; all three ${cost(() => detect(parsed, behaviourDetectors()))}`,
  );
}
