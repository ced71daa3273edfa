import { hash } from "node:crypto";
import { ownString } from "#core/own-string.ts";
import type { SigmaCorrelation } from "#sigma/correlation.ts";

/** What a measure knows of one group. Structured-cloneable. */
export interface WindowState {
  /** Words of eight bytes that it holds, roughly: what counts against the memory bound. */
  places: number;
  /** Event time of the newest observation. */
  newest: number;
  /** Of the latest hit: events behind it, at least, and event time of the earliest. */
  count: number;
  first: number;
}

/** Counts in a window that slides on event time: (time - timespan, time]. */
export interface Measure {
  create(): WindowState;
  /**
   * Adds an observation: a value or the index of its rule, and how many equal events it stands for. True where the condition holds
   * for a window that it is in; `count` and `first` of the state then tell of it. A time older than `newest` is a late
   * observation and counts at its own time.
   */
  add(state: WindowState, tag: string | number, time: number, weight: number): boolean;
}

/**
 * The measure of a correlation at a cost per event that does not grow with its window, for the forms nearly all have: counts of
 * events or of different values with one lower bound, and rules that follow each other; grouped by ECS fields. Undefined for
 * every other form: those take Sigma's general correlator, whose answers these are (for events in order).
 */
export function windowCount(rule: SigmaCorrelation, lateTolerance: number): Measure | undefined {
  const { condition, type, timespan } = rule;
  if (condition.kind !== "bounds" || condition.bounds.length !== 1) return undefined;
  // Names with a dot are ECS and stand for themselves; others may be names of Sigma's taxonomy or aliases.
  if (rule.groupBy.length === 0 || rule.aliases.size > 0 || ![...rule.groupBy, ...condition.fields].every((field) => field.includes("."))) return undefined;
  const [bound] = condition.bounds;
  const needed = bound?.comparison === "gte" ? Math.ceil(bound.value) : bound?.comparison === "gt" ? Math.floor(bound.value) + 1 : 0;
  if (needed < 1) return undefined;
  if (type === "event_count") return eventCount(needed, timespan, lateTolerance);
  if (type === "value_count") return distinctCount(needed, timespan, lateTolerance);
  if ((type === "temporal" || type === "temporal_ordered") && needed === rule.rules.length)
    return chainCount(needed, timespan, lateTolerance, type === "temporal_ordered");
  return undefined;
}

const never = Number.NEGATIVE_INFINITY;

interface EventWindow extends WindowState {
  /** Sorted different times; those from `head` on are kept, those from `from` on are in the newest window. */
  times: number[];
  /** Events of each time; undefined while all are 1. */
  weights: number[] | undefined;
  head: number;
  from: number;
  sum: number;
}

/**
 * At least `needed` events. A running sum over sorted times: constant time for an event in order, and most logs write whole seconds,
 * so that a flood is a few times with many events each. A late one is put in its place and every window it is in is asked again.
 */
