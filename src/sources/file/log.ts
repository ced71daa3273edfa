import { lstatSync, realpathSync } from "node:fs";
import type { SourceNote } from "#contracts/source.ts";
import { reasonOf } from "../source-error.ts";
import { type Candidate, candidateAt, headMatches, listCandidates, locate, type Location, peek, readAtPath, sameListing } from "./candidates.ts";
import { type Generation, openCompressed, openPlain } from "./generation.ts";
import { headLength, type Mark, tailLength, writeLogMarks } from "./mark.ts";

/** One followed path with the files it was, oldest first; the last is the file at the path. */
export interface FollowedLog {
  readonly path: string;
  readonly open: OpenFile[];
  /** Marks of files read to their end, oldest first; a few, to know them again. */
  readonly done: Mark[];
  /** Marks of a cursor that are not looked up yet. */
  resume: readonly Mark[];
  /** Something happened in the file's directory. */
  dirty: boolean;
  /** What was last noted of the path, so that it is noted once. */
  state: "unknown" | "there" | "missing" | "unreadable";
  /** Since when the path has been waited for, epoch milliseconds; 0 where it was there at first. */
  awaited: number;
  /** JSON text of the marks; "" = to be written anew. */
  saved: string;
}

export interface OpenFile {
  file: Generation;
  /** Epoch milliseconds at which a newer file took its place; 0 for the newest. */
  superseded: number;
  /** The file's content was replaced: reads on in a copy, or not at all. */
  detached: boolean;
}

export interface LogContext {
  readonly buffer: Buffer;
  readonly signal: AbortSignal;
  readonly notes: SourceNote[];
}

/** Files were renamed between two looks. */
const unsettled = new Error("files are being renamed");

const keptDone = 8;
/** Rotated files opened at once; more are taken up when these are read. */
const openAtOnce = 64;

export function createLog(path: string, open: readonly Mark[], done: readonly Mark[]): FollowedLog {
  return { path, open: [], done: [...done], resume: open, dirty: true, state: "unknown", awaited: 0, saved: "" };
}

/** The log's part of the cursor. */
export function saveLog(log: FollowedLog): string {
  const open = log.resume.length > 0 ? log.resume : log.open.map((entry) => entry.file.mark());
  log.saved ||= writeLogMarks({ path: log.path, open, done: log.done });
  return log.saved;
}

/** Looks whether the path still names the newest open file, and opens what came instead. `history`: rotated files to read before a log seen for the first time. */
export function survey(log: FollowedLog, context: LogContext, history: readonly string[], startAtEnd: boolean): void {
  log.dirty = false;
  const live = candidateAt(log.path, undefined);
  const newest = log.open.at(-1);
  if (live === undefined && log.resume.length === 0) {
    noteMissing(log, context);
    return;
  }
  if (live !== undefined && newest?.file.inode === live.inode && newest.file.device === live.device && !newest.detached) return;
  try {
    if (live !== undefined) readAtPath(live.path, 0, 1);
    if (newest !== undefined) rotated(log, context, newest);
    else if (log.resume.length > 0) resume(log, context, log.resume, true);
    else if (log.done.length > 0) resume(log, context, log.done.slice(-1), false);
    else first(log, context, history, startAtEnd);
    if (live === undefined) noteMissing(log, context);
    else noteThere(log, context);
  } catch (error) {
    stumble(log, context, error);
  }
}

/** What to do when looking at a log failed: in the middle of a rotation look again at once; else note it and try again at the next poll. Nothing is skipped. */
function stumble(log: FollowedLog, context: LogContext, error: unknown): void {
  if (error === unsettled || reasonOf(error) === "ENOENT") {
    log.dirty = true;
    return;
  }
  if (log.state !== "unreadable") context.notes.push({ kind: "unreadable", detail: `${log.path} (${reasonOf(error)})` });
  log.state = "unreadable";
}

function noteMissing(log: FollowedLog, context: LogContext): void {
  if (log.state !== "missing") context.notes.push({ kind: "missing", detail: log.path });
  log.state = "missing";
  // Times of files are up to a tick of the kernel's clock behind.
  log.awaited ||= Date.now() - 20;
}

function noteThere(log: FollowedLog, context: LogContext): void {
  if (log.state === "missing" || log.state === "unreadable") context.notes.push({ kind: "appeared", detail: log.path });
  log.state = "there";
}

