import type { CompiledCorrelation } from "#sigma/correlation.ts";
import { loadRules } from "#sigma/load.ts";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { windowCount, type WindowState } from "./window-counts.ts";

const rule = (name: string): string => `
title: ${name}
name: ${name}
logsource: { product: haechi }
detection: { selection: { event.action: ${name} }, condition: selection }
`;

function correlation(body: string): CompiledCorrelation {
  const text = [rule("a"), rule("b"), rule("c"), `\ntitle: x\nname: x\ncorrelation:\n${body}`].join("---");
  const set = loadRules([{ path: "x.yml", text }]);
  expect(set.faults).toEqual([]);
  return set.correlations[0] as CompiledCorrelation;
}

const forms = {
  event_count: "  type: event_count\n  rules: [a]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: { gte: 5 }\n",
  "event_count, gt": "  type: event_count\n  rules: [a, b]\n  group-by: [source.ip, host.name]\n  timespan: 10s\n  condition: { gt: 2 }\n",
  value_count: "  type: value_count\n  rules: [a]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: { field: user.name, gte: 3 }\n",
  temporal: "  type: temporal\n  rules: [a, b, c]\n  group-by: [source.ip]\n  timespan: 30s\n",
  temporal_ordered: "  type: temporal_ordered\n  rules: [a, b, c]\n  group-by: [source.ip]\n  timespan: 30s\n",
};

const step = fc.record({
  rule: fc.constantFrom("a", "b", "c"),
  address: fc.constantFrom("45.9.20.31", "103.77.4.9"),
  user: fc.integer({ min: 0, max: 8 }).map((n) => `user${n}`),
  wait: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) }, { weight: 1, arbitrary: fc.integer({ min: 40, max: 70 }) }),
  late: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) }),
  weight: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 2, max: 4 }) }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Whether each step fires, by the measure with a state for each group, or by Sigma's general correlator. */
function answers(compiled: CompiledCorrelation, steps: readonly Step[], lateTolerance: number, isFast: boolean, isLate: boolean): boolean[] {
  const general = compiled.correlator({ maxKeys: 1_000, lateTolerance });
  const measure = windowCount(compiled.rule, lateTolerance);
  if (!measure) throw new Error("no measure");
  let states = new Map<string, WindowState>();
  let now = 0;
  return steps.map((one, index) => {
    now += one.wait;
    const time = (now - (isLate ? one.late : 0)) * 1_000;
    const position = compiled.rule.rules.indexOf(one.rule);
    if (position < 0) return false;
    const event = { "source.ip": one.address, "host.name": "web1", "user.name": one.user };
    if (!isFast) return general.observe(compiled.references[position] as string, event, time, one.weight) !== undefined;
    // Now and then it is taken down and put up again from its state.
    if (index % 17 === 16) states = structuredClone(states);
    let state = states.get(one.address);
    if (!state) states.set(one.address, (state = measure.create()));
    return measure.add(state, compiled.rule.type === "value_count" ? one.user : position, time, one.weight);
  });
}

describe("windowCount", () => {
  it.each(Object.entries(forms))("answers as the general correlator does: %s", (_, body) => {
    const compiled = correlation(body);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.constantFrom(0, 10_000), (steps, lateTolerance) => {
        expect(answers(compiled, steps, lateTolerance, true, false)).toEqual(answers(compiled, steps, lateTolerance, false, false));
      }),
      { numRuns: 300 },
    );
  });

  it.each([forms.event_count, forms["event_count, gt"]])("counts late events in every window they are in", (body) => {
    const compiled = correlation(body);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        expect(answers(compiled, steps, 10_000, true, true)).toEqual(answers(compiled, steps, 10_000, false, true));
      }),
      { numRuns: 300 },
    );
  });

  it("never fires on late events where the general one does not", () => {
    for (const body of [forms.value_count, forms.temporal]) {
      const compiled = correlation(body);
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
          const general = answers(compiled, steps, 10_000, false, true);
          answers(compiled, steps, 10_000, true, true).forEach((fires, index) => expect(fires && !general[index]).toBe(false));
        }),
        { numRuns: 300 },
      );
    }
  });

  it("puts a late first step before what followed it", () => {
    const compiled = correlation("  type: temporal_ordered\n  rules: [a, b]\n  group-by: [source.ip]\n  timespan: 30s\n");
    const measure = windowCount(compiled.rule, 10_000);
    const state = measure?.create();
    if (!measure || !state) throw new Error("no measure");
    expect(measure.add(state, 1, 8_000, 1)).toBe(false);
    expect(measure.add(state, 0, 5_000, 1)).toBe(true);
    expect(state.first).toBe(5_000);
  });

  it("keeps a bounded number of values and times", () => {
    for (const body of [forms.event_count, forms.value_count]) {
      const measure = windowCount(correlation(body).rule, 10_000);
      const state = measure?.create();
      if (!measure || !state) throw new Error("no measure");
      for (let i = 0; i < 20_000; i++) expect(measure.add(state, `user${i}`, i, 1)).toBe(i >= (body === forms.event_count ? 4 : 2));
      expect(state.places).toBeLessThan(1_200);
    }
  });

  it("leaves what it does not know to the general one", () => {
    const bodies = [
      "  type: value_sum\n  rules: [a]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: { field: source.bytes, gte: 3 }\n",
      "  type: event_count\n  rules: [a]\n  group-by: [c-ip]\n  timespan: 60s\n  condition: { gte: 3 }\n",
      "  type: event_count\n  rules: [a]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: { lt: 3 }\n",
    ];
    for (const body of bodies) expect(windowCount(correlation(body).rule, 0)).toBeUndefined();
  });
});
