import { ownString } from "#core/own-string.ts";

/** What holds of a group at an event. */
export interface WindowHit {
  /** Events behind it, at least. */
  readonly count: number;
  readonly value: number;
  /** Event time of the earliest. */
  readonly first: number;
}

/** Counts in a window that slides on event time: (time - timespan, time]. States are structured-cloneable. */
export interface Measure {
  create(): unknown;
  /**
   * Adds an observation; gives a hit where the condition holds for a window that it is in. `newest` is the time of the newest
   * one before; an older time is a late observation, counted at its own time.
   */
  add(state: unknown, tag: string | number, time: number, weight: number, newest: number): WindowHit | undefined;
  /** Numbers that the state holds: what counts against the memory bound. */
  places(state: unknown): number;
}

interface EventWindow {
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
export function eventCount(needed: number, timespan: number, tolerance: number): Measure {
  const most = tolerance > 0 ? needed * 4 + 256 : needed + 1;
  const weightAt = (window: EventWindow, index: number): number => (window.weights ? (window.weights[index] as number) : 1);
  const makeRoom = (window: EventWindow): void => {
    if (window.end < window.times.length) return;
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
  const addLate = (window: EventWindow, time: number, weight: number, newest: number): WindowHit | undefined => {
    let at = window.end;
    while (at > window.head && (window.times[at - 1] as number) > time) at--;
    insert(window, at, time, weight);
    // One earlier than the newest window's start does not belong to it.
    if (at < window.from || time <= newest - timespan) {
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
      if (sum >= needed) return { count: sum, value: sum, first: window.times[start] as number };
    }
    return undefined;
  };
  return {
    create: (): EventWindow => ({ times: new Float64Array(4), weights: undefined, head: 0, from: 0, end: 0, sum: 0 }),
    add: (state, _tag, time, weight, newest) => {
      const window = state as EventWindow;
      makeRoom(window);
      if (time < newest) return addLate(window, time, weight, newest);
      slide(window, time - timespan);
      insert(window, window.end, time, weight);
      return window.sum >= needed ? { count: window.sum, value: window.sum, first: window.times[window.from] as number } : undefined;
    },
    places: (state) => (state as EventWindow).times.length * ((state as EventWindow).weights ? 2 : 1),
  };
}

interface ValueWindow {
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
export function distinctCount(needed: number, timespan: number): Measure {
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
    create: (): ValueWindow => ({ values: new Map(), holdsUntil: Number.NEGATIVE_INFINITY }),
    add: (state, tag, time, _weight, newest) => {
      const window = state as ValueWindow;
      const end = Math.max(time, newest);
      const edge = end - timespan;
      if (time <= edge) return undefined;
      const value = String(tag);
      const known = window.values.get(value);
      if (known) known.time = Math.max(known.time, time);
      else {
        if (window.values.size >= most) shrink(window, edge);
        window.values.set(ownString(value), { time });
      }
      if (window.values.size < needed) return undefined;
      if (end < window.holdsUntil) return { count: needed, value: needed, first: edge + 1 };
      const times = live(window, edge);
      if (times.length < needed) return undefined;
      window.holdsUntil = (times[needed - 1] as number) + timespan;
      return { count: times.length, value: times.length, first: times.at(-1) as number };
    },
    places: (state) => (state as ValueWindow).values.size * 4 + 8,
  };
}

interface Chain {
  /** Latest start of a chain that ends with each rule, and the time it ended. */
  readonly starts: number[];
  readonly ends: number[];
  /** When each rule was seen last, in a chain or not. */
  readonly seen: number[];
}

/** All of `rules` rules, in their order or in any. Of each rule the chain that began latest is kept, which lasts longest. */
export function chainCount(rules: number, timespan: number, isOrdered: boolean): Measure {
  const never = Number.NEGATIVE_INFINITY;
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
    create: (): Chain => ({ starts: Array.from({ length: rules }, () => never), ends: Array.from({ length: rules }, () => never), seen: Array.from({ length: rules }, () => never) }),
    add: (state, tag, time, _weight, newest) => {
      const chain = state as Chain;
      const rule = tag as number;
      const edge = Math.max(time, newest) - timespan;
      if (!isOrdered) {
        chain.starts[rule] = Math.max(chain.starts[rule] as number, time);
        const first = Math.min(...chain.starts);
        return first > edge ? { count: rules, value: rules, first } : undefined;
      }
      chain.seen[rule] = Math.max(chain.seen[rule] as number, time);
      follow(chain, rule, time);
      // What was seen before this late event, and happened after it, follows it now.
      if (time < newest) for (let next = rule + 1; next < rules; next++) follow(chain, next, chain.seen[next] as number);
      const start = chain.starts[rules - 1] as number;
      return start > edge ? { count: rules, value: rules, first: start } : undefined;
    },
    places: () => rules * 3,
  };
}
