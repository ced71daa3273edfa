import { globSync, readFileSync } from "node:fs";
import { parserPlugins } from "#app/builtins.ts";
import { configSchema } from "#app/config/schema.ts";
import { sigmaRules } from "#detectors/sigma-rules/sigma-rules.ts";
import { loadRules } from "#sigma/load.ts";
import { logsourceMatches } from "#sigma/taxonomy.ts";
import { describe, expect, it } from "vitest";
import { parseLines, ruleSamples, runDetector } from "./rule-samples.ts";

const set = loadRules(globSync("rules/*/*.yml").map((path) => ({ path, text: readFileSync(path, "utf8") })));
const plugins = parserPlugins(configSchema.parse({}));
const single = new Map(set.rules.map((rule) => [rule.rule.name, rule]));
const samples = ruleSamples();

describe("built-in rules", () => {
  it("load without faults, each under its file's name with an id, a level, and words in both languages", () => {
    expect(set.faults).toEqual([]);
    const all = [...set.rules, ...set.correlations].map(({ rule }) => rule);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const rule of all) {
      expect(rule.id, rule.path).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(rule.level, rule.path).toBeDefined();
      expect(rule.falsepositives.length, rule.path).toBeGreaterThan(0);
      const own = rule.document["haechi"] as { action?: unknown; title?: { ko?: unknown }; description?: { ko?: unknown } };
      expect(["ban", "tell"], rule.path).toContain(own.action);
      expect(own.title?.ko, rule.path).toMatch(/[가-힣]/);
      expect(own.description?.ko, rule.path).toMatch(/[가-힣]/);
    }
    const names = new Set(all.map(({ name }) => name));
    for (const { name } of samples) expect(names.has(name), name).toBe(true);
  });

  it.each(samples)("$name fires on its samples", ({ name, match }) => {
    const rule = single.get(name);
    for (const { lines } of match) {
      const parsed = parseLines(lines, plugins);
      if (rule) for (const { event, record } of parsed) expect(logsourceMatches(rule.rule.logsource, event) && rule.matches(event), record.text).toBe(true);
      if (rule?.rule.level === "informational") continue;
      const signals = runDetector(sigmaRules(set, { maxKeys: 1_000, lateTolerance: 10_000 }), parsed);
      expect(signals.map((signal) => signal.rule)).toContain(name);
      for (const signal of signals) expect(signal.evidence.length).toBeGreaterThan(0);
    }
  });

  it.each(samples)("$name leaves its innocents alone, and so does every other rule that could act", ({ name, ignore }) => {
    const rule = single.get(name);
    for (const { lines, fires } of ignore) {
      const parsed = parseLines(lines, plugins);
      if (rule) for (const { event, record } of parsed) expect(rule.matches(event), record.text).toBe(false);
      const signals = runDetector(sigmaRules(set, { maxKeys: 1_000, lateTolerance: 10_000 }), parsed);
      expect(signals.map((signal) => signal.rule)).not.toContain(name);
      expect([...new Set(signals.filter(({ actionable }) => actionable).map((signal) => signal.rule))]).toEqual(fires);
    }
  });
});
