import { closeSync, fstatSync, openSync, readSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { compressionOf, decompressedHead, headSize, type Compression } from "../decompress.ts";
import { compareRotated, parseRotatedName, type RotatedName } from "../rotated-name.ts";
import { contentHash, headLength, tailLength, type Mark } from "./mark.ts";

/** A file that is, or may be, a generation of a log. */
export interface Candidate {
  readonly path: string;
  /** Undefined for the file at the log's own path. */
  readonly rotated: RotatedName | undefined;
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  /** Epoch milliseconds. */
  readonly modified: number;
  /** What `look` found; null where it could not. */
  seen?: Look | null;
}

/** Rotated files of the log at `path`, oldest first, then the file at `path` itself if there is one. Empty files and what cannot be read stay in. */
export function listCandidates(path: string): Candidate[] {
  const directory = dirname(path);
  const base = basename(path);
  const found: Candidate[] = [];
  for (const name of namesIn(directory)) {
    if (name === base) continue;
    const rotated = rotatedOf(base, name);
    if (rotated === undefined) continue;
    const candidate = candidateAt(join(directory, name), rotated);
    if (candidate !== undefined) found.push(candidate);
  }
  const packedTwins = found.filter(
    ({ rotated }) =>
      rotated !== undefined &&
      rotated.compressed !== "" &&
      found.some((other) => other.rotated?.compressed === "" && other.rotated.date === rotated.date && other.rotated.number === rotated.number),
  );
  // A compressor writes beside the original and then removes that.
  for (const twin of packedTwins) found.splice(found.indexOf(twin), 1);
  const dated = found.filter((candidate) => candidate.rotated?.date !== "").length;
  // Under one naming scheme the names give the order; where two are mixed only the times can.
  const byName = dated === 0 || dated === found.length;
  found.sort((a, b) => (byName ? compareRotated(a.rotated!, b.rotated!) : a.modified - b.modified));
  const live = candidateAt(path, undefined);
  return live === undefined ? found : [...found, live];
}

/** What `name` says as a rotated file of the log named `base`; undefined where it is none of its files. */
export function rotatedOf(base: string, name: string): RotatedName | undefined {
  const rotated = parseRotatedName(name);
  if (rotated === undefined || rotated.base === base) return rotated;
  // A log whose own name is dated (`app-20240131.log`) is compressed in place.
  return rotated.compressed !== "" && name === base + rotated.compressed ? { base, date: "", number: -1, compressed: rotated.compressed } : undefined;
}

export function candidateAt(path: string, rotated: RotatedName | undefined): Candidate | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return undefined;
    return { path, rotated, device: stat.dev, inode: stat.ino, size: stat.size, modified: stat.mtimeMs };
  } catch {
    return undefined;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** True where both listings show the same files under the same names: nothing was renamed in between. */
export function sameListing(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return a.length === b.length && a.every((candidate, index) => candidate.path === b[index]?.path && candidate.inode === b[index].inode);
}

/** What a look at a file's bytes gives. */
export interface Look {
  readonly compression: Compression;
  /** First bytes of the uncompressed content, at most 256. */
  readonly head: Buffer;
}

/** Looks at a file, once for each listing; undefined where it cannot be read or has been renamed. */
export function look(candidate: Candidate): Look | undefined {
  candidate.seen ??= withFile(candidate, lookAt) ?? null;
  return candidate.seen ?? undefined;
}

/** As `look`, of an open file; throws the system's error where it cannot be read. */
export function lookAt(descriptor: number): Look {
  const magic = readAt(descriptor, 0, headLength);
  const compression = compressionOf(magic);
  const head = compression === "none" ? magic : decompressedHead(readAt(descriptor, 0, headSize), compression).subarray(0, headLength);
  return { compression, head };
}

/** True where a file holds what `mark` saw; of a compressed file only the head can be told without reading it all. */
export function holds(candidate: Candidate, mark: Mark): boolean {
  const seen = look(candidate);
  if (seen === undefined || !headMatches(seen.head, mark)) return false;
  return seen.compression !== "none" || mark.tailAt === 0 || withFile(candidate, (descriptor) => tailMatches(descriptor, mark)) === true;
}

function withFile<T>(candidate: Candidate, use: (descriptor: number) => T): T | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(candidate.path, "r");
  } catch {
    return undefined;
  }
  try {
    return fstatSync(descriptor).ino === candidate.inode ? use(descriptor) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Up to `length` bytes at `position`; fewer at the end of the file. */
export function readAt(descriptor: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(descriptor, buffer, 0, length, position));
}

export function headMatches(head: Buffer, mark: Mark): boolean {
  if (mark.headBytes === 0) return true;
  return head.length >= mark.headBytes && contentHash(head.subarray(0, mark.headBytes)) === mark.headHash;
}

export function tailMatches(descriptor: number, mark: Mark): boolean {
  if (mark.tailAt === 0) return true;
  const length = Math.min(tailLength, mark.tailAt);
  const bytes = readAt(descriptor, mark.tailAt - length, length);
  return bytes.length === length && contentHash(bytes) === mark.tailHash;
}

/** Where a mark's content is now. */
export interface Location {
  readonly candidate: Candidate;
  readonly compression: Compression;
  /** True where the copy ends before the mark: it tells the place in the order, but holds nothing to read. */
  readonly shorter: boolean;
}

/**
 * Finds the content of `mark` among `candidates`: first the same inode with the same content, then a plain copy, then a
 * compressed one. `liveToo` false leaves out the file at the log's own path (its content is known to be another).
 */
export function locate(mark: Mark, candidates: readonly Candidate[], liveToo: boolean): Location | undefined {
  const newestFirst = candidates.filter((candidate) => liveToo || candidate.rotated !== undefined).toReversed();
  for (const candidate of newestFirst) {
    if (candidate.inode !== mark.inode) continue;
    const seen = look(candidate);
    if (seen === undefined || (seen.compression === "none" && candidate.size < mark.offset)) continue;
    if (holds(candidate, mark)) return { candidate, compression: seen.compression, shorter: false };
  }
  if (mark.headBytes === 0) return undefined;
  let compressed: Location | undefined;
  let shorter: Location | undefined;
  // Plain files first: to look into a compressed one costs a hundred times as much.
  const isPacked = (candidate: Candidate): boolean => (candidate.rotated?.compressed ?? "") !== "";
  for (const candidate of [...newestFirst.filter((other) => !isPacked(other)), ...newestFirst.filter(isPacked)]) {
    // A live file that only begins alike is a new file: it takes a whole head to call it a copy (an editor saved it anew).
    if (candidate.rotated === undefined && mark.headBytes < headLength) continue;
    const seen = look(candidate);
    if (seen === undefined || !headMatches(seen.head, mark)) continue;
    const location = { candidate, compression: seen.compression, shorter: false };
    if (seen.compression !== "none") compressed ??= location;
    else if (candidate.size >= mark.offset && holds(candidate, mark)) return location;
    else if (candidate.size < mark.offset && candidate.rotated !== undefined) shorter ??= { ...location, shorter: true };
  }
  return compressed ?? shorter;
}

/** Up to `length` bytes of the file at `path`; throws the system's error where it cannot be read. */
export function readAtPath(path: string, position: number, length: number): Buffer {
  const descriptor = openSync(path, "r");
  try {
    return readAt(descriptor, position, length);
  } finally {
    closeSync(descriptor);
  }
}
