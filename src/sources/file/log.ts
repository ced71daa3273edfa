import { lstatSync, realpathSync } from "node:fs";
import type { SourceNote } from "#contracts/source.ts";
import { reasonOf } from "../source-error.ts";
import { type Candidate, candidateAt, locate, look, readAtPath } from "./candidates.ts";
import { type Generation, openCompressed, openPlain } from "./generation.ts";
import { isUnsure, lineage, type Newer, unsettled, usable, whileStill, withElsewhere } from "./lineage.ts";
import { type LogMarks, type Mark, writeLogMarks } from "./mark.ts";

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

const keptDone = 8;
/** Rotated files opened at once; more are taken up when these are read. */
const openAtOnce = 64;

export function createLog(marks: LogMarks): FollowedLog {
  return { path: marks.path, open: [], done: [...marks.done], resume: marks.open, dirty: true, state: "unknown", awaited: marks.awaited, saved: "" };
}

/** The log's part of the cursor. */
export function saveLog(log: FollowedLog): string {
  const open = log.resume.length > 0 ? log.resume : log.open.map((entry) => entry.file.mark());
  log.saved ||= writeLogMarks({ path: log.path, open, done: log.done, awaited: open.length + log.done.length > 0 ? 0 : log.awaited });
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
  if (log.awaited === 0) log.saved = "";
  // Times of files are up to a tick of the kernel's clock behind.
  log.awaited ||= Date.now() - 20;
}

function noteThere(log: FollowedLog, context: LogContext): void {
  if (log.state === "missing" || log.state === "unreadable") context.notes.push({ kind: "appeared", detail: log.path });
  log.state = "there";
}

function first(log: FollowedLog, context: LogContext, history: readonly string[], startAtEnd: boolean): void {
  // Waited for from the start: what was written since and is rotated already belongs to it too.
  const isWanted = (candidate: Candidate): boolean =>
    candidate.rotated === undefined || history.includes(candidate.path) || (log.awaited > 0 && candidate.modified >= log.awaited);
  openAll(
    log,
    context,
    whileStill(log.path, (listed, head): Newer[] => {
      const wanted = listed.filter((candidate) => (startAtEnd ? candidate.rotated === undefined : isWanted(candidate)));
      return usable(wanted, context.notes).map((candidate) => {
        const isLive = candidate.rotated === undefined;
        return { candidate, mark: startAtEnd ? endMark(candidate) : undefined, head: isLive && !startAtEnd ? head : undefined };
      });
    }),
  );
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
  // First what is open: it holds descriptors.
  if (log.open.length > openAtOnce) return;
  const unsure = isUnsure(newest.file.mark());
  // Renamed, its content stays as it is: learned, so that a compressed copy of it is known for one.
  newest.file.settle();
  const { location, newer } = lineage(log, newest.file.mark(), true, context.notes, unsure);
  const at = location?.candidate;
  if (at !== undefined && at.rotated === undefined && at.path === log.path && location?.compression === "none") {
    // Saved anew by an editor: the same content under another inode.
    if (newest.file.moveTo(at)) return;
    throw unsettled;
  }
  if (newer.length === 0) return;
  openAll(log, context, newer);
  context.notes.push({ kind: "rotated", detail: `${log.path}${at === undefined ? "" : ` -> ${at.path}`}` });
}

/** Finds the files of saved marks and what came after the last of them. */
function resume(log: FollowedLog, context: LogContext, marks: readonly Mark[], complain: boolean): void {
  const last = marks.at(-1);
  const gone: Mark[] = [];
  try {
    whileStill(log.path, (listed) => {
      for (const entry of log.open.splice(0)) entry.file.close();
      gone.length = 0;
      for (const mark of marks) {
        const location = isUnsure(mark) && mark === last ? undefined : locate(mark, withElsewhere(listed, mark), true);
        if (location === undefined) gone.push(mark);
        else if (!location.shorter) openFile(log, context, location.candidate, mark);
      }
    });
    if (last !== undefined) openAll(log, context, lineage(log, last, true, context.notes).newer);
  } catch (error) {
    for (const entry of log.open.splice(0)) entry.file.close();
    throw error;
  }
  for (const mark of complain ? gone : []) {
    if (mark.headBytes > 0) context.notes.push({ kind: "gap", detail: `${log.path}: the file that was read to byte ${mark.offset} is gone` });
  }
  for (const entry of log.open.slice(0, -1)) supersede(entry);
  log.resume = [];
  log.saved = "";
}

function supersede(entry: OpenFile): void {
  if (entry.superseded === 0) entry.superseded = Date.now();
  entry.file.settle();
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
  const found = lineage(log, file.mark(), false, context.notes);
  const { location } = found;
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
  context.notes.push({ kind: "rotated", detail: `${log.path} -> ${location.candidate.path}` });
}

/**
 * Looks, before the first bytes of a young file are read, whether it was copied and cut before it was looked at: then what was written
 * since and is not known is opened before it (`overtaken`). `first` = it may be read; `empty` = there is nothing yet.
 */
export function beforeFirstRead(log: FollowedLog, context: LogContext, entry: OpenFile): "overtaken" | "first" | "empty" {
  if (log.open.at(-1) !== entry || !entry.file.unsure()) return "first";
  // Seen before the siblings are: what is cut and written anew from here on shows as another beginning.
  const head = entry.file.beginning();
  if (head.length === 0) return "empty";
  const elders = log.open.length - 1;
  try {
    const { newer } = lineage(log, entry.file.mark(), false, context.notes);
    // Renamed meanwhile: its own content is safe, but what came after must be opened first.
    if (!newer.some(({ candidate }) => candidate.rotated === undefined && candidate.inode === entry.file.inode)) throw unsettled;
    if (newer.every(({ candidate }) => candidate.rotated === undefined)) {
      entry.file.expect(head);
      return "first";
    }
    log.open.pop();
    openAll(log, context, newer);
    entry.file.close();
  } catch (error) {
    if (log.open.at(-1) !== entry) {
      for (const { file } of log.open.splice(elders)) file.close();
      log.open.push(entry);
    }
    stumble(log, context, error);
    return "empty";
  }
  return "overtaken";
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
  // There may be more to open now.
  log.dirty = true;
  log.saved = "";
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
    if (before !== undefined) supersede(before);
  }
}

function openFile(log: FollowedLog, context: LogContext, candidate: Candidate, mark: Mark | undefined, head?: Buffer): void {
  const compressed = (look(candidate)?.compression ?? "none") !== "none";
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
