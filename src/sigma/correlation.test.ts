import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { correlationEngine } from "./correlate.ts";
import type { Correlator, SigmaCorrelation } from "./correlation.ts";
import { loadRules, type RuleSet } from "./load.ts";

const base = (name: string): string =>
  `title: ${name}\nid: id-${name}\nname: ${name}\nlogsource: {product: test}\ndetection:\n  sel: {kind: ${name}}\n  condition: sel\n`;

function load(correlation: string, names: readonly string[] = ["a", "b", "c"]): RuleSet {
  const text = [...names.map(base), `title: corr\nid: corr\ncorrelation:\n${correlation.replace(/^/gm, "  ")}\n`].join("---\n");
  return loadRules([{ path: "a.yml", text }]);
}
function correlator(correlation: string, options: { maxKeys?: number; lateTolerance?: number; snapshot?: unknown } = {}): Correlator {
  const { correlations, faults } = load(correlation);
  expect(faults).toEqual([]);
  return (correlations[0] as (typeof correlations)[0]).correlator({ maxKeys: 100, lateTolerance: 0, ...options });
}
const rule = (correlation: string): SigmaCorrelation => load(correlation).correlations[0]?.rule as SigmaCorrelation;
const refusal = (correlation: string): string =>
  load(correlation)
    .faults.map((fault) => `${fault.field}: ${fault.reason}`)
    .join("; ");
const count = (type: string, condition: string, more = ""): string =>
  `type: ${type}\nrules: [a]\ngroup-by: [ip]\ntimespan: 60s\n${more}condition: {${condition}}`;
const ip = { ip: "45.9.20.31" };
/** Which of the events, at these seconds, hit. */
const hits = (
  run: Correlator,
  times: readonly number[],
  of: (index: number) => { key?: string; event?: object; weight?: number } = () => ({}),
): readonly boolean[] =>
  times.map((time, index) => {
    const { key = "a", event = ip, weight = 1 } = of(index);
    return run.observe(key, { ...event }, time * 1_000, weight) !== undefined;
  });

