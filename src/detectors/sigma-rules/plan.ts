import type { Language } from "#core/text/text.ts";
import type { CompiledRule } from "#sigma/compile.ts";
import type { CompiledCorrelation } from "#sigma/correlation.ts";
import type { RuleSet } from "#sigma/load.ts";
import type { EpisodeRule } from "../episodes.ts";
import { windowCount, type Measure } from "./window-counts.ts";

/** What a correlation counts by, as far as it says who is behind its hits. */
export type GroupKind = "address" | "user" | "other";

/** Where a rule's matches go: the correlation's index, and the key it knows the rule by. */
export interface Feed {
  readonly correlation: number;
  readonly key: string;
  /** Place of the rule among those the correlation refers to. */
  readonly position: number;
}

/** Where lines are kept until a correlation fires. */
export interface Slot {
  readonly table: number;
  /** Place in the table's cells. */
  readonly place: number;
  /** Longest time the correlations look back, milliseconds. */
  span: number;
}

/** Fields that some correlations count by, which rest on the same rules: one event concerns few tables, and each is looked up once. */
export interface Table {
  readonly fields: readonly string[];
  readonly kind: GroupKind;
  correlations: number;
  slots: number;
  /** Longest time that a correlation looks back, milliseconds. */
  span: number;
}

export interface PlannedRule {
  readonly compiled: CompiledRule;
  /** Index of its episodes, -1 where it gives no signals of its own. */
  readonly episode: number;
  readonly feeds: Feed[];
  /** Slots its lines are kept in. */
  readonly slots: number[];
  /** Tables of the correlations that its matches reach. */
  readonly tables: number[];
}

export interface PlannedCorrelation {
  readonly compiled: CompiledCorrelation;
  readonly episode: number;
  readonly feeds: Feed[];
  readonly kind: GroupKind;
  readonly table: number;
  /** Place in the table's cells. */
  readonly place: number;
  /** Constant-time counting, where the form of the correlation allows it. */
  readonly measure: Measure | undefined;
  /** Field that values are read from, where it counts values. */
  readonly fields: readonly string[];
  /** Slots with the lines behind it. */
  readonly slots: number[];
  /** How far before a hit's first event its lines may lie: the time spans of what it is chained to, milliseconds. */
  readonly reach: number;
  /** Slot of the sign-ins that excuse it, where it names such a rule (`haechi.excuse`). */
  readonly excuse: number | undefined;
}

/** A rule set laid out for running. */
export interface Plan {
  readonly rules: readonly PlannedRule[];
  readonly correlations: readonly PlannedCorrelation[];
  readonly slots: readonly Slot[];
  readonly tables: readonly Table[];
  readonly episodes: readonly EpisodeRule[];
  /** Changes whenever a state of this plan would not fit another one. */
  readonly fingerprint: string;
}

/** Pause that ends an episode of a rule of a single event. */
const singleEventGap = 600_000;
/** Sign-ins of so long ago still tell that people work behind an address, milliseconds. */
const excuseSpan = 4 * 3_600_000;
/** Correlations that ask for at least as many events show lines from when they fire on: keeping the ones before would cost every event. */
const manyEvents = 200;
/** Names of Sigma's taxonomy for the peer's address (taxonomy appendix), beside ECS. */
const addressFields: ReadonlySet<string> = new Set(["source.ip", "c-ip", "src_ip", "SourceIp"]);
const userFields: ReadonlySet<string> = new Set(["user.name", "cs-username", "User", "user", "username"]);