function eventCount(needed: number, timespan: number, tolerance: number): Measure {
  const most = tolerance > 0 ? needed * 2 + 64 : needed + 1;
  const weightAt = (window: EventWindow, index: number): number => (window.weights ? (window.weights[index] as number) : 1);
  /** Gives back the places before `head`. */
  const compact = (window: EventWindow): void => {
    const { head, times, weights } = window;
    if (head === times.length) {
      window.times = [];
      window.weights = undefined;
    } else {
      const size = times.length - head;
      times.copyWithin(0, head);
      times.length = size;
      if (weights) {
        weights.copyWithin(0, head);
        weights.length = size;
      }
    }
    window.from -= head;
    window.head = 0;
  };
  /** One more time before the place `at`. */
  const insert = (window: EventWindow, at: number, time: number, weight: number): void => {
    const { times } = window;
    if (weight !== 1 && !window.weights) window.weights = times.map(() => 1);
    if (at === times.length) {
      if (at === 0) window.times = [time];
      else times.push(time);
      window.weights?.push(weight);
    } else {
      times.splice(at, 0, time);
      window.weights?.splice(at, 0, weight);
    }
    window.places = window.times.length * (window.weights ? 2 : 1) + 12;
  };
  /** More events at a time that is known. */
  const addAt = (window: EventWindow, at: number, weight: number): void => {
    const weights = (window.weights ??= window.times.map(() => 1));
    weights[at] = (weights[at] as number) + weight;
  };
  /** Moves the window's start past `edge`, and forgets what no late event could need. */
  const slide = (window: EventWindow, edge: number): void => {
    const { times } = window;
    const end = times.length;
    while (window.from < end && (times[window.from] as number) <= edge) window.sum -= weightAt(window, window.from++);
    while (window.head < window.from && (times[window.head] as number) <= edge - tolerance) window.head++;
    if (end - window.head >= most) {
      if (window.head === window.from) window.sum -= weightAt(window, window.from++);
      window.head++;
    }
    if (window.head > 0 && (window.head === end || (window.head >= 16 && window.head * 2 >= end))) compact(window);
  };
  const addLate = (window: EventWindow, time: number, weight: number): boolean => {
    let at = window.times.length;
    while (at > window.head && (window.times[at - 1] as number) > time) at--;
    const isKnown = at > window.head && window.times[at - 1] === time;
    if (isKnown) addAt(window, --at, weight);
    else insert(window, at, time, weight);
    // One from before the newest window's start does not belong to it.
    if (time > window.newest - timespan && at >= window.from) window.sum += weight;
    else if (!isKnown) window.from++;
    const { times } = window;
    let sum = 0;
    let start = window.head;
    for (let to = window.head; to < times.length; to++) {
      const end = times[to] as number;
      sum += weightAt(window, to);
      while ((times[start] as number) <= end - timespan) sum -= weightAt(window, start++);
      if (to < at) continue;
      if (end >= time + timespan) break;
      if (sum < needed) continue;
      window.count = sum;
      window.first = times[start] as number;
      return true;
    }
    return false;
  };
  return {
    create: (): EventWindow => ({ places: 12, newest: never, count: 0, first: 0, times: [], weights: undefined, head: 0, from: 0, sum: 0 }),
    add: (state, _tag, time, weight) => {
      const window = state as EventWindow;
      if (time < window.newest) return time >= window.newest - tolerance && addLate(window, time, weight);
      if (time === window.newest) addAt(window, window.times.length - 1, weight);
      else {
        window.newest = time;
        slide(window, time - timespan);
        insert(window, window.times.length, time, weight);
      }
      window.sum += weight;
      window.count = window.sum;
      window.first = window.times[window.from] as number;
      return window.sum >= needed;
    },
  };
}

interface ValueWindow extends WindowState {
  /** Different values, in no order. */
  names: string[];
  /** Time each was seen last. */
  times: number[];
  /** While a window ends before this time, it surely holds enough values. */
  holdsUntil: number;
}

/** Longer values are remembered by their SHA-256: a group must not hold kilobytes for each address that was asked for. */
const longestValue = 128;

/**
 * At least `needed` different values. The number of values remembered is an upper bound, so nothing is counted while that is
 * too low; when a count shows enough, the time of the `needed`-th latest says how long that stays so. A short list searched from its
 * end is smaller than a Map and as fast. A late event counts in the window that ends at its group's newest event.
 */
