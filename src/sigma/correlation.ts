import { ownString } from "#core/own-string.ts";
import { fieldReaders, textOf, type FieldReader, type FieldReaders, type SigmaEvent } from "./fields.ts";
import { numberIn } from "./match.ts";
import { measureOf, weightOf } from "./measure.ts";
import type { SigmaCorrelation } from "./parse-correlation.ts";
import { slidingWindow, type SlidingWindow, type Tag } from "./window.ts";

export type { SigmaCorrelation } from "./parse-correlation.ts";

/** A correlation whose references are resolved. */
export interface CompiledCorrelation {
  readonly rule: SigmaCorrelation;
  /** Keys (`rule.key`) of the rules and correlations it refers to, in the order of `rules`. */
  readonly references: readonly string[];
  /** A new state machine; feed it matches in order of arrival. Throws a TypeError where `snapshot` is not one of its own. */
  correlator(options: CorrelatorOptions): Correlator;
}

export interface CorrelatorOptions {
  /** Groups kept at most; the least recently active goes first. */
  readonly maxKeys: number;
  /** Milliseconds that an event may be older than the newest of its group and still count, at its own time. */
  readonly lateTolerance: number;
  readonly snapshot?: unknown;
}

export interface Correlator {
  /**
   * Takes a match of `ruleKey` (a key of `references`, or the id or name as the correlation wrote it). `time` is event time
   * in epoch milliseconds, `weight` how many equal events it stands for. Gives a hit whenever the condition holds at this
   * event: in the window (time - timespan, time], whose start is outside and end inside.
   */
  observe(ruleKey: string, event: SigmaEvent, time: number, weight: number): CorrelationHit | undefined;
  /** Structured-cloneable state. */
  snapshot(): unknown;
  /** Groups dropped because of `maxKeys` or the memory bound. */
  readonly evictions: number;
  /** Groups alive. */
  readonly keys: number;
  /** Matches that came later than `lateTolerance` allows and did not count. */
  readonly late: number;
}

export interface CorrelationHit {
  /** Value by group-by field. */
  readonly group: Readonly<Record<string, string>>;
  /** The values joined: the group's identity. */
  readonly key: string;
  /** Events behind the hit, at least: no more are kept than the condition needs. */
  readonly count: number;
  /** The condition's measure: count, distinct values, sum, …; counts stop one above the highest bound. */
  readonly value: number;
  /** Event time of the first and the last event of the window. */
  readonly first: number;
  readonly last: number;
  /** Further groups that hit at this event, where a group-by field holds several values. */
  readonly others?: readonly CorrelationHit[];
}

/** How the fields of one reference are read: group-by fields and value fields, aliases resolved. */
interface Reading {
  readonly groupBy: readonly (readonly FieldReader[])[];
  readonly values: readonly (readonly FieldReader[])[];
}

interface Group {
  readonly key: string;
  readonly values: readonly string[];
  readonly window: SlidingWindow;
  newest: number;
  capacity: number;
}

/** Groups that one event may belong to where group-by fields hold several values. */
const maxGroupsOfEvent = 16;
const separator = "\u001F";

/** One reference as resolved: its key, how the correlation wrote it, and the event fields a field of it stands for. */
export interface Reference {
  readonly key: string;
  /** Id, name and written form: any of them names it in aliases and in `observe`. */
  readonly names: readonly string[];
  readonly mapField: (field: string) => readonly string[];
}

/** Makes a correlation ready to run. */
export function compileCorrelation(rule: SigmaCorrelation, references: readonly Reference[], readers: FieldReaders = fieldReaders()): CompiledCorrelation {
  const fields = rule.condition.kind === "bounds" ? rule.condition.fields : [];
  const readings = references.map((reference): Reading => {
    const read = (field: string): readonly FieldReader[] => {
      const alias = rule.aliases.get(field);
      const named = alias && reference.names.map((name) => alias.get(name)).find((one) => one !== undefined);
      return reference.mapField(named ?? field).map((name) => readers.reader(name));
    };
    return { groupBy: rule.groupBy.map(read), values: fields.map(read) };
  });
  const indexes = new Map(references.flatMap((reference, index) => [reference.key, ...reference.names].map((name) => [name, index] as const)));
  return { rule, references: references.map((reference) => reference.key), correlator: (options) => makeCorrelator(rule, readings, indexes, options) };
}