/** Lays out who feeds whom, what gives signals and under which title, and whose lines are kept. */
export function planRules(set: RuleSet, language: Language, lateTolerance: number): Plan {
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
  const rules = set.rules.map((compiled): PlannedRule => ({
    compiled,
    episode: addEpisode(compiled.rule, 1, singleEventGap),
    feeds: [],
    slots: [],
    tables: [],
  }));
  const ruleByKey = new Map(rules.map((rule) => [rule.compiled.rule.key, rule]));
  const correlations: PlannedCorrelation[] = [];
  const byKey = new Map<string, PlannedCorrelation>();
  const slots: Slot[] = [];
  const slotOf = new Map<string, number>();
  const tables: Table[] = [];
  const tableNames = new Map<string, number>();
  const tableOf = (kind: GroupKind, fields: readonly string[], family: string): number => {
    const name = [kind, family, ...fields].join("\0");
    const index = tableNames.get(name) ?? tables.push({ fields, kind, correlations: 0, slots: 0, span: 0 }) - 1;
    tableNames.set(name, index);
    return index;
  };
  const compiledByKey = new Map(set.correlations.map((compiled) => [compiled.rule.key, compiled]));
  /** The rules at the bottom of a chain, and the time its inner correlations look back in all. */
  const leavesOf = (compiled: CompiledCorrelation): { leaves: PlannedRule[]; reach: number } => {
    const leaves: PlannedRule[] = [];
    let reach = 0;
    for (const key of compiled.references) {
      const rule = ruleByKey.get(key);
      const inner = compiledByKey.get(key);
      if (rule) leaves.push(rule);
      else if (inner) {
        const below = leavesOf(inner);
        leaves.push(...below.leaves);
        reach = Math.max(reach, below.reach + inner.rule.timespan);
      }
    }
    return { leaves: [...new Set(leaves)], reach };
  };
  const familyOf = families(set.correlations.map((compiled) => leavesOf(compiled).leaves.map((leaf) => leaf.compiled.rule.key)));
  /** Where the lines of `leaf` are kept for the correlations of a table, for `span` at least. */
  const slotFor = (leaf: PlannedRule, table: number, span: number): number => {
    const name = `${table} ${leaf.compiled.rule.key}`;
    let slot = slotOf.get(name);
    if (slot === undefined) {
      slot = slots.push({ table, place: (tables[table] as Table).slots++, span: 0 }) - 1;
      slotOf.set(name, slot);
      leaf.slots.push(slot);
      if (!leaf.tables.includes(table)) leaf.tables.push(table);
    }
    const kept = slots[slot] as Slot;
    kept.span = Math.max(kept.span, span);
    (tables[table] as Table).span = Math.max((tables[table] as Table).span, span);
    return slot;
  };
  // Referred correlations come before those that refer to them, so every inner one is known.
  for (const compiled of set.correlations) {
    const { rule } = compiled;
    const kind = kindOf(compiled);
    const { leaves, reach } = leavesOf(compiled);
    const threshold = thresholdOf(compiled);
    const tableIndex = tableOf(kind, rule.groupBy, familyOf(leaves[0]?.compiled.rule.key ?? ""));
    const table = tables[tableIndex] as Table;
    table.span = Math.max(table.span, rule.timespan + reach + lateTolerance);
    const excuse = kind === "address" ? haechiOf(rule.document)["excuse"] : undefined;
    const excusing = excuse === undefined ? undefined : rules.find((one) => one.compiled.rule.name === excuse);
    const planned: PlannedCorrelation = {
      compiled,
      episode: addEpisode(rule, threshold, rule.timespan),
      feeds: [],
      kind,
      table: tableIndex,
      place: table.correlations++,
      measure: windowCount(rule, lateTolerance),
      fields: rule.condition.kind === "bounds" ? rule.condition.fields : [],
      slots: [],
      reach,
      excuse: excusing && slotFor(excusing, tableIndex, Math.max(excuseSpan, rule.timespan + reach)),
    };
    const index = correlations.push(planned) - 1;
    byKey.set(rule.key, planned);
    compiled.references.forEach((key, position) => (ruleByKey.get(key) ?? byKey.get(key))?.feeds.push({ correlation: index, key, position }));
    for (const leaf of leaves) if (!leaf.tables.includes(tableIndex)) leaf.tables.push(tableIndex);
    if (planned.episode < 0 || threshold >= manyEvents) continue;
    for (const leaf of leaves) planned.slots.push(slotFor(leaf, tableIndex, rule.timespan + reach));
  }
  const fingerprint = JSON.stringify([
    rules.map(({ compiled }) => compiled.rule.key),
    correlations.map(({ compiled }) => [compiled.rule.key, compiled.rule.type, compiled.rule.timespan, compiled.rule.groupBy, compiled.references]),
    episodes.map(({ rule, gap }) => [rule, gap]),
    slots,
    tables,
    lateTolerance,
  ]);
  return { rules, correlations, slots, tables, episodes, fingerprint };
}

/** Rules that some correlation counts together belong to one family, named by one of them. */
function families(groups: readonly (readonly string[])[]): (rule: string) => string {
  const parent = new Map<string, string>();
  const root = (rule: string): string => {
    let at = rule;
    for (let up = parent.get(at); up !== undefined; up = parent.get(at)) at = up;
    return at;
  };
  for (const [first, ...others] of groups) {
    for (const other of others) if (first !== undefined && root(other) !== root(first)) parent.set(root(other), root(first));
  }
  return root;
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
