import type { Condition } from "./condition.ts";
import { compare, numberIn } from "./match.ts";
import type { SigmaCorrelation } from "./parse-correlation.ts";
import type { SlidingWindow, Tag } from "./window.ts";

/** How a correlation judges the observations `from` to `to` (inclusive) of a window. */
export interface Measure {
  /** Observations carry a tag: a value, or the index of their rule. */
  readonly tagged: boolean;
  /** Most observations a group keeps. */
  readonly limit: number;
  /** Observations that later ones make needless: `same` tag, `run` of one tag, or none. */
  readonly thin: "same" | "run" | "none";
  /** The measure where the condition holds, else undefined. */
  judge(window: SlidingWindow, from: number, to: number): number | undefined;
}

/** Values a group keeps for sums, averages and percentiles; older ones of a fuller window are left out. */
const maxValues = 8_192;

/** The measure of a correlation. `lateTolerance` widens what is kept: windows that end earlier may still be asked. */
export function measureOf(correlation: SigmaCorrelation, lateTolerance: number): Measure {
  const { condition, type } = correlation;
  const holds = (value: number): boolean => condition.kind === "bounds" && condition.bounds.every((bound) => compare(value, bound.comparison, bound.value));
  const judged = (value: number): number | undefined => (holds(value) ? value : undefined);
  const highest = condition.kind === "bounds" ? Math.max(...condition.bounds.map((bound) => bound.value)) : 0;
  // One more than the highest bound tells every comparison; with late events, windows at several ends.
  const needed = Math.max(1, Math.floor(highest) + 1);
  const limit = lateTolerance > 0 ? needed * 4 + 256 : needed;
  switch (type) {
    case "event_count":
      return { tagged: false, limit, thin: "none", judge: (window, from, to) => judged(weightOf(window, from, to)) };
    case "value_count":
      return { tagged: true, limit, thin: "same", judge: (window, from, to) => judged(distinct(window, from, to)) };
    case "value_sum":
      return { tagged: true, limit: maxValues, thin: "none", judge: (window, from, to) => judged(sum(window, from, to)) };
    case "value_avg":
      return { tagged: true, limit: maxValues, thin: "none", judge: (window, from, to) => judged(sum(window, from, to) / weightOf(window, from, to)) };
    case "value_percentile": {
      const percentile = condition.kind === "bounds" ? condition.percentile : undefined;
      return { tagged: true, limit: maxValues, thin: "none", judge: (window, from, to) => judged(percentileOf(window, from, to, percentile)) };
    }
    case "temporal": {
      const judge = (window: SlidingWindow, from: number, to: number): number | undefined => {
        const present = tagsOf(window, from, to);
        if (condition.kind === "bounds") return judged(present.size);
        return expressionHolds(condition.condition, correlation.rules, present) ? present.size : undefined;
      };
      return { tagged: true, limit: 4 * correlation.rules.length + 64, thin: "same", judge };
    }
    case "temporal_ordered": {
      const judge = (window: SlidingWindow, from: number, to: number): number | undefined => {
        if (condition.kind === "bounds") return judged(longestChain(window, from, to, correlation.rules.length, () => true));
        const present = tagsOf(window, from, to);
        if (!expressionHolds(condition.condition, correlation.rules, present)) return undefined;
        const wanted = positives(condition.condition, correlation.rules, present);
        return longestChain(window, from, to, correlation.rules.length, (tag) => wanted.has(tag)) === wanted.size ? wanted.size : undefined;
      };
      return { tagged: true, limit: 1_024, thin: "run", judge };
    }
  }
}

/** Sum of the weights. */
export function weightOf(window: SlidingWindow, from: number, to: number): number {
  let total = 0;
  for (let i = from; i <= to; i++) total += window.weight(i);
  return total;
}

function tagsOf(window: SlidingWindow, from: number, to: number): ReadonlySet<Tag> {
  const tags = new Set<Tag>();
  for (let i = from; i <= to; i++) tags.add(window.tag(i));
  return tags;
}

function distinct(window: SlidingWindow, from: number, to: number): number {
  return tagsOf(window, from, to).size;
}

function sum(window: SlidingWindow, from: number, to: number): number {
  let total = 0;
  for (let i = from; i <= to; i++) total += (window.tag(i) as number) * window.weight(i);
  return total;
}

/**
 * With a percentile (or, for numbers, without: the median, "percentile 50"): the value at rank floor(n × p / 100) of the
 * sorted numbers, as pySigma takes it. For values that are no numbers: the share of the latest value among all, in percent
 * (the specification's example: a process name that is less than 1 % of all).
 */
function percentileOf(window: SlidingWindow, from: number, to: number, percentile: number | undefined): number {
  const latest = window.tag(to);
  if (percentile === undefined && typeof latest === "string" && numberIn(latest) === undefined) {
    let same = 0;
    for (let i = from; i <= to; i++) if (window.tag(i) === latest) same += window.weight(i);
    return (100 * same) / weightOf(window, from, to);
  }
  const values: { value: number; weight: number }[] = [];
  for (let i = from; i <= to; i++) {
    const tag = window.tag(i);
    const value = typeof tag === "number" ? tag : numberIn(tag);
    if (value !== undefined) values.push({ value, weight: window.weight(i) });
  }
  if (values.length === 0) return Number.NaN;
  values.sort((a, b) => a.value - b.value);
  const total = values.reduce((all, one) => all + one.weight, 0);
  let rank = Math.min(Math.floor((total * (percentile ?? 50)) / 100), total - 1);
  for (const { value, weight } of values) {
    if (rank < weight) return value;
    rank -= weight;
  }
  return (values.at(-1) as { value: number }).value;
}

function expressionHolds(condition: Condition, rules: readonly string[], present: ReadonlySet<Tag>): boolean {
  switch (condition.kind) {
    case "name":
      return present.has(rules.indexOf(condition.name));
    case "not":
      return !expressionHolds(condition.item, rules, present);
    case "and":
      return condition.items.every((item) => expressionHolds(item, rules, present));
    case "or":
      return condition.items.some((item) => expressionHolds(item, rules, present));
  }
}

/** Rules that the expression asks for and that are present: these must stand in order. */
function positives(condition: Condition, rules: readonly string[], present: ReadonlySet<Tag>, negated = false, into = new Set<Tag>()): ReadonlySet<Tag> {
  if (condition.kind === "name") {
    const index = rules.indexOf(condition.name);
    if (!negated && present.has(index)) into.add(index);
  } else if (condition.kind === "not") positives(condition.item, rules, present, !negated, into);
  else for (const item of condition.items) positives(item, rules, present, negated, into);
  return into;
}

/** Most rules that appear in the order of `rules`, each after the one before it. */
function longestChain(window: SlidingWindow, from: number, to: number, rules: number, counts: (tag: number) => boolean): number {
  const best = new Uint16Array(rules + 1);
  for (let i = from; i <= to; i++) {
    const tag = window.tag(i) as number;
    if (!counts(tag)) continue;
    // best[k] = longest chain that ends with rule k - 1; best[0] = none.
    let before = 0;
    for (let k = 0; k <= tag; k++) before = Math.max(before, best[k] as number);
    best[tag + 1] = Math.max(best[tag + 1] as number, before + 1);
  }
  return Math.max(...best);
}
