import { ownString } from "#core/own-string.ts";
import type { EvidenceReference } from "#core/signal.ts";

/** Names seen, with the event time each was seen last. */
interface Names {
  readonly names: string[];
  readonly times: number[];
}

/** What is kept of an actor before a rule fires: the latest few lines and the names in them. */
interface Trail {
  refs: EvidenceReference[];
  readonly users: Names;
  readonly paths: Names;
  last: number;
}

/** What a trail says of the time since `from`. */
export interface TrailPart {
  readonly refs: readonly EvidenceReference[];
  readonly users: readonly string[];
  readonly paths: readonly string[];
}

/** Trails of all actors, in numbered slots (a rule and what it is counted by). */
export interface Trails {
  /** Adds a line to the trail of `actor`. `actor`, `user` and `path` may be slices of a large buffer. A trail idle for longer than `span` starts anew. */
  add(slot: number, actor: string, ref: EvidenceReference, user: string | undefined, path: string | undefined, span: number): void;
  /** Lines and names of `actor` since `from` (event time). */
  since(slot: number, actor: string, from: number): TrailPart;
  snapshot(): unknown;
  restore(state: unknown): void;
}

/** Lines kept for an actor and slot: a burst of five is shown whole. */
const keptLines = 6;
/** Names kept for an actor and slot, as many as a signal shows. */
const keptNames = 20;
const nameLength = 300;
/** Characters of log lines kept for each key on average, before the oldest are dropped. */
const charactersPerKey = 200;

interface Generation {
  readonly bySlot: Map<string, Trail>[];
  keys: number;
  characters: number;
}

const nothing: TrailPart = { refs: [], users: [], paths: [] };

/**
 * Trails in two generations: when the young one holds `maxKeys / 2` keys, or `maxKeys × 200` characters, it becomes the old
 * one and the old one is dropped. An actor that is seen again moves to the young one. Memory: about `maxKeys × 900` bytes at
 * most, whatever the lines; an actor seen once costs about 500.
 */
export function trails(slots: number, maxKeys: number): Trails {
  const newGeneration = (): Generation => ({ bySlot: Array.from({ length: slots }, () => new Map<string, Trail>()), keys: 0, characters: 0 });
  let young = newGeneration();
  let old = newGeneration();
  const mostKeys = Math.max(1, Math.floor(maxKeys / 2));
  const mostCharacters = maxKeys * charactersPerKey;
  const place = (slot: number, actor: string): Trail => {
    const known = (young.bySlot[slot] as Map<string, Trail>).get(actor);
    if (known) return known;
    if (young.keys >= mostKeys || young.characters >= mostCharacters) {
      old = young;
      young = newGeneration();
    }
    const own = ownString(actor);
    const before = (old.bySlot[slot] as Map<string, Trail>).get(own);
    if (before) (old.bySlot[slot] as Map<string, Trail>).delete(own);
    const trail = before ?? { refs: [], users: { names: [], times: [] }, paths: { names: [], times: [] }, last: Number.NEGATIVE_INFINITY };
    (young.bySlot[slot] as Map<string, Trail>).set(own, trail);
    young.keys++;
    for (const ref of trail.refs) young.characters += ref.message.length;
    return trail;
  };
  const addName = (list: Names, name: string, time: number): void => {
    const cut = name.length > nameLength ? name.slice(0, nameLength) : name;
    const at = list.names.indexOf(cut);
    if (at >= 0) list.times[at] = time;
    else if (list.names.length < keptNames) {
      young.characters += cut.length;
      list.names.push(ownString(cut));
      list.times.push(time);
    }
  };
  return {
    add: (slot, actor, ref, user, path, span) => {
      const trail = place(slot, actor);
      if (ref.time - trail.last > span) {
        for (const gone of trail.refs) young.characters -= gone.message.length;
        trail.refs = [];
        for (const list of [trail.users, trail.paths]) list.names.length = list.times.length = 0;
      }
      if (ref.time > trail.last) trail.last = ref.time;
      if (trail.refs.length >= keptLines) young.characters -= (trail.refs.shift() as EvidenceReference).message.length;
      trail.refs.push(ref);
      young.characters += ref.message.length;
      if (user !== undefined) addName(trail.users, user, ref.time);
      if (path !== undefined) addName(trail.paths, path, ref.time);
    },
    since: (slot, actor, from) => {
      const trail = (young.bySlot[slot] as Map<string, Trail>).get(actor) ?? (old.bySlot[slot] as Map<string, Trail>).get(actor);
      if (!trail) return nothing;
      const recent = ({ names, times }: Names): string[] => names.filter((_, index) => (times[index] as number) >= from);
      return { refs: trail.refs.filter((ref) => ref.time >= from), users: recent(trail.users), paths: recent(trail.paths) };
    },
    snapshot: () => ({ young, old }),
    restore: (state) => {
      ({ young, old } = state as { young: Generation; old: Generation });
    },
  };
}
