import { ownString } from "#core/own-string.ts";
import type { CompiledCorrelation, CorrelationHit, Correlator, CorrelatorOptions } from "#sigma/correlation.ts";
import type { SigmaEvent } from "#sigma/fields.ts";
import { chainCount, distinctCount, eventCount, type Measure } from "./window-counts.ts";

interface Group {
  readonly key: string;
  newest: number;
  readonly state: unknown;
}

interface Generation {
  readonly groups: Map<string, Group>;
  places: number;
}

const separator = "\u001F";

/**
 * A correlator with the answers of `compiled.correlator`, at a cost per event that does not grow with its window, for the
 * forms nearly all correlations have: counts of events or of different values with one lower bound, and rules that follow each
 * other, grouped by ECS fields that hold one value. Undefined for every other form: the general one is taken then.
 *
 * Groups live in two generations, the older of which is dropped when the younger is full (`maxKeys / 2` groups, or as many
 * numbers as 64 a group): what is seen again moves to the younger one.
 */
export function fastCorrelator(compiled: CompiledCorrelation, options: CorrelatorOptions): Correlator | undefined {
  const { rule, references } = compiled;
  const measure = measureFor(compiled, options.lateTolerance);
  // Names with a dot are ECS and stand for themselves; others may be names of Sigma's taxonomy or aliases.
  const fields = rule.condition.kind === "bounds" ? rule.condition.fields : [];
  if (!measure || rule.groupBy.length === 0 || rule.aliases.size > 0 || ![...rule.groupBy, ...fields].every((field) => field.includes("."))) return undefined;
  const { timespan, groupBy } = rule;
  const tolerance = Math.max(0, options.lateTolerance);
  const mostGroups = Math.max(1, Math.floor(options.maxKeys / 2));
  const mostPlaces = options.maxKeys * 32 + 32_768;
  const positions = new Map(references.map((key, index) => [key, index]));
  let young: Generation = { groups: new Map(), places: 0 };
  let old: Generation = { groups: new Map(), places: 0 };
  let evictions = 0;
  let late = 0;
  let latest: Group | undefined;

  const rotate = (time: number): void => {
    for (const group of old.groups.values()) if (group.newest + timespan + tolerance >= time) evictions++;
    old = young;
    young = { groups: new Map(), places: 0 };
  };
  const groupOf = (key: string, time: number): Group => {
    if (latest?.key === key) return latest;
    let group = young.groups.get(key);
    if (!group) {
      if (young.groups.size >= mostGroups || young.places >= mostPlaces) rotate(time);
      group = old.groups.get(key);
      if (group) old.groups.delete(group.key);
      else group = { key: ownString(key), newest: Number.NEGATIVE_INFINITY, state: measure.create() };
      young.groups.set(group.key, group);
      young.places += measure.places(group.state);
    }
    latest = group;
    return group;
  };
  const count = (key: string, tag: string | number, time: number, weight: number): CorrelationHit | undefined => {
    const group = groupOf(key, time);
    if (time < group.newest - tolerance) {
      late++;
      return undefined;
    }
    const before = measure.places(group.state);
    const hit = measure.add(group.state, tag, time, weight, group.newest);
    young.places += measure.places(group.state) - before;
    if (time > group.newest) group.newest = time;
    return hit && { group: {}, key: group.key, count: hit.count, value: hit.value, first: hit.first, last: group.newest };
  };

  if (options.snapshot !== undefined) {
    const from = options.snapshot as { version?: unknown; young: Generation; old: Generation; evictions: number; late: number } | null;
    if (typeof from !== "object" || from === null || from.version !== 2) throw new TypeError("not a fast correlator's snapshot");
    ({ young, old, evictions, late } = from);
  }
  return {
    observe(ruleKey, event, time, weight) {
      const position = positions.get(ruleKey);
      if (position === undefined || !Number.isFinite(time)) return undefined;
      const key = joined(groupBy, event);
      if (key === undefined) return undefined;
      const tag = fields.length > 0 ? joined(fields, event) : position;
      if (tag === undefined) return undefined;
      return count(key, tag, time, weight >= 1 && Number.isFinite(weight) ? Math.floor(weight) : 1);
    },
    snapshot: () => ({ version: 2, young, old, evictions, late }),
    get evictions() {
      return evictions;
    },
    get keys() {
      return young.groups.size + old.groups.size;
    },
    get late() {
      return late;
    },
  };
}

/** The text of a field, or of several joined; undefined where one is absent. */
function joined(fields: readonly string[], event: SigmaEvent): string | undefined {
  let key = "";
  for (let i = 0; i < fields.length; i++) {
    const value = event[fields[i] as string];
    let part: string;
    if (typeof value === "string") part = value;
    else if (typeof value === "number" || typeof value === "boolean") part = String(value);
    else if (Array.isArray(value) && (typeof value[0] === "string" || typeof value[0] === "number")) part = String(value[0]);
    else return undefined;
    key = i === 0 ? part : key + separator + part;
  }
  return key;
}

function measureFor({ rule, references }: CompiledCorrelation, lateTolerance: number): Measure | undefined {
  const { condition, type, timespan } = rule;
  const [bound] = condition.kind === "bounds" ? condition.bounds : [];
  if (condition.kind !== "bounds" || condition.bounds.length !== 1 || !bound) return undefined;
  const needed = bound.comparison === "gte" ? Math.ceil(bound.value) : bound.comparison === "gt" ? Math.floor(bound.value) + 1 : 0;
  if (needed < 1) return undefined;
  if (type === "event_count") return eventCount(needed, timespan, Math.max(0, lateTolerance));
  if (type === "value_count") return distinctCount(needed, timespan);
  if ((type === "temporal" || type === "temporal_ordered") && needed === references.length) return chainCount(needed, timespan, type === "temporal_ordered");
  return undefined;
}