function makeCorrelator(rule: SigmaCorrelation, readings: readonly Reading[], indexes: ReadonlyMap<string, number>, options: CorrelatorOptions): Correlator {
  const { timespan } = rule;
  const tolerance = Math.max(0, options.lateTolerance);
  const maxKeys = Math.max(1, options.maxKeys);
  // A group of a few observations is small; the whole may not be larger than this many places, hot groups or not.
  const maxPlaces = maxKeys * 64 + 65_536;
  const measure = measureOf(rule, tolerance);
  const isTemporal = rule.type === "temporal" || rule.type === "temporal_ordered";
  const isNumeric = rule.type === "value_sum" || rule.type === "value_avg";
  const isPercentile = rule.type === "value_percentile";
  /** In order of activity, least recent first. */
  const groups = new Map<string, Group>();
  let places = 0;
  let evictions = 0;
  let late = 0;
  let latestKey: string | undefined;

  const drop = (group: Group): void => {
    groups.delete(group.key);
    places -= group.capacity;
  };
  const groupOf = (key: string, values: readonly string[]): Group => {
    let group = groups.get(key);
    if (group) {
      if (key !== latestKey) {
        groups.delete(key);
        groups.set(group.key, group);
        latestKey = group.key;
      }
      return group;
    }
    if (groups.size >= maxKeys) evict();
    const window = slidingWindow(measure.tagged);
    // Strings may be slices of large buffers: what outlives the call is copied.
    const kept = rule.groupBy.length === 1 ? [ownString(key)] : values.map(ownString);
    group = { key: kept.join(separator), values: kept, window, newest: Number.NEGATIVE_INFINITY, capacity: window.capacity };
    groups.set(group.key, group);
    places += group.capacity;
    latestKey = group.key;
    return group;
  };
  const evict = (): void => {
    const oldest = groups.values().next().value;
    if (!oldest) return;
    drop(oldest);
    evictions++;
  };
  const shrink = (): void => {
    while (groups.size > 1) {
      if (places <= maxPlaces) return;
      evict();
    }
  };
  /** Two groups an event, so that one wrong time cannot clear everything. */
  const expire = (time: number): void => {
    for (let i = 0; i < 2; i++) {
      const oldest = groups.values().next().value;
      if (!oldest || oldest.key === latestKey || oldest.newest + timespan + tolerance >= time) return;
      drop(oldest);
    }
  };
  const thin = (window: SlidingWindow, settled: number, all: boolean): void => {
    if (measure.thin === "none") return;
    const seen = new Set<Tag>();
    let next: Tag | undefined;
    window.keep((index) => {
      const tag = window.tag(index);
      const isSettled = all || window.time(index) <= settled;
      const needless = measure.thin === "same" ? seen.has(tag) : next === tag;
      if (isSettled) seen.add(tag);
      next = isSettled ? tag : undefined;
      return !needless;
    });
  };
  const add = (group: Group, time: number, weight: number, tags: readonly Tag[]): void => {
    const { window } = group;
    group.newest = Math.max(group.newest, time);
    for (const tag of tags) window.insert(time, weight, tag);
    window.dropFront(window.after(group.newest - timespan - tolerance));
    const settled = group.newest - tolerance;
    if (window.size > 1 && (tolerance === 0 || window.size > measure.limit)) thin(window, settled, window.size > measure.limit);
    window.dropFront(window.size - measure.limit);
    places += window.capacity - group.capacity;
    group.capacity = window.capacity;
  };
  /** The window that ends at index `to`, where the condition holds for it. */
  const judge = (group: Group, to: number): CorrelationHit | undefined => {
    const { window } = group;
    const end = window.time(to);
    const from = window.after(end - timespan);
    if (from > to) return undefined;
    const value = measure.judge(window, from, to);
    if (value === undefined) return undefined;
    return {
      group: Object.fromEntries(rule.groupBy.map((field, index) => [field, group.values[index] as string])),
      key: group.key,
      count: weightOf(window, from, to),
      value,
      first: window.time(from),
      last: end,
    };
  };
  const observeGroup = (key: string, values: readonly string[], time: number, weight: number, tags: readonly Tag[]): CorrelationHit | undefined => {
    const group = groupOf(key, values);
    if (time < group.newest - tolerance) {
      late++;
      return undefined;
    }
    add(group, time, weight, tags);
    const { window } = group;
    // An event in order ends one window; a late one is in every window that ends at or after it within the time span.
    for (let to = window.after(time) - 1; to < window.size; to = window.after(window.time(to + 1)) - 1) {
      if (to < 0 || window.time(to) >= time + timespan) break;
      const hit = judge(group, to);
      if (hit) return hit;
      if (to + 1 >= window.size) break;
    }
    return undefined;
  };

  const restored = options.snapshot === undefined ? [] : readSnapshot(options.snapshot);
  for (const saved of restored) {
    const group = groupOf(saved.values.join(separator), saved.values);
    saved.times.forEach((time, index) => group.window.insert(time, saved.weights[index] as number, saved.tags[index] ?? 0));
    group.newest = saved.newest;
    places += group.window.capacity - group.capacity;
    group.capacity = group.window.capacity;
  }

  return {
    observe(ruleKey, event, time, weight) {
      const index = indexes.get(ruleKey);
      if (index === undefined || !Number.isFinite(time)) return undefined;
      const reading = readings[index] as Reading;
      const [only] = reading.groupBy;
      const single = only && reading.groupBy.length === 1 ? firstText(only, event) : undefined;
      const keys = typeof single === "string" ? undefined : groupKeys(reading.groupBy, event);
      if (keys?.length === 0) return undefined;
      const tags = isTemporal ? [index] : valueTags(reading.values, event, isNumeric, isPercentile);
      if (tags.length === 0) return undefined;
      const counted = weight >= 1 && Number.isFinite(weight) ? Math.floor(weight) : 1;
      const hits = (keys ?? oneGroup).flatMap((values) => observeGroup(keys ? values.join(separator) : (single as string), values, time, counted, tags) ?? []);
      expire(time);
      shrink();
      const [first, ...others] = hits;
      return first && others.length > 0 ? { ...first, others } : first;
    },
    snapshot() {
      return {
        version: 1,
        groups: [...groups.values()].map(({ values, newest, window }) => {
          const indexes = Array.from({ length: window.size }, (_, index) => index);
          return {
            values: [...values],
            newest,
            times: indexes.map((at) => window.time(at)),
            weights: indexes.map((at) => window.weight(at)),
            tags: measure.tagged ? indexes.map((at) => window.tag(at)) : [],
          };
        }),
      };
    },
    get evictions() {
      return evictions;
    },
    get keys() {
      return groups.size;
    },
    get late() {
      return late;
    },
  };
}