describe("event_count", () => {
  test("slides exactly: the window is (t - timespan, t]", () => {
    expect(hits(correlator(count("event_count", "gte: 5")), [0, 15, 30, 45, 59])).toEqual([false, false, false, false, true]);
    expect(hits(correlator(count("event_count", "gte: 5")), [0, 15, 30, 45, 60])).toEqual([false, false, false, false, false]);
    expect(hits(correlator(count("event_count", "gte: 5")), [50, 55, 60, 65, 70]).at(-1)).toBe(true);
  });
  test("tells group, count, value, first and last", () => {
    const run = correlator(count("event_count", "gte: 2"));
    run.observe("a", ip, 1_000, 1);
    expect(run.observe("a", ip, 5_000, 1)).toEqual({ group: ip, key: ip.ip, count: 2, value: 2, first: 1_000, last: 5_000 });
  });
  test("groups apart, by all fields, several values, and not where a field is absent", () => {
    const run = correlator("type: event_count\nrules: a\ngroup-by: [ip, user]\ntimespan: 1m\ncondition: {gte: 2}");
    const seen = (event: object): boolean => run.observe("a", { ...event }, 0, 1) !== undefined;
    expect([seen({ ip: "x", user: "u" }), seen({ ip: "x", user: "v" }), seen({ ip: "x" }), seen({ ip: "x" }), seen({ ip: "x", user: "u" })]).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
    expect(seen({ ip: ["x", "y"], user: "v" })).toBe(true);
    expect(run.keys).toBe(3);
  });
  test("without group-by everything is one group", () => {
    expect(hits(correlator("type: event_count\nrules: [a]\ntimespan: 1m\ncondition: {gt: 1}"), [0, 1], () => ({ event: {} }))).toEqual([false, true]);
  });
  test("every comparison, and ranges", () => {
    const run = (condition: string) => hits(correlator(count("event_count", condition)), [1, 2, 3, 4]);
    expect(run("gt: 2")).toEqual([false, false, true, true]);
    expect(run("gte: 2")).toEqual([false, true, true, true]);
    expect(run("lt: 2")).toEqual([true, false, false, false]);
    expect(run("lte: 2")).toEqual([true, true, false, false]);
    expect(run("eq: 2")).toEqual([false, true, false, false]);
    expect(run("neq: 2")).toEqual([true, false, true, true]);
    expect(run("gt: 1, lte: 3")).toEqual([false, true, true, false]);
  });
  test("an event may stand for many", () => {
    expect(hits(correlator(count("event_count", "gte: 5")), [0, 1], (index) => ({ weight: index === 0 ? 4 : 1 }))).toEqual([false, true]);
  });
  test("agrees with counting by hand, in order and late", () => {
    const event = fc.record({ gap: fc.integer({ min: 0, max: 30 }), late: fc.integer({ min: 0, max: 20 }), weight: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), fc.boolean(), (events, needed, withLate) => {
        const run = correlator(count("event_count", `gte: ${needed}`), { lateTolerance: withLate ? 20_000 : 0 });
        const seen: { time: number; weight: number }[] = [];
        let newest = 0;
        for (const { gap, late, weight } of events) {
          const time = withLate ? Math.max(0, newest + gap - late) : newest + gap;
          newest = Math.max(newest, time);
          seen.push({ time, weight });
          const ends = seen.map((one) => one.time).filter((end) => end >= time && end < time + 60);
          const expected = ends.some((end) => seen.filter((one) => one.time > end - 60 && one.time <= end).reduce((sum, one) => sum + one.weight, 0) >= needed);
          expect(run.observe("a", ip, time * 1_000, weight) !== undefined).toBe(expected);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("late events", () => {
  test("count at their own time within the tolerance, not beyond", () => {
    expect(hits(correlator(count("event_count", "gte: 3"), { lateTolerance: 30_000 }), [0, 70, 50, 45])).toEqual([false, false, false, true]);
    const strict = correlator(count("event_count", "gte: 2"));
    expect(hits(strict, [10, 9])).toEqual([false, false]);
    expect(strict.late).toBe(1);
  });
});

describe("value_count", () => {
  const value = (values: readonly unknown[]) => (index: number) => ({ event: { ...ip, user: values[index] } });
  test("counts distinct values within the window", () => {
    expect(hits(correlator(count("value_count", "field: user, gte: 3")), [0, 1, 2, 3], value(["x", "x", "y", "z"]))).toEqual([false, false, false, true]);
    expect(hits(correlator(count("value_count", "field: user, gte: 3")), [0, 30, 60], value(["x", "y", "z"]))).toEqual([false, false, false]);
    expect(hits(correlator(count("value_count", "field: user, gte: 3")), [0, 30, 50, 70], value(["x", "y", "x", "z"]))).toEqual([false, false, false, true]);
    expect(hits(correlator(count("value_count", "field: user, gte: 1")), [0], value([undefined]))).toEqual([false]);
    expect(hits(correlator(count("value_count", "field: user, gte: 2")), [0], value([["x", "y"]]))).toEqual([true]);
  });
  test("several fields are one value", () => {
    const run = correlator(count("value_count", "field: [user, host], gte: 2"));
    expect(hits(run, [0, 1, 2], (index) => ({ event: { ...ip, user: "u", host: ["h", "h", "i"][index] } }))).toEqual([false, false, true]);
  });
  test("agrees with counting by hand, in order and late", () => {
    const event = fc.record({ gap: fc.integer({ min: 0, max: 30 }), late: fc.integer({ min: 0, max: 20 }), user: fc.constantFrom("u", "v", "w", "x", "y") });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), fc.boolean(), (events, needed, withLate) => {
        const run = correlator(count("value_count", `field: user, gte: ${needed}`), { lateTolerance: withLate ? 20_000 : 0 });
        const seen: { time: number; user: string }[] = [];
        let newest = 0;
        for (const { gap, late, user } of events) {
          const time = withLate ? Math.max(0, newest + gap - late) : newest + gap;
          newest = Math.max(newest, time);
          seen.push({ time, user });
          const ends = seen.map((one) => one.time).filter((end) => end >= time && end < time + 60);
          const expected = ends.some((end) => new Set(seen.filter((one) => one.time > end - 60 && one.time <= end).map((one) => one.user)).size >= needed);
          expect(run.observe("a", { ...ip, user }, time * 1_000, 1) !== undefined).toBe(expected);
        }
      }),
      { numRuns: 200 },
    );
  });
  test("one value repeated without end neither fills the window nor hides the others", () => {
    const run = correlator(count("value_count", "field: user, gte: 3"), { lateTolerance: 30_000 });
    run.observe("a", { ...ip, user: "x" }, 0, 1);
    run.observe("a", { ...ip, user: "y" }, 1, 1);
    for (let i = 2; i < 20_000; i++) run.observe("a", { ...ip, user: "y" }, i, 1);
    expect(run.observe("a", { ...ip, user: "z" }, 20_001, 1)?.value).toBe(3);
  });
});

describe("value_sum, value_avg, value_percentile", () => {
  const bytes = (values: readonly unknown[]) => (index: number) => ({ event: { ...ip, bytes: values[index] } });
  test("sum", () => {
    expect(hits(correlator(count("value_sum", "field: bytes, gt: 100")), [0, 1, 2], bytes([60, "40", 1]))).toEqual([false, false, true]);
    expect(hits(correlator(count("value_sum", "field: bytes, gt: 100")), [0, 60], bytes([100, 100]))).toEqual([false, false]);
    expect(hits(correlator(count("value_sum", "field: bytes, gte: 0")), [0, 1], bytes(["many", undefined]))).toEqual([false, false]);
    expect(hits(correlator(count("value_sum", "field: bytes, gte: 10.5")), [0, 1], bytes([10, 0.5]))).toEqual([false, true]);
  });
  test("average", () => {
    expect(hits(correlator(count("value_avg", "field: bytes, gt: 500")), [0, 1, 2], bytes([400, 700, 100]))).toEqual([false, true, false]);
  });
  test("percentile: of numbers, by default the median", () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 100];
    const last = (condition: string) =>
      hits(
        correlator(count("value_percentile", condition)),
        values.map((_, i) => i),
        bytes(values),
      ).at(-1);
    expect(last("field: bytes, percentile: 95, gte: 100")).toBe(true);
    expect(last("field: bytes, percentile: 50, lte: 6")).toBe(true);
    expect(last("field: bytes, gt: 6")).toBe(false);
  });
  test("percentile: the share of a name among all, in percent", () => {
    const run = correlator("type: value_percentile\nrules: [a]\ngroup-by: [ip]\ntimespan: 24h\ncondition: {field: image, lte: 1}");
    for (let i = 0; i < 99; i++) expect(run.observe("a", { ...ip, image: "bash" }, i, 1)).toBeUndefined();
    expect(run.observe("a", { ...ip, image: "xmrig" }, 100, 1)?.value).toBe(1);
  });
});

describe("temporal", () => {
  const temporal = (more = "", type = "temporal"): string => `type: ${type}\nrules: [a, b, c]\ngroup-by: [ip]\ntimespan: 60s\n${more}`;
  const keys = (order: string) => (index: number) => ({ key: order[index] as string });
  test("all rules, in any order, within the window", () => {
    expect(hits(correlator(temporal()), [0, 1, 2, 3], keys("cabb"))).toEqual([false, false, true, true]);
    expect(hits(correlator(temporal()), [0, 30, 60], keys("abc"))).toEqual([false, false, false]);
    expect(hits(correlator(temporal()), [0, 30, 40, 70], keys("abac"))).toEqual([false, false, false, true]);
  });
  test("a number of different rules", () => {
    expect(hits(correlator(temporal("condition: {gte: 2}")), [0, 1, 2], keys("aab"))).toEqual([false, false, true]);
  });
  test("the extended condition is an expression over the rules", () => {
    const run = () => correlator(temporal("condition: (a or b) and not c"));
    expect(hits(run(), [0, 1, 2], keys("bac"))).toEqual([true, true, false]);
    expect(hits(run(), [0, 59, 61], keys("caa"))).toEqual([false, false, true]);
    expect(rule("type: temporal\ngroup-by: [ip]\ntimespan: 5m\ncondition: a AND b").rules).toEqual(["a", "b"]);
  });
  test("ordered: the rules one after another", () => {
    const run = (order: string, times = Array.from(order, (_, index) => index)) => hits(correlator(temporal("", "temporal_ordered")), times, keys(order));
    expect(run("abc")).toEqual([false, false, true]);
    expect(run("acb")).toEqual([false, false, false]);
    expect(run("abac")).toEqual([false, false, false, true]);
    expect(run("bacbc")).toEqual([false, false, false, false, true]);
    expect(run("abc", [0, 30, 60])).toEqual([false, false, false]);
    expect(run("abc", [5, 5, 5])).toEqual([false, false, true]);
    expect(hits(correlator(temporal("condition: a and b and c", "temporal_ordered")), [0, 1, 2], keys("bca"))).toEqual([false, false, false]);
  });
  test("many events of one rule lose no order", () => {
    const run = correlator(temporal("", "temporal_ordered"));
    run.observe("a", ip, 0, 1);
    run.observe("b", ip, 1, 1);
    for (let i = 2; i < 10_000; i++) run.observe("a", ip, i, 1);
    expect(run.observe("c", ip, 10_000, 1)).toBeDefined();
  });
  test("agrees with looking at every order by hand", () => {
    const event = fc.record({ gap: fc.integer({ min: 0, max: 40 }), key: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        const run = correlator(temporal("", "temporal_ordered"));
        const seen: { time: number; key: string }[] = [];
        let time = 0;
        for (const { gap, key } of events) {
          time += gap;
          seen.push({ time, key });
          let wanted = 0;
          for (const one of seen) if (one.time > time - 60 && one.key === "abc"[wanted]) wanted++;
          expect(run.observe(key, ip, time * 1_000, 1) !== undefined).toBe(wanted === 3);
        }
      }),
    );
  });
});

describe("aliases, references, chains", () => {
  test("an alias reads the field of its rule", () => {
    const run = correlator("type: temporal\nrules: [a, b]\ngroup-by: [inner]\ntimespan: 10s\naliases:\n  inner:\n    a: destination.ip\n    b: source.ip");
    expect(run.observe("a", { "destination.ip": "x", "source.ip": "y" }, 0, 1)).toBeUndefined();
    expect(run.observe("b", { "destination.ip": "x", "source.ip": "y" }, 1, 1)).toBeUndefined();
    expect(run.observe("b", { "source.ip": "x" }, 2, 1)?.group).toEqual({ inner: "x" });
  });
  test("a chain: many failures, then a success, grouped by the outer rule's own fields", () => {
    const text = [
      "title: outer\nid: outer\ncorrelation:\n  type: temporal_ordered\n  rules: [many, b]\n  group-by: [user]\n  timespan: 10m\n",
      "title: many\nid: inner\nname: many\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [ip]\n  timespan: 10m\n  condition: {gte: 3}\n",
      base("a"),
      base("b"),
    ].join("---\n");
    const set = loadRules([{ path: "x.yml", text }]);
    expect(set.faults).toEqual([]);
    expect(set.correlations.map(({ rule, references }) => [rule.key, references])).toEqual([
      ["inner", ["id-a"]],
      ["outer", ["inner", "id-b"]],
    ]);
    expect([...set.silent].toSorted()).toEqual(["id-a", "id-b", "inner"]);
    const engine = correlationEngine(set.correlations, { maxKeys: 10, lateTolerance: 0 });
    const see = (key: string, time: number, user = "root") => engine.observe([key], { ip: "x", user }, time, 1).map(({ correlation }) => correlation.rule.key);
    expect([see("id-a", 1), see("id-a", 2), see("id-a", 3), see("id-b", 4, "joe"), see("id-b", 5)]).toEqual([[], [], ["inner"], [], ["outer"]]);
    const again = correlationEngine(set.correlations, { maxKeys: 10, lateTolerance: 0, snapshot: structuredClone(engine.snapshot()) });
    expect(again.observe(["id-b"], { ip: "z", user: "root" }, 6, 1)).toHaveLength(1);
  });
  test.each([
    ["type: event_count\nrules: [nobody]\ngroup-by: [ip]\ntimespan: 1m\ncondition: {gte: 1}", "correlation.rules: there is no rule `nobody`"],
    ["type: event_count\nrules: [corr]\ngroup-by: [ip]\ntimespan: 1m\ncondition: {gte: 1}", "correlation.rules: the correlation refers to itself through corr"],
    [
      "type: sometimes\nrules: [a]",
      "correlation.type: `sometimes` is not one of event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile",
    ],
    ["type: event_count\ngroup-by: [ip]\ntimespan: 1m\ncondition: {gte: 1}", "correlation.rules: is missing"],
    ["type: event_count\nrules: [a]\ngroup-by: [ip]\ntimespan: 1m", "correlation.condition: is missing"],
    ["type: event_count\nrules: [a]\ngroup-by: [ip]\ntimespan: 1m\ncondition: {}", "correlation.condition: one of gt, gte, lt, lte, eq, neq is needed"],
    ["type: event_count\nrules: [a]\ngroup-by: [ip]\ntimespan: 1m\ncondition: {gte: many}", "correlation.condition.gte: `many` is no number"],
    ["type: event_count\nrules: [a]\ngroup-by: [ip]\ntimespan: 1m\ncondition: {gte: 100001}", "correlation.condition.gte: at most 100000 is allowed"],
    ["type: value_count\nrules: [a]\ngroup-by: [ip]\ntimespan: 1m\ncondition: {gte: 1}", "correlation.condition.field: is missing"],
    [
      "type: event_count\nrules: [a]\ngroup-by: [ip]\ntimespan: 1h30m\ncondition: {gte: 1}",
      "correlation.timespan: `1h30m` is no time span such as 30s, 5m, 1h or 1d",
    ],
    ["type: event_count\nrules: [a]\ngroup-by: [ip]\ncondition: {gte: 1}", "correlation.timespan: is missing"],
    [
      "type: event_count\nrules: [a]\ngroup-by: [ip]\ntimespan: 1m\ncondition: a and b",
      "correlation.condition: a condition expression is for temporal and temporal_ordered correlations only",
    ],
    [
      "type: temporal\nrules: [a, b]\ngroup-by: [ip]\ntimespan: 1m\ncondition: a",
      "correlation.condition: the condition expression and `rules` name different rules: b",
    ],
    [
      "type: temporal\nrules: [a, b]\ngroup-by: [ip]\ntimespan: 1m\ncondition: a and b and d",
      "correlation.condition: the condition names `d`, which is not defined",
    ],
  ])("refused: %s", (correlation, reason) => {
    expect(refusal(correlation)).toBe(reason);
  });
});

describe("memory", () => {
  test("the least recently active group goes first, and is counted", () => {
    const run = correlator(count("event_count", "gte: 2"), { maxKeys: 2 });
    const see = (key: string) => run.observe("a", { ip: key }, 0, 1) !== undefined;
    expect([see("x"), see("y"), see("x"), see("z"), see("y"), see("x")]).toEqual([false, false, true, false, false, false]);
    expect([run.keys, run.evictions]).toEqual([2, 3]);
  });
  test("idle groups expire, and are not counted", () => {
    const run = correlator(count("event_count", "gte: 2"));
    for (let i = 0; i < 50; i++) run.observe("a", { ip: `10.0.0.${i}` }, 0, 1);
    for (let i = 0; i < 30; i++) run.observe("a", ip, 61_000 + i, 1);
    expect([run.keys, run.evictions]).toEqual([1, 0]);
  });
  test("an event of a far future clears no more than two groups", () => {
    const run = correlator(count("event_count", "gte: 2"));
    for (let i = 0; i < 50; i++) run.observe("a", { ip: `10.0.0.${i}` }, 0, 1);
    run.observe("a", ip, 4e12, 1);
    expect(run.keys).toBe(49);
  });
  test("a busy group keeps no more than the condition needs", () => {
    const run = correlator(count("event_count", "gte: 5"));
    for (let i = 0; i < 100_000; i++) run.observe("a", ip, i, 1);
    const [group] = (run.snapshot() as { groups: { times: number[] }[] }).groups;
    expect(group?.times).toHaveLength(6);
  });
  test("a snapshot goes on where it was; a wrong one is refused", () => {
    const run = correlator(count("value_count", "field: user, gte: 2"));
    run.observe("a", { ...ip, user: "x" }, 1_000, 1);
    const again = correlator(count("value_count", "field: user, gte: 2"), { snapshot: structuredClone(run.snapshot()) });
    expect(again.observe("a", { ...ip, user: "y" }, 2_000, 1)?.first).toBe(1_000);
    for (const snapshot of [1, null, {}, { version: 2, groups: [] }, { version: 1, groups: [{}] }])
      expect(() => correlator(count("event_count", "gte: 1"), { snapshot })).toThrow(TypeError);
  });
  test("times and weights that are none change nothing", () => {
    const run = correlator(count("event_count", "gte: 2"));
    expect([Number.NaN, Infinity].map((time) => run.observe("a", ip, time, 1))).toEqual([undefined, undefined]);
    expect(run.observe("nobody", ip, 0, 1)).toBeUndefined();
    run.observe("a", ip, 0, Number.NaN);
    expect(run.observe("a", ip, 0, -5)?.count).toBe(2);
  });
});