function first(log: FollowedLog, context: LogContext, history: readonly string[], startAtEnd: boolean): void {
  const head = headAt(log.path);
  // Waited for from the start: what was written since and is rotated already belongs to it too.
  const isWanted = (candidate: Candidate): boolean =>
    candidate.rotated === undefined || history.includes(candidate.path) || (log.awaited > 0 && candidate.modified >= log.awaited);
  const candidates = listCandidates(log.path).filter(isWanted);
  if (startAtEnd) {
    const live = candidates.at(-1);
    if (live?.rotated === undefined && live !== undefined) openFile(log, context, live, endMark(live));
    return;
  }
  const files = usable(candidates, context).map((candidate) => ({ candidate, mark: undefined, head: candidate.rotated === undefined ? head : undefined }));
  openAll(log, context, files);
}

/** The place after the last whole line of a file. */
function endMark(candidate: Candidate): Mark {
  let end = candidate.size;
  for (let from = end; from > 0;) {
    const start = Math.max(0, from - 65_536);
    const found = readAtPath(candidate.path, start, from - start).lastIndexOf(10);
    end = found === -1 ? start : start + found + 1;
    if (found !== -1) break;
    from = start;
  }
  const none = { headBytes: 0, headHash: "", tailAt: 0, tailHash: "", path: "" };
  return { ...none, device: candidate.device, inode: candidate.inode, offset: end, line: end === 0 ? 1 : 0, modified: candidate.modified };
}

/** The newest file is no longer at the path: opens all that came after it. */
function rotated(log: FollowedLog, context: LogContext, newest: OpenFile): void {
  const found = lineage(log, newest.file.mark(), true, context);
  if (found === undefined) throw unsettled;
  const at = found.location?.candidate;
  if (at !== undefined && at.rotated === undefined && at.path === log.path && found.location?.compression === "none") {
    // Saved anew by an editor: the same content under another inode.
    if (newest.file.moveTo(at)) return;
    throw unsettled;
  }
  if (found.newer.length === 0) return;
  openAll(log, context, found.newer);
  newest.superseded = Date.now();
  log.saved = "";
  context.notes.push({ kind: "rotated", detail: `${log.path}${at === undefined ? "" : ` -> ${at.path}`}` });
}

/** Finds the files of saved marks and what came after the last of them. */
function resume(log: FollowedLog, context: LogContext, marks: readonly Mark[], complain: boolean): void {
  const found = marks.map((mark, index) => lineage(log, mark, true, context, index === marks.length - 1));
  if (found.includes(undefined)) throw unsettled;
  const now = Date.now();
  const gone: Mark[] = [];
  try {
    for (const [index, mark] of marks.entries()) {
      const location = found[index]?.location;
      if (location === undefined) gone.push(mark);
      else if (!location.shorter) openFile(log, context, location.candidate, mark);
    }
    openAll(log, context, found.at(-1)?.newer ?? []);
  } catch (error) {
    for (const entry of log.open.splice(0)) entry.file.close();
    throw error;
  }
  for (const mark of complain ? gone : []) {
    if (mark.headBytes > 0) context.notes.push({ kind: "gap", detail: `${log.path}: the file that was read to byte ${mark.offset} is gone` });
  }
  for (const entry of log.open.slice(0, -1)) entry.superseded = now;
  log.resume = [];
  log.saved = "";
}

/** A file's content was cut or replaced in place (copytruncate): goes on in the copy, then with what came after. Gives true where something was done. */
export function replaced(log: FollowedLog, context: LogContext, entry: OpenFile): boolean {
  const before = log.open.map(({ file, detached }) => [file, file.inode, detached]);
  log.saved = "";
  log.dirty = true;
  try {
    continueElsewhere(log, context, entry);
  } catch (error) {
    stumble(log, context, error);
  }
  const after = log.open.map(({ file, detached }) => [file, file.inode, detached]);
  return before.length !== after.length || before.some((row, index) => row.some((value, column) => value !== after[index]?.[column]));
}