const oneGroup: readonly (readonly string[])[] = [[]];
const noTag: readonly Tag[] = [0];

/** Values of the group-by fields, one list a group; none where a field is absent: such an event belongs to no group. */
function groupKeys(fields: readonly (readonly FieldReader[])[], event: SigmaEvent): readonly (readonly string[])[] {
  if (fields.length === 0) return oneGroup;
  let keys: readonly (readonly string[])[] = oneGroup;
  for (const readers of fields) {
    const found = firstText(readers, event);
    if (found === undefined) return [];
    if (typeof found === "string") keys = keys.length === 1 ? [[...(keys[0] as readonly string[]), found]] : keys.map((key) => [...key, found]);
    else keys = keys.flatMap((key) => [...new Set(found)].map((one) => [...key, one])).slice(0, maxGroupsOfEvent);
  }
  return keys;
}

function firstText(readers: readonly FieldReader[], event: SigmaEvent): string | readonly string[] | undefined {
  for (const reader of readers) {
    const text = textOf(reader.value(event));
    if (text !== undefined && text.length > 0) return text;
    if (text === "") return text;
  }
  return undefined;
}

/** The values an event brings; a single neutral tag where none are asked for, none where the field is absent or no number. */
function valueTags(fields: readonly (readonly FieldReader[])[], event: SigmaEvent, isNumeric: boolean, isPercentile: boolean): readonly Tag[] {
  if (fields.length === 0) return noTag;
  if (isNumeric) {
    const text = firstText(fields[0] as readonly FieldReader[], event);
    const numbers = (typeof text === "string" ? [text] : (text ?? [])).map(numberIn);
    return numbers.filter((number) => number !== undefined);
  }
  const keys = groupKeys(fields, event).map((key) => (key.length === 1 ? (key[0] as string) : key.join(separator)));
  if (isPercentile) return keys.map((key) => numberIn(key) ?? ownString(key));
  return keys.map(ownString);
}

interface SavedGroup {
  readonly values: readonly string[];
  readonly newest: number;
  readonly times: readonly number[];
  readonly weights: readonly number[];
  readonly tags: readonly Tag[];
}

function readSnapshot(snapshot: unknown): readonly SavedGroup[] {
  const state = snapshot as { version?: unknown; groups?: unknown } | null;
  if (typeof state !== "object" || state === null || state.version !== 1 || !Array.isArray(state.groups)) throw new TypeError("not a correlator's snapshot");
  for (const group of state.groups as Partial<SavedGroup>[]) {
    const isList = (value: unknown, type: string): boolean => Array.isArray(value) && value.every((one) => typeof one === type);
    const fits =
      isList(group.values, "string") &&
      typeof group.newest === "number" &&
      isList(group.times, "number") &&
      isList(group.weights, "number") &&
      Array.isArray(group.tags);
    if (!fits) throw new TypeError("not a correlator's snapshot");
  }
  return state.groups as SavedGroup[];
}
