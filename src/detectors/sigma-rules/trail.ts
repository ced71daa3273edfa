import { ownString } from "#core/own-string.ts";
import type { EvidenceReference } from "#core/signal.ts";

/** What is kept of a group before a rule fires: the latest few lines and the names in them. */
export interface Trail {
  /** Ring of the latest lines. */
  readonly refs: EvidenceReference[];
  /** Place of the oldest line in a full ring. */
  oldest: number;
  /** Names seen, with the event time each was seen last. */
  users: Names | undefined;
  paths: Names | undefined;
  last: number;
  /** Lines since the trail began. */
  lines: number;
  /** Words of eight bytes that it holds, roughly. */
  places: number;
}

interface Names {
  readonly names: string[];
  readonly times: number[];
}

/** Lines kept: a burst of five is shown whole. */
const keptLines = 6;
/** Past so many lines of one group every rule that counts few has long fired, and one line in eight is kept. */
const manyLines = 32;
/** Names kept, as many as a signal shows. */
const keptNames = 20;
const nameLength = 300;
/** Words of a line beside its characters, and of a trail. */
const linePlaces = 14;
const trailPlaces = 30;

export function newTrail(): Trail {
  return { refs: [], oldest: 0, users: undefined, paths: undefined, last: Number.NEGATIVE_INFINITY, lines: 0, places: trailPlaces };
}

/**
 * Adds the line of event time `time`; `line` makes the copy, where it is kept. `user` and `path` may be slices of a large
 * buffer. A trail idle for longer than `span` starts anew.
 */
export function addLine(trail: Trail, time: number, line: () => EvidenceReference, user: string | undefined, path: string | undefined, span: number): void {
  if (time - trail.last > span && trail.lines > 0) {
    trail.refs.length = trail.oldest = trail.lines = 0;
    trail.users = trail.paths = undefined;
    trail.places = trailPlaces;
  }
  if (time > trail.last) trail.last = time;
  trail.lines++;
  if (trail.lines <= manyLines || trail.lines % 8 === 0) {
    const ref = line();
    trail.places += (ref.message.length >> 3) + linePlaces;
    if (trail.refs.length < keptLines) trail.refs.push(ref);
    else {
      trail.places -= ((trail.refs[trail.oldest] as EvidenceReference).message.length >> 3) + linePlaces;
      trail.refs[trail.oldest] = ref;
      trail.oldest = (trail.oldest + 1) % keptLines;
    }
  }
  if (user !== undefined) trail.users = addName(trail, trail.users, user, time);
  if (path !== undefined) trail.paths = addName(trail, trail.paths, path, time);
}

/** Adds the trail's lines since `from` (event time) that `into` has not yet. */
export function linesSince(trail: Trail, from: number, into: EvidenceReference[]): void {
  const { refs, oldest } = trail;
  for (let i = 0; i < refs.length; i++) {
    const ref = refs[(oldest + i) % refs.length] as EvidenceReference;
    if (ref.time >= from && !into.includes(ref)) into.push(ref);
  }
}

/** Adds the names seen since `from` (event time) that `into` has not yet. */
export function namesSince(list: Names | undefined, from: number, into: string[]): void {
  if (!list) return;
  const { names, times } = list;
  for (let i = 0; i < names.length; i++) if ((times[i] as number) >= from && !into.includes(names[i] as string)) into.push(names[i] as string);
}

function addName(trail: Trail, list: Names | undefined, name: string, time: number): Names {
  const cut = name.length > nameLength ? name.slice(0, nameLength) : name;
  const at = list ? list.names.indexOf(cut) : -1;
  if (list && at >= 0) list.times[at] = time;
  else if (!list || list.names.length < keptNames) {
    trail.places += (cut.length >> 3) + 5;
    if (!list) return { names: [ownString(cut)], times: [time] };
    list.names.push(ownString(cut));
    list.times.push(time);
  }
  return list as Names;
}
