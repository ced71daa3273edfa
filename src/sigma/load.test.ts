import { describe, expect, test } from "vitest";
import { loadRules } from "./load.ts";
import { testRules } from "./rule-test.ts";

const rule = (detection: string, extra = ""): string =>
  `title: T\nid: r1\nlogsource:\n  product: test\n${extra}detection:\n${detection.replace(/^/gm, "  ")}\n`;
const load = (text: string, options = {}) => loadRules([{ path: "a.yml", text }], options);

async function matches(text: string, events: readonly object[]): Promise<readonly (readonly string[])[]> {
  async function* lines() {
    for (const [index, event] of events.entries()) yield { line: index + 1, text: JSON.stringify(event) };
  }
  const out: (readonly string[])[] = [];
  for await (const line of testRules([{ path: "a.yml", text }], lines())) out.push(line.matches);
  return out;
}

describe("loadRules", () => {
  test("compiles a rule and matches", () => {
    const { rules, faults } = load(rule("sel:\n  A|contains: 'Foo'\n  B: 5\ncondition: sel"));
    expect(faults).toEqual([]);
    expect(rules[0]?.matches({ A: "xxFOOyy", B: "5" })).toBe(true);
    expect(rules[0]?.matches({ A: "xxFOOyy", B: 6 })).toBe(false);
  });
  test("a correlation fires at the fifth failure within the window", async () => {
    const text = `${rule("sel:\n  outcome: failure\ncondition: sel", "name: fail\n")}---
title: brute
id: c1
correlation:
  type: event_count
  rules: [fail]
  group-by: [ip]
  timespan: 60s
  condition:
    gte: 5
`;
    const at = (seconds: number) => ({ outcome: "failure", ip: "45.9.20.31", "@timestamp": new Date(1_700_000_000_000 + seconds * 1_000).toISOString() });
    expect((await matches(text, [0, 15, 30, 45, 59].map(at))).map((one) => one.includes("c1"))).toEqual([false, false, false, false, true]);
    expect((await matches(text, [0, 15, 30, 45, 60].map(at))).map((one) => one.includes("c1"))).toEqual([false, false, false, false, false]);
  });
});