function distinctCount(needed: number, timespan: number, tolerance: number): Measure {
  const most = needed + 40;
  /** Forgets values that were not seen after `edge`. */
  const forget = (window: ValueWindow, edge: number): void => {
    const { names, times } = window;
    let kept = 0;
    for (let i = 0; i < times.length; i++) {
      if ((times[i] as number) <= edge) continue;
      names[kept] = names[i] as string;
      times[kept++] = times[i] as number;
    }
    names.length = times.length = kept;
  };
  /** Makes room: of more values than are needed the latest stay. Many go at once, so that it is rarely done. */
  const shrink = (window: ValueWindow, edge: number): void => {
    forget(window, edge);
    if (window.times.length < most) return;
    const { names, times } = window;
    const stay = needed + 8;
    const oldest = times.toSorted((a, b) => b - a)[stay - 1] as number;
    let spare = stay - times.reduce((later, time) => later + (time > oldest ? 1 : 0), 0);
    let kept = 0;
    for (let i = 0; i < times.length; i++) {
      const time = times[i] as number;
      if (time < oldest || (time === oldest && spare-- <= 0)) continue;
      names[kept] = names[i] as string;
      times[kept++] = time;
    }
    names.length = times.length = kept;
  };
  return {
    create: (): ValueWindow => ({ places: 12, newest: never, count: 0, first: 0, names: [], times: [], holdsUntil: never }),
    add: (state, tag, time) => {
      const window = state as ValueWindow;
      if (time < window.newest - tolerance) return false;
      if (time > window.newest) {
        if (time - window.newest >= timespan && window.names.length > 0) {
          window.names = [];
          window.times = [];
        }
        window.newest = time;
      }
      const edge = window.newest - timespan;
      if (time <= edge) return false;
      const text = typeof tag === "string" ? tag : String(tag);
      const value = text.length > longestValue ? hash("sha256", text, "base64") : text;
      const at = lastPlace(window.names, value);
      if (at >= 0) {
        if (time > (window.times[at] as number)) window.times[at] = time;
      } else {
        if (window.names.length >= most) shrink(window, edge);
        if (window.names.length === 0) {
          window.names = [ownString(value)];
          window.times = [time];
        } else {
          window.names.push(ownString(value));
          window.times.push(time);
        }
        window.places = window.names.length * 6 + 12;
      }
      if (window.names.length < needed) return false;
      if (window.newest < window.holdsUntil) {
        window.count = needed;
        window.first = edge + 1;
        return true;
      }
      forget(window, edge);
      const count = window.times.length;
      if (count < needed) return false;
      const times = window.times.toSorted((a, b) => b - a);
      window.holdsUntil = (times[needed - 1] as number) + timespan;
      window.count = count;
      window.first = times[count - 1] as number;
      return true;
    },
  };
}

/** `lastIndexOf`, but texts of another length are not compared. */
function lastPlace(names: readonly string[], name: string): number {
  const { length } = name;
  let at = names.length - 1;
  for (; at >= 0; at--) {
    const other = names[at] as string;
    if (other.length === length && other === name) break;
  }
  return at;
}

interface Chain extends WindowState {
  /** For each rule the latest start of a chain that ends with it, then when that ended, then when the rule was seen last, in a chain or not. */
  readonly marks: number[];
}

/** All of `rules` rules, in their order or in any. Of each rule the chain that began latest is kept, which lasts longest. */
function chainCount(rules: number, timespan: number, tolerance: number, isOrdered: boolean): Measure {
  const seenAt = rules * 2;
  const unseen: readonly number[] = Array.from({ length: rules * 3 }, () => never);
  const follow = (marks: number[], rule: number, time: number): void => {
    let start = time;
    if (rule > 0) {
      if ((marks[rules + rule - 1] as number) > time) return;
      start = marks[rule - 1] as number;
    }
    if (start === never || start < (marks[rule] as number)) return;
    marks[rule] = start;
    marks[rules + rule] = time;
  };
  return {
    create: (): Chain => ({ places: rules * 3 + 12, newest: never, count: rules, first: 0, marks: unseen.slice() }),
    add: (state, tag, time) => {
      const chain = state as Chain;
      const { marks } = chain;
      const rule = tag as number;
      const isLate = time < chain.newest;
      if (time < chain.newest - tolerance) return false;
      if (!isLate) chain.newest = time;
      if (time > (marks[seenAt + rule] as number)) marks[seenAt + rule] = time;
      if (isOrdered) {
        follow(marks, rule, time);
        // What was seen before this late event, and happened after it, follows it now.
        if (isLate) for (let next = rule + 1; next < rules; next++) follow(marks, next, marks[seenAt + next] as number);
        chain.first = marks[rules - 1] as number;
      } else {
        let first = Number.POSITIVE_INFINITY;
        for (let i = seenAt; i < marks.length; i++) if ((marks[i] as number) < first) first = marks[i] as number;
        chain.first = first;
      }
      return chain.first > chain.newest - timespan;
    },
  };
}
