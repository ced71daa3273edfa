import type { Language } from "#core/text/text.ts";
import type { CompiledRule } from "#sigma/compile.ts";
import type { CompiledCorrelation } from "#sigma/correlation.ts";
import type { RuleSet } from "#sigma/load.ts";
import type { EpisodeRule } from "../episodes.ts";

/** What a correlation counts by, as far as it says who is behind its hits. */
export type GroupKind = "address" | "user" | "other";

/** Where a rule's matches go: the correlation's index, and the key it knows the rule by. */
export interface Feed {
  readonly correlation: number;
  readonly key: string;
}

/** Where lines are kept until a correlation fires. */
export interface Slot {
  readonly kind: GroupKind;
  readonly groupBy: readonly string[];
  /** Longest time the correlations look back, milliseconds. */
  span: number;
}

export interface PlannedRule {
  readonly compiled: CompiledRule;
  /** Index of its episodes, -1 where it gives no signals of its own. */
  readonly episode: number;
  readonly feeds: Feed[];
  /** Slots its lines are kept in. */
  readonly slots: number[];
}

export interface PlannedCorrelation {
  readonly compiled: CompiledCorrelation;
  readonly episode: number;
  readonly feeds: Feed[];
  readonly kind: GroupKind;
  /** Slots with the lines behind it. */
  readonly slots: number[];
  /** How far before a hit's first event its lines may lie: the time spans of what it is chained to, milliseconds. */
  readonly reach: number;
}

/** A rule set laid out for running. */
export interface Plan {
  readonly rules: readonly PlannedRule[];
  readonly correlations: readonly PlannedCorrelation[];
  readonly slots: readonly Slot[];
  readonly episodes: readonly EpisodeRule[];
  /** Changes whenever a state of this plan would not fit another one. */
  readonly fingerprint: string;
}

/** Pause that ends an episode of a rule of a single event. */
const singleEventGap = 600_000;
/** Correlations that ask for at least as many events show lines from when they fire on: keeping the ones before would cost every event. */
const manyEvents = 200;
/** Names of Sigma's taxonomy for the peer's address (taxonomy appendix), beside ECS. */
const addressFields: ReadonlySet<string> = new Set(["source.ip", "c-ip", "src_ip", "SourceIp"]);
const userFields: ReadonlySet<string> = new Set(["user.name", "cs-username", "User", "user", "username"]);

/** Lays out who feeds whom, what gives signals and under which title, and whose lines are kept. */
export function planRules(set: RuleSet, language: Language): Plan {
  const episodes: EpisodeRule[] = [];
  const addEpisode = (rule: AnyRule, threshold: number, gap: number): number => {
    const own = haechiOf(rule.document);
    if (set.silent.has(rule.key) || own["signal"] === false) return -1;
    return (
      episodes.push({
        rule: ruleName(rule),
        title: ruleTitle(rule, language),
        level: rule.level ?? "medium",
        actionable: own["action"] === "ban",
        threshold,
        gap,
      }) - 1
    );
  };
  const rules = set.rules.map((compiled): PlannedRule => ({ compiled, episode: addEpisode(compiled.rule, 1, singleEventGap), feeds: [], slots: [] }));
  const ruleByKey = new Map(rules.map((rule) => [rule.compiled.rule.key, rule]));
  const correlations: PlannedCorrelation[] = [];
  const byKey = new Map<string, PlannedCorrelation>();
  const slots: Slot[] = [];
  const slotOf = new Map<string, number>();
  /** The rules at the bottom of a chain, and the time their correlations look back in all. */
  const leavesOf = (compiled: CompiledCorrelation): { leaves: PlannedRule[]; reach: number } => {
    const leaves: PlannedRule[] = [];
    let reach = 0;
    for (const key of compiled.references) {
      const rule = ruleByKey.get(key);
      const inner = byKey.get(key);
      if (rule) leaves.push(rule);
      else if (inner) {
        const below = leavesOf(inner.compiled);
        leaves.push(...below.leaves);
        reach = Math.max(reach, below.reach + inner.compiled.rule.timespan);
      }
    }
    return { leaves: [...new Set(leaves)], reach };
  };
  // Referred correlations come before those that refer to them, so every inner one is known.
  for (const compiled of set.correlations) {
    const { rule } = compiled;
    const kind = kindOf(compiled);
    const { leaves, reach } = leavesOf(compiled);
    const threshold = thresholdOf(compiled);
    const planned: PlannedCorrelation = { compiled, episode: addEpisode(rule, threshold, rule.timespan), feeds: [], kind, slots: [], reach };
    const index = correlations.push(planned) - 1;
    byKey.set(rule.key, planned);
    for (const key of compiled.references) (ruleByKey.get(key) ?? byKey.get(key))?.feeds.push({ correlation: index, key });
    if (planned.episode < 0 || threshold >= manyEvents) continue;
    for (const leaf of leaves) {
      const groupBy = kind === "other" ? rule.groupBy : [kind];
      const name = `${leaf.compiled.rule.key}\0${groupBy.join("\0")}`;
      let slot = slotOf.get(name);
      if (slot === undefined) {
        slot = slots.push({ kind, groupBy: rule.groupBy, span: 0 }) - 1;
        slotOf.set(name, slot);
        leaf.slots.push(slot);
      }
      const kept = slots[slot] as Slot;
      kept.span = Math.max(kept.span, rule.timespan + reach);
      planned.slots.push(slot);
    }
  }
  const fingerprint = JSON.stringify([
    rules.map(({ compiled }) => compiled.rule.key),
    correlations.map(({ compiled }) => [compiled.rule.key, compiled.rule.type, compiled.rule.timespan, compiled.rule.groupBy, compiled.references]),
    episodes.map(({ rule, gap }) => [rule, gap]),
    slots,
  ]);
  return { rules, correlations, slots, episodes, fingerprint };
}

function haechiOf(document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const own = document["haechi"];
  return typeof own === "object" && own !== null ? (own as Record<string, unknown>) : {};
}

type AnyRule = CompiledRule["rule"] | CompiledCorrelation["rule"];

/** Name of a rule in signals: for ours, which carry a `haechi` key, the file's name, for others the Sigma id. */
export function ruleName(rule: AnyRule): string {
  const isOurs = rule.document["haechi"] !== undefined;
  return (isOurs ? (rule.name ?? rule.id) : (rule.id ?? rule.name)) ?? rule.key;
}

/** The rule's title in the operator's language, where the rule gives one. */
export function ruleTitle(rule: AnyRule, language: Language): string {
  const titles = haechiOf(rule.document)["title"];
  const translated = typeof titles === "object" && titles !== null ? (titles as Record<string, unknown>)[language] : undefined;
  return typeof translated === "string" && translated !== "" ? translated : rule.title;
}

function kindOf({ rule }: CompiledCorrelation): GroupKind {
  const stands = (field: string, names: ReadonlySet<string>): boolean =>
    names.has(field) || [...(rule.aliases.get(field)?.values() ?? [])].some((name) => names.has(name));
  if (rule.groupBy.some((field) => stands(field, addressFields))) return "address";
  return rule.groupBy.length === 1 && stands(rule.groupBy[0] as string, userFields) ? "user" : "other";
}

function thresholdOf({ rule }: CompiledCorrelation): number {
  if (rule.condition.kind === "expression" || rule.type === "value_avg" || rule.type === "value_percentile" || rule.type === "value_sum") return 1;
  return Math.max(1, ...rule.condition.bounds.map(({ value }) => value));
}
