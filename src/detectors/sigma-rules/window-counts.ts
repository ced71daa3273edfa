import { ownString } from "#core/own-string.ts";
import type { SigmaCorrelation } from "#sigma/correlation.ts";

/** What a measure knows of one group. Structured-cloneable. */
export interface WindowState {
  /** Numbers that it holds: what counts against the memory bound. */
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
  /** Sorted times; those from `head` to `end` are kept, those from `from` on are in the newest window. */
  times: Float64Array;
  /** Equal events per time; undefined while all are 1. */
  weights: Float64Array | undefined;
  head: number;
  from: number;
  end: number;
  sum: number;
}

/**
 * At least `needed` events. A running sum over a ring of times: constant time for an event in order. A late one is put in
 * its place and every window it is in is asked again.
 */
function eventCount(needed: number, timespan: number, tolerance: number): Measure {
  const most = tolerance > 0 ? needed * 4 + 256 : needed + 1;
  const weightAt = (window: EventWindow, index: number): number => (window.weights ? (window.weights[index] as number) : 1);
  const makeRoom = (window: EventWindow): void => {
    const size = window.end - window.head;
    const isRoomy = window.head > 0 && size <= window.times.length >> 1;
    const length = isRoomy ? window.times.length : window.times.length * 2;
    const move = (from: Float64Array): Float64Array => {
      if (isRoomy) return from.copyWithin(0, window.head, window.end);
      const to = new Float64Array(length);
      to.set(from.subarray(window.head, window.end));
      return to;
    };
    window.times = move(window.times);
    if (window.weights) window.weights = move(window.weights);
    window.from -= window.head;
    window.head = 0;
    window.end = size;
    window.places = length * (window.weights ? 2 : 1);
  };
  const insert = (window: EventWindow, at: number, time: number, weight: number): void => {
    if (weight !== 1 && !window.weights) window.weights = new Float64Array(window.times.length).fill(1);
    if (at < window.end) {
      window.times.copyWithin(at + 1, at, window.end);
      window.weights?.copyWithin(at + 1, at, window.end);
    }
    window.times[at] = time;
    if (window.weights) window.weights[at] = weight;
    window.end++;
    window.sum += weight;
  };
  /** Moves the window's start past `edge`, and forgets what no late event could need. */
  const slide = (window: EventWindow, edge: number): void => {
    while (window.from < window.end && (window.times[window.from] as number) <= edge) window.sum -= weightAt(window, window.from++);
    while (window.head < window.from && (window.times[window.head] as number) <= edge - tolerance) window.head++;
    if (window.end - window.head >= most) {
      if (window.head === window.from) window.sum -= weightAt(window, window.from++);
      window.head++;
    }
  };
  const addLate = (window: EventWindow, time: number, weight: number): boolean => {
    let at = window.end;
    while (at > window.head && (window.times[at - 1] as number) > time) at--;
    insert(window, at, time, weight);
    // One from before the newest window's start does not belong to it.
    if (at < window.from || time <= window.newest - timespan) {
      window.sum -= weight;
      window.from++;
    }
    let sum = 0;
    let start = window.head;
    for (let to = window.head; to < window.end; to++) {
      const end = window.times[to] as number;
      sum += weightAt(window, to);
      while ((window.times[start] as number) <= end - timespan) sum -= weightAt(window, start++);
      if (to < at || (to + 1 < window.end && window.times[to + 1] === end)) continue;
      if (end >= time + timespan) break;
      if (sum < needed) continue;
      window.count = sum;
      window.first = window.times[start] as number;
      return true;
    }
    return false;
  };
  return {
    create: (): EventWindow => ({
      places: 4,
      newest: never,
      count: 0,
      first: 0,
      times: new Float64Array(4),
      weights: undefined,
      head: 0,
      from: 0,
      end: 0,
      sum: 0,
    }),
    add: (state, _tag, time, weight) => {
      const window = state as EventWindow;
      if (window.end >= window.times.length) makeRoom(window);
      if (time < window.newest) return time >= window.newest - tolerance && addLate(window, time, weight);
      window.newest = time;
      slide(window, time - timespan);
      insert(window, window.end, time, weight);
      window.count = window.sum;
      window.first = window.times[window.from] as number;
      return window.sum >= needed;
    },
  };
}