function continueElsewhere(log: FollowedLog, context: LogContext, entry: OpenFile): void {
  const { file } = entry;
  if (entry.detached) {
    drop(log, entry, context, true);
    return;
  }
  const isNewest = log.open.at(-1) === entry;
  const found = lineage(log, file.mark(), false, context);
  if (found === undefined) return;
  const location = found.location;
  const newer = isNewest ? found.newer : [];
  if (location === undefined || location.shorter) {
    openAll(log, context, newer);
    drop(log, entry, context, file.pending() > 0);
    context.notes.push({ kind: "truncated", detail: `${log.path}${location === undefined ? "" : ` -> ${location.candidate.path}`}` });
    return;
  }
  if (location.compression === "none") {
    if (!file.moveTo(location.candidate)) return;
  } else {
    const copy = openCompressed({ ...context, source: log.path, candidate: location.candidate, mark: file.mark() });
    if (copy === undefined) return;
    file.close();
    entry.file = copy;
  }
  openAll(log, context, newer);
  entry.detached = true;
  if (isNewest && log.open.at(-1) !== entry) entry.superseded = Date.now();
  context.notes.push({ kind: "rotated", detail: `${log.path} -> ${location.candidate.path}` });
}

/**
 * A young file of which nothing was given yet may have been copied and cut before it was looked at: opens what was written since
 * and is not known. Gives true where there is such a file; it comes before `entry`.
 */
export function overtaken(log: FollowedLog, context: LogContext, entry: OpenFile): boolean {
  if (log.open.at(-1) !== entry || !entry.file.unsure() || entry.file.size() === 0) return false;
  const found = lineage(log, entry.file.mark(), false, context);
  const missed = found?.newer.filter(({ candidate }) => candidate.rotated !== undefined) ?? [];
  if (missed.length === 0) return false;
  const elders = log.open.length - 1;
  log.open.pop();
  try {
    openAll(log, context, found?.newer ?? []);
    entry.file.close();
  } catch (error) {
    for (const { file } of log.open.splice(elders)) file.close();
    log.open.push(entry);
    stumble(log, context, error);
  }
  return true;
}

/** Forgets a file that is read to its end, or lost. */
export function drop(log: FollowedLog, entry: OpenFile, context: LogContext, lost: boolean): void {
  const mark = entry.file.mark();
  const at = log.open.indexOf(entry);
  if (at !== -1) log.open.splice(at, 1);
  if (lost) context.notes.push({ kind: "gap", detail: `${log.path}: ${entry.file.pending()} bytes of an unfinished line` });
  entry.file.close();
  const known = log.done.findIndex((other) => other.inode === mark.inode && other.headHash === mark.headHash);
  if (known !== -1) log.done.splice(known, 1);
  log.done.push(mark);
  if (log.done.length > keptDone) log.done.shift();
  log.saved = "";
}

/** A file to open; `mark` where some of it was read before. */
interface Newer {
  readonly candidate: Candidate;
  readonly mark: Mark | undefined;
  /** The live file's first bytes before its siblings were looked at. */
  readonly head: Buffer | undefined;
}

interface Lineage {
  readonly location: Location | undefined;
  readonly newer: readonly Newer[];
}

/** Where the content of `anchor` is, and the files that came after it, oldest first. Undefined while files are being renamed. */
function lineage(log: FollowedLog, anchor: Mark, liveToo: boolean, context: LogContext, isLast = true): Lineage | undefined {
  // Nothing was read of it and too little seen to know it again: the times tell what was written since.
  const unsure = isLast && anchor.offset === 0 && anchor.headBytes < headLength;
  for (let attempt = 0; attempt < 20; attempt++) {
    const head = headAt(log.path);
    const listed = listCandidates(log.path);
    const elsewhere = anchor.path === "" || listed.some((candidate) => candidate.path === anchor.path) ? undefined : candidateAt(anchor.path, undefined);
    const location = unsure ? undefined : locate(anchor, elsewhere === undefined ? listed : [elsewhere, ...listed], liveToo);
    const at = location === undefined ? -1 : listed.findIndex((candidate) => candidate.path === location.candidate.path);
    // Gone altogether: what was written to since is newer.
    const after = at === -1 ? listed.filter((other) => other.rotated === undefined || other.modified >= anchor.modified) : listed.slice(at + 1);
    const held = [...log.open.map((entry) => entry.file.mark()), ...log.resume.filter((mark) => mark !== anchor)];
    const strict = at === -1;
    const newer: Newer[] = [];
    for (const candidate of usable(after, context)) {
      const isLive = candidate.rotated === undefined;
      const mark = isLive && !liveToo ? undefined : knownAs(candidate, held, log.done, strict && !isLive);
      // A rotated file that is known is read already; a live one was moved back.
      if (mark === undefined || isLive) newer.push({ candidate, mark, head: isLive ? head : undefined });
    }
    if (sameListing(listed, listCandidates(log.path))) return { location, newer };
  }
  return undefined;
}

