import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { correlationEngine } from "./correlate.ts";
import { loadRules } from "./load.ts";
import type { Narrowing } from "./narrowing.ts";

const modifier = fc.constantFrom(
  "contains",
  "startswith",
  "endswith",
  "all",
  "base64",
  "base64offset",
  "wide",
  "utf16",
  "windash",
  "re",
  "i",
  "cidr",
  "cased",
  "exists",
  "expand",
  "fieldref",
  "gt",
  "lte",
  "neq",
  "hour",
  "foo",
);
const word = fc.constantFrom("a", "B", "ab", "a*", "*b*", "a?", "10.0.0.0/8", "(a+)+$", "-x", "%p%", "\\", "\\*", "", "É", "4625");
const value = fc.oneof({ weight: 4, arbitrary: word }, fc.integer(), fc.boolean(), fc.constant(null), fc.double());
const field = fc.constantFrom("A", "B", "a.b", "__proto__", "constructor", "");
const key = fc.tuple(field, fc.array(modifier, { maxLength: 3 })).map(([name, modifiers]) => [name, ...modifiers].join("|"));
const map = fc.dictionary(key, fc.oneof(value, fc.array(value, { maxLength: 3 })), { maxKeys: 3 });
const selection = fc.oneof(map, fc.array(fc.oneof(value, map), { maxLength: 3 }), value);
const condition = fc.constantFrom("s1", "s1 and s2", "s1 or not s2", "1 of s*", "all of them", "not s1", "s1 and (s2 or s1)", "s3", "(", ["s1", "s2"]);
const detection = fc.record({ s1: selection, s2: selection, condition });
const scalar = fc.oneof(word, fc.integer(), fc.constant(null), fc.constant(undefined), fc.double(), fc.boolean());
const event = fc.dictionary(
  fc.constantFrom("A", "B", "a.b", "a", "c", "__proto__"),
  fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(fc.constantFrom("b", "c"), scalar)),
  { maxKeys: 4 },
);
const rule = (content: unknown): string => stringify({ title: "t", id: "r", logsource: { product: "p" }, detection: content });

/** What a dispatcher would do with a narrowing. */
function mayMatch(narrowing: Narrowing, given: Record<string, unknown>): boolean {
  const texts = (part: unknown): string[] =>
    typeof part === "object" && part !== null
      ? Object.values(part).flatMap(texts)
      : part === null || part === undefined
        ? []
        : [String(part as string | number | boolean).toLowerCase()];
  const of = (name: string | undefined): string[] => {
    if (name === undefined) return texts(given);
    const direct = Object.hasOwn(given, name) ? given[name] : undefined;
    return direct === undefined && name === "a.b" ? texts((given["a"] as { b?: unknown } | undefined)?.b) : texts(direct);
  };
  return (
    narrowing.equals.every(({ field: name, values }) => of(name).some((text) => values.includes(text))) &&
    narrowing.contains.every(({ field: name, anyOf }) => of(name).some((text) => anyOf.some((needle) => text.includes(needle))))
  );
}

describe("fuzz", () => {
  test("made rules on made events: nothing throws, and a narrowing never loses a match", () => {
    let loaded = 0;
    fc.assert(
      fc.property(detection, fc.array(event, { minLength: 1, maxLength: 6 }), (content, events) => {
        const set = loadRules([{ path: "f", text: rule(content) }], { placeholders: { p: ["a*", "b"] } });
        expect(set.entries).toHaveLength(1);
        for (const compiled of set.rules) {
          loaded++;
          for (const given of events) {
            const matched = compiled.matches(given);
            expect(compiled.explain(given).length > 0 && !matched).toBe(false);
            if (matched && compiled.narrowing) expect(compiled.narrowing.some((one) => mayMatch(one, given))).toBe(true);
          }
        }
      }),
      { numRuns: 1_500 },
    );
    expect(loaded).toBeGreaterThan(50);
  });
  const sample = `title: t\nid: r\nname: n\nlogsource: {category: webserver}\ndetection:\n  sel:\n    A|contains|all: [x, 'y*']\n    B|re: '^a(b|c)+$'\n  words: [curl]\n  condition: sel or 1 of word* and not sel\n---\ntitle: c\ncorrelation:\n  type: value_count\n  rules: [n]\n  group-by: [ip]\n  timespan: 5m\n  aliases: {ip: {n: c-ip}}\n  condition: {field: u, gte: 3}\n---\ntitle: f\nlogsource: {category: webserver}\nfilter: {rules: any, selection: {A: 1}, condition: not selection}\n`;
  test("mutated rule files never throw", () => {
    const edit = fc.record({
      at: fc.nat(sample.length),
      cut: fc.nat(12),
      put: fc.constantFrom("", "|", "*", "(", ": ", "\n", "- ", "&a ", "*a", "'", "{", "]", "\t", "0", "<<: ", "!!binary ", "---\n", "\u0000", "😀"),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.array(event, { maxLength: 3 }), (edits, events) => {
        let text = sample;
        for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut);
        const set = loadRules([{ path: "f", text }], { mapFields: true });
        const engine = correlationEngine(set.correlations, { maxKeys: 5, lateTolerance: 1_000 });
        for (const [index, given] of events.entries()) {
          const keys = set.rules.filter((one) => one.matches(given)).map((one) => one.rule.key);
          engine.observe([...keys, "r", "n"], given, index, 1);
        }
      }),
      { numRuns: 500 },
    );
  });
  test("any text never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.json()), (text) => {
        loadRules([{ path: "f", text }]);
      }),
      { numRuns: 500 },
    );
    expect(loadRules([{ path: "f", text: "[".repeat(10_000) }]).faults).toHaveLength(1);
    expect(loadRules([{ path: "f", text: `a: ${"{b: ".repeat(5_000)}` }]).faults).toHaveLength(1);
  });
});
