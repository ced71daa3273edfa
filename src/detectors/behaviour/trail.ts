import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import type { EvidenceReference } from "#core/signal.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { Behaviour } from "./behaviour.ts";
import { hashText } from "./generation-cache.ts";

/** Evidence of one actor: the first five lines and the latest five, and the names in them. */
export interface Trail {
  /** Lines offered so far. */
  offered: number;
  first: EvidenceReference[];
  latest: EvidenceReference[];
  users: string[];
  paths: string[];
}

const each = 5;
const names = 20;

export function newTrail(): Trail {
  return { offered: 0, first: [], latest: [], users: [], paths: [] };
}

/** The line as evidence, copied out of the source's buffers, once for all who keep it. */
export function evidenceOf(b: Behaviour, event: LogEvent, record: LogRecord): EvidenceReference {
  b.evidence ??= {
    source: record.source,
    line: record.line,
    offset: record.offset,
    time: event["@timestamp"],
    message: ownString(record.text.slice(0, 1_024)),
  };
  return b.evidence;
}

/**
 * Offers a line. Past the first five, lines are copied at powers of two or a minute after the latest: copying each line of a flood would
 * cost more than all detection, and the lines are alike.
 */
export function addEvidence(trail: Trail, b: Behaviour, event: LogEvent, record: LogRecord): void {
  const count = ++trail.offered;
  if (trail.first.length < each) trail.first.push(evidenceOf(b, event, record));
  else {
    if ((count & (count - 1)) !== 0 && event["@timestamp"] - (trail.latest.at(-1)?.time ?? 0) < 60_000) return;
    if (trail.latest.length >= each) trail.latest.shift();
    trail.latest.push(evidenceOf(b, event, record));
  }
  addName(trail.users, event["user.name"]);
  addName(trail.paths, event["url.path"]);
}

export function addName(list: string[], name: unknown): void {
  if (typeof name !== "string" || name === "" || list.length >= names) return;
  const cut = name.slice(0, 300);
  if (!list.includes(cut)) list.push(ownString(cut));
}

/** Estimates distinct values by linear counting (Whang, Vander-Zanden, Taylor, 1990) over `width` 32-bit words at `at`. */
export function countDistinct(words: Uint32Array, at: number, width: number): number {
  let zero = 0;
  for (let i = 0; i < width; i++) zero += 32 - bits(words[at + i] as number);
  const size = width * 32;
  return Math.round(size * Math.log(size / Math.max(1, zero)));
}

/** Marks a value; true where its bit was not set before. */
export function markDistinct(words: Uint32Array, at: number, width: number, hash: number): boolean {
  const bit = hash % (width * 32);
  const word = at + (bit >>> 5);
  const mask = 1 << (bit & 31);
  const before = words[word] as number;
  words[word] = before | mask;
  return (before & mask) === 0;
}

function bits(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** A short stable name: 8 hexadecimal digits of the text. */
export function shortHash(text: string): string {
  return hashText(text).toString(16).padStart(8, "0");
}
