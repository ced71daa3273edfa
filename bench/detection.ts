// Precision and recall of slow and cohort on ground-truth scenarios, their thresholds' curve, and the cost of an event.
// node bench/detection.ts [seeds, default 10] — prints tables, asserts nothing.
import type { Detector } from "#contracts/detector.ts";
import type { LogRecord } from "#contracts/source.ts";
import { behaviourDetectors } from "#detectors/behaviour-detectors.ts";
import { behaviourReader } from "#detectors/behaviour/behaviour.ts";
import { accessLog } from "#parsers/access-log/access-log.ts";
import { sshd } from "#parsers/sshd/sshd.ts";
import { syslogPlugin } from "#parsers/syslog/syslog.ts";
import { parseEntries, runScenario } from "../test/scenarios/run.ts";
import { scenario, scenarioNames } from "../test/scenarios/scenarios.ts";

const wanted = Number(process.argv[2] ?? 10);
const seeds = Array.from({ length: wanted }, (_, i) => i + 1);

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

console.log("\nCost of an event (processor time of the best of 5 passes, parsed 500 lines ahead as in the program, fresh detectors each)");
const web = ["newsletter", "carrier NAT", "ordinary day"].flatMap((name) => [3, 4, 5].flatMap((seed) => records(name, seed, "web")));
const auth = Array.from({ length: 60 }, (_, i) => records(i % 2 ? "ssh brute force" : "ssh botnet", 20 + i, "ssh"))
  .flat()
  .toSorted((a, z) => a.writtenBy - z.writtenBy);
for (const [label, list] of [
  ["access", web],
  ["auth", auth],
] as const) {
  const alone = (pick: (all: ReturnType<typeof behaviourDetectors>) => readonly Detector[]): string =>
    `${cost(list, () => pick(behaviourDetectors())).toFixed(0)} ns`;
  const reading = cost(list, () => {
    const { read } = behaviourReader();
    return [{ observe: (event) => (read(event), []) }];
  });
  console.log(
    `${label.padEnd(7)}${list.length} lines: reading alone ${reading.toFixed(0)} ns; with reading: slow ${alone(([slow]) => [slow])}, cohort ${alone(([, cohort]) => [cohort])}, baseline ${alone(([, , baseline]) => [baseline])}; all three ${alone((all) => all)}`,
  );
}

function records(name: string, seed: number, kind: "web" | "ssh"): LogRecord[] {
  return parseEntries(scenario(name, seed).entries.filter((entry) => entry.kind === kind)).map(({ record }) => record);
}

/** Nanoseconds of processor time an event, without parsing. */
function cost(list: readonly LogRecord[], build: () => readonly Pick<Detector, "observe">[]): number {
  let best = Infinity;
  for (let pass = 0; pass < 5; pass++) {
    const parser = (list === web ? accessLog : syslogPlugin([sshd])).build({ timeZone: "UTC", year: undefined, trustedProxies: [] });
    const detectors = build();
    let spent = 0;
    for (let at = 0; at < list.length; at += 500) {
      const batch = list.slice(at, at + 500).map((record) => ({ record, event: parser.parse(record) }));
      const start = process.cpuUsage();
      for (const { record, event } of batch) if (event) for (const detector of detectors) detector.observe(event, record);
      const used = process.cpuUsage(start);
      spent += used.user + used.system;
    }
    best = Math.min(best, spent);
  }
  return (best * 1e3) / list.length;
}