interface ValueWindow extends WindowState {
  /** Time each value was seen last. */
  readonly values: Map<string, { time: number }>;
  /** While a window ends before this time, it surely holds enough values. */
  holdsUntil: number;
}

/**
 * At least `needed` different values. The number of values remembered is an upper bound, so nothing is counted while that is
 * too low; when a count shows enough, the time of the `needed`-th latest says how long that stays so. Both make an event
 * constant time. A late event counts in the window that ends at its group's newest event.
 */
function distinctCount(needed: number, timespan: number, tolerance: number): Measure {
  const most = needed * 2 + 64;
  /** Forgets values that left the window; gives the times of the others, latest first. */
  const live = (window: ValueWindow, edge: number): number[] => {
    const times: number[] = [];
    for (const [value, { time }] of window.values) {
      if (time > edge) times.push(time);
      else window.values.delete(value);
    }
    return times.sort((a, b) => b - a);
  };
  /** Makes room: of more values than are needed the latest stay. Half go at once, so that it is rarely done. */
  const shrink = (window: ValueWindow, edge: number): void => {
    const times = live(window, edge);
    if (times.length < most) return;
    const stay = needed + 32;
    const oldest = times[stay - 1] as number;
    for (const [value, { time }] of window.values) if (time < oldest) window.values.delete(value);
    for (const value of window.values.keys()) {
      if (window.values.size <= stay) break;
      window.values.delete(value);
    }
  };
  return {
    create: (): ValueWindow => ({ places: 8, newest: never, count: 0, first: 0, values: new Map(), holdsUntil: never }),
    add: (state, tag, time) => {
      const window = state as ValueWindow;
      if (time < window.newest - tolerance) return false;
      if (time > window.newest) window.newest = time;
      const edge = window.newest - timespan;
      if (time <= edge) return false;
      const value = String(tag);
      const known = window.values.get(value);
      if (known) known.time = Math.max(known.time, time);
      else {
        if (window.values.size >= most) shrink(window, edge);
        window.values.set(ownString(value), { time });
        window.places = window.values.size * 4 + 8;
      }
      if (window.values.size < needed) return false;
      if (window.newest < window.holdsUntil) {
        window.count = needed;
        window.first = edge + 1;
        return true;
      }
      const times = live(window, edge);
      if (times.length < needed) return false;
      window.holdsUntil = (times[needed - 1] as number) + timespan;
      window.count = times.length;
      window.first = times.at(-1) as number;
      return true;
    },
  };
}

interface Chain extends WindowState {
  /** Latest start of a chain that ends with each rule, and the time it ended. */
  readonly starts: number[];
  readonly ends: number[];
  /** When each rule was seen last, in a chain or not. */
  readonly seen: number[];
}

/** All of `rules` rules, in their order or in any. Of each rule the chain that began latest is kept, which lasts longest. */
function chainCount(rules: number, timespan: number, tolerance: number, isOrdered: boolean): Measure {
  const none = (): number[] => Array.from({ length: rules }, () => never);
  const follow = (chain: Chain, rule: number, time: number): void => {
    let start = time;
    if (rule > 0) {
      if ((chain.ends[rule - 1] as number) > time) return;
      start = chain.starts[rule - 1] as number;
    }
    if (start === never || start < (chain.starts[rule] as number)) return;
    chain.starts[rule] = start;
    chain.ends[rule] = time;
  };
  return {
    create: (): Chain => ({ places: rules * 3, newest: never, count: rules, first: 0, starts: none(), ends: none(), seen: none() }),
    add: (state, tag, time) => {
      const chain = state as Chain;
      const rule = tag as number;
      const isLate = time < chain.newest;
      if (time < chain.newest - tolerance) return false;
      if (!isLate) chain.newest = time;
      const edge = chain.newest - timespan;
      chain.seen[rule] = Math.max(chain.seen[rule] as number, time);
      if (isOrdered) {
        follow(chain, rule, time);
        // What was seen before this late event, and happened after it, follows it now.
        if (isLate) for (let next = rule + 1; next < rules; next++) follow(chain, next, chain.seen[next] as number);
        chain.first = chain.starts[rules - 1] as number;
      } else chain.first = Math.min(...chain.seen);
      return chain.first > edge;
    },
  };
}