/** Leaves out empty rotated files, copies in the making and formats that cannot be read. */
function usable(candidates: readonly Candidate[], context: LogContext): Candidate[] {
  const live = candidates.find((candidate) => candidate.rotated === undefined);
  return candidates.filter((candidate) => {
    const { rotated } = candidate;
    if (rotated === undefined) return true;
    if (candidate.size === 0) return false;
    if (rotated.compressed !== "" && rotated.compressed !== ".gz" && rotated.compressed !== ".zst") {
      context.notes.push({ kind: "gap", detail: `${candidate.path}: only .gz and .zst can be read` });
      return false;
    }
    return live === undefined || !isCopyOf(candidate, live);
  });
}

function headAt(path: string): Buffer | undefined {
  try {
    return readAtPath(path, 0, headLength);
  } catch {
    return undefined;
  }
}

/** The mark of the same content: by inode, or where `byContent` by a whole head alone. */
function knownAs(candidate: Candidate, held: readonly Mark[], done: readonly Mark[], byContent: boolean): Mark | undefined {
  // Of a file that was empty only the inode is known, and that means something only while the file is held open.
  const empty = held.find((mark) => mark.headBytes === 0 && mark.inode === candidate.inode);
  if (empty !== undefined) return empty;
  const likely = [...held, ...done].filter((mark) => mark.headBytes > 0 && (mark.inode === candidate.inode || (byContent && mark.headBytes === headLength)));
  if (likely.length === 0) return undefined;
  return peek(candidate, (look) => likely.find((mark) => headMatches(look.head, mark) && look.tailMatches(mark) !== false));
}

/** True where all of `candidate` is the beginning of `live`: copytruncate has copied, but not truncated yet. */
function isCopyOf(candidate: Candidate, live: Candidate): boolean {
  if (candidate.inode === live.inode || candidate.size > live.size || candidate.size === 0) return false;
  try {
    const start = Math.max(0, candidate.size - tailLength);
    const same = (at: number, length: number): boolean => readAtPath(candidate.path, at, length).equals(readAtPath(live.path, at, length));
    return same(0, Math.min(headLength, candidate.size)) && same(start, candidate.size - start);
  } catch {
    return false;
  }
}

function openAll(log: FollowedLog, context: LogContext, files: readonly Newer[]): void {
  // The rest, the live file among them, is found again from the last of these.
  for (const { candidate, mark, head } of files.slice(0, openAtOnce)) {
    const before = log.open.at(-1);
    try {
      openFile(log, context, candidate, mark, head);
    } catch (error) {
      // A rotated file that may not be read must not hold up the live one.
      if (candidate.rotated === undefined || error === unsettled || !/^E(ACCES|PERM)$/.test(reasonOf(error))) throw error;
      context.notes.push({ kind: "gap", detail: `${candidate.path} (${reasonOf(error)})` });
      continue;
    }
    if (before !== undefined && before.superseded === 0) before.superseded = Date.now();
  }
}

function openFile(log: FollowedLog, context: LogContext, candidate: Candidate, mark: Mark | undefined, head?: Buffer): void {
  const compressed = peek(candidate, (look) => look.compression !== "none") === true;
  const options = { ...context, source: log.path, candidate: atTarget(candidate), mark, head };
  const file = compressed ? openCompressed(options) : openPlain(options);
  if (file === undefined) throw unsettled;
  log.open.push({ file, superseded: 0, detached: false });
  log.saved = "";
}

/** A symlink's file is remembered by its own name: re-pointed, the link no longer leads to it. */
function atTarget(candidate: Candidate): Candidate {
  if (!lstatSync(candidate.path).isSymbolicLink()) return candidate;
  return { ...candidate, path: realpathSync(candidate.path) };
}
