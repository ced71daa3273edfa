import { ownString } from "#core/own-string.ts";
import type { EvidenceReference } from "#core/signal.ts";

/** Names seen, with the event time each was seen last. */
interface Names {
  readonly names: string[];
  readonly times: number[];
}

/** What is kept of a group before a rule fires: the latest few lines and the names in them. */
export interface Trail {
  readonly refs: EvidenceReference[];
  readonly users: Names;
  readonly paths: Names;
  last: number;
  /** Lines since the trail began. */
  lines: number;
  /** Characters it holds. */
  characters: number;
}

/** What a trail says of the time since a moment. */
export interface TrailPart {
  readonly refs: readonly EvidenceReference[];
  readonly users: readonly string[];
  readonly paths: readonly string[];
}

/** Lines kept: a burst of five is shown whole. */
const keptLines = 6;
/** Past so many lines of one group every rule that counts few has long fired, and one line in eight is kept. */
const manyLines = 32;
/** Names kept, as many as a signal shows. */
const keptNames = 20;
const nameLength = 300;

export function newTrail(): Trail {
  return { refs: [], users: { names: [], times: [] }, paths: { names: [], times: [] }, last: Number.NEGATIVE_INFINITY, lines: 0, characters: 0 };
}

/**
 * Adds the line of event time `time`; `line` makes the copy, where it is kept. `user` and `path` may be slices of a large
 * buffer. A trail idle for longer than `span` starts anew.
 */
export function addLine(trail: Trail, time: number, line: () => EvidenceReference, user: string | undefined, path: string | undefined, span: number): void {
  if (time - trail.last > span) {
    trail.refs.length = 0;
    trail.lines = 0;
    trail.characters = 0;
    for (const list of [trail.users, trail.paths]) list.names.length = list.times.length = 0;
  }
  if (time > trail.last) trail.last = time;
  trail.lines++;
  if (trail.lines <= manyLines || trail.lines % 8 === 0) {
    if (trail.refs.length >= keptLines) trail.characters -= (trail.refs.shift() as EvidenceReference).message.length;
    const ref = line();
    trail.refs.push(ref);
    trail.characters += ref.message.length;
  }
  if (user !== undefined) addName(trail, trail.users, user, time);
  if (path !== undefined) addName(trail, trail.paths, path, time);
}

/** Lines and names since `from` (event time). */
export function since(trail: Trail, from: number): TrailPart {
  const recent = ({ names, times }: Names): string[] => names.filter((_, index) => (times[index] as number) >= from);
  return { refs: trail.refs.filter((ref) => ref.time >= from), users: recent(trail.users), paths: recent(trail.paths) };
}

function addName(trail: Trail, list: Names, name: string, time: number): void {
  const cut = name.length > nameLength ? name.slice(0, nameLength) : name;
  const at = list.names.indexOf(cut);
  if (at >= 0) list.times[at] = time;
  else if (list.names.length < keptNames) {
    list.names.push(ownString(cut));
    list.times.push(time);
    trail.characters += cut.length;
  }
}
