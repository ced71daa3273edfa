import { lstatSync, realpathSync } from "node:fs";
import { basename, dirname, join, matchesGlob, resolve } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { Batch, LogRecord, Source, SourceNote } from "#contracts/source.ts";
import { expandGlob, globRoot, isGlob } from "../glob.ts";
import { parseRotatedName } from "../rotated-name.ts";
import { SourceError } from "../source-error.ts";
import { candidateAt, rotatedOf } from "./candidates.ts";
import { readBufferSize } from "./generation.ts";
import { beforeFirstRead, createLog, drop, type FollowedLog, type LogContext, type OpenFile, replaced, saveLog, survey } from "./log.ts";
import { readCursor, writeCursor } from "./mark.ts";
import { createWaker } from "./watch.ts";

export interface FileSourceOptions {
  /** Path or glob. Rotated files of a log (`name.1`, `name-20240131.gz`) are its past, never logs of their own. */
  readonly pattern: string;
  /** Id of the source; default `file:` and the pattern. */
  readonly id?: string;
  /** Where a file starts that is there at the very first start: its beginning (default), or its end (`end-of-history`). */
  readonly startAt?: "beginning" | "end-of-history";
  /** Records of a batch at most; default 5,000. */
  readonly batchSize?: number;
  /** Milliseconds that a rotated file stays open for late lines after the last; default 10 s. */
  readonly grace?: number;
  /** Poll interval in milliseconds beside inotify; default 1 s. */
  readonly poll?: number;
}

/** Files followed at once by one glob. */
const logLimit = 1_000;
/** Rotated files held open for late lines; older ones are let go sooner. */
const heldOpen = 16;
/** A deleted file that nobody re-creates or writes to is let go after this long: it holds disk space. */
const deletedGrace = 600_000;
/** Milliseconds between expansions of a glob that no change in a directory asked for. */
const globInterval = 5_000;
/** Milliseconds in which lines gather to a batch. */
const gathering = 3;
/** Logs without a file that a cursor remembers. */
const rememberedLogs = 256;

/**
 * Follows files like `tail -F`, and never loses or doubles a line over rename-and-create, copytruncate, deletion,
 * re-pointed symlinks, compression, and stops (`kill -9` included): a cursor knows files by their content, not their names.
 * Reads are synchronous (local log files sit in the page cache); nothing is read while the consumer is busy.
 * What cannot be had is noted and tried again. Throws a `SourceError` for a cursor that is none.
 */
export function fileSource(options: FileSourceOptions): Source {
  if (options.pattern === "" || options.pattern.includes("\0")) {
    throw new SourceError("source-pattern-invalid", "sources.patternInvalid", { pattern: JSON.stringify(options.pattern), reason: "empty or NUL" });
  }
  const pattern = resolve(options.pattern);
  const id = options.id ?? `file:${pattern}`;
  return { id, read: (cursor, signal) => follow({ ...options, pattern, id }, cursor, signal) };
}

async function* follow(options: FileSourceOptions & { readonly id: string }, cursor: string | undefined, signal: AbortSignal): AsyncGenerator<Batch> {
  const { pattern } = options;
  const batchSize = options.batchSize ?? 5_000;
  const slow = options.poll ?? 1_000;
  const context: LogContext = { buffer: Buffer.allocUnsafeSlow(readBufferSize), signal, notes: [] };
  const logs = new Map<string, FollowedLog>();
  const history = new Map<string, string[]>();
  let expand = true;
  let atStart = cursor === undefined;
  for (const marks of cursor === undefined ? [] : readCursor(options.id, cursor)) {
    // The pattern may have been changed since.
    if (marks.path === pattern || (isGlob(pattern) && matchesGlob(marks.path, pattern))) logs.set(marks.path, createLog(marks));
  }

  /** Files that changes are told of, by directory and name, links' targets too. */
  let watched = new Map<string, FollowedLog>();
  const waker = createWaker({
    signal,
    slow,
    fast: Math.min(slow, 250),
    onChange(directory, kind, name) {
      const log = name === null ? undefined : watched.get(join(directory, name));
      if (log !== undefined) {
        log.dirty = true;
        return true;
      }
      if (kind === "change" && name !== null) return false;
      expand = true;
      for (const other of logs.values()) if (dirname(other.path) === directory || other.state === "missing") other.dirty = true;
      return true;
    },
  });

  function discover(): void {
    expand = false;
    const paths = expandGlob(pattern);
    const names = new Set([...paths, ...logs.keys()]);
    history.clear();
    const lives: string[] = [];
    for (const path of paths) {
      const base = liveNameOf(path, names);
      if (base === undefined) lives.push(path);
      else history.set(base, [...(history.get(base) ?? []), path]);
    }
    const isNew = lives.filter((path) => !logs.has(path));
    if (isNew.length > 0) appear(isNew, logs, context, isGlob(pattern));
    forget(logs);
    const directories = new Set([globRoot(pattern)]);
    watched = new Map();
    for (const log of logs.values()) {
      watched.set(log.path, log);
      directories.add(dirname(log.path));
      const target = targetOf(log.path);
      if (target === undefined) continue;
      watched.set(target, log);
      directories.add(dirname(target));
    }
    waker.directories(directories);
  }

  try {
    let polling = true;
    let turn = 0;
    let lastPoll = 0;
    let lastDiscovery = 0;
    // Whether this turn was announced by a change: a poll that finds lines unannounced means that watching fails.
    let announced = true;
    while (!signal.aborted) {
      if (polling) {
        lastPoll = performance.now();
        for (const log of logs.values()) log.dirty = true;
      }
      if (expand || (polling && performance.now() - lastDiscovery >= (isGlob(pattern) ? globInterval : 0))) {
        lastDiscovery = performance.now();
        discover();
      }
      const records: LogRecord[] = [];
      let backlog = false;
      let unsettled = false;
      const order = [...logs.values()];
      if (atStart && options.startAt !== "end-of-history") {
        // A first cursor before the first line: from here on every rotation can be followed, whatever dies before an acknowledgement.
        for (const log of order) survey(log, context, history.get(log.path) ?? [], false);
        atStart = false;
        yield batchOf([], order, context);
        continue;
      }
      for (let index = 0; index < order.length; index++) {
        const log = order[(index + turn) % order.length]!;
        if (log.dirty) survey(log, context, history.get(log.path) ?? [], atStart && options.startAt === "end-of-history");
        unsettled ||= log.dirty;
        const result = await gather(log, context, records, batchSize, options.grace ?? 10_000);
        unsettled ||= result === "unsettled";
        if (result === "more") backlog = true;
        if (records.length >= batchSize) break;
      }
      turn++;
      if (signal.aborted) return;
      if (records.length > 0 || context.notes.length > 0 || atStart) {
        yield batchOf(records, order, context);
      }
      atStart = false;
      if (polling && !announced && turn > 1) waker.polled(records.length > 0);
      if (backlog) {
        // Signals and timers must run however long the backlog is.
        await setImmediate();
        polling = false;
        announced = true;
        continue;
      }
      const untilPoll = Math.max(1, lastPoll + waker.interval - performance.now());
      announced = await waker.wait(unsettled ? 10 : untilPoll);
      polling = performance.now() - lastPoll >= waker.interval;
      if (announced && !signal.aborted) await setTimeout(gathering);
    }
  } finally {
    waker.close();
    for (const log of logs.values()) for (const entry of log.open) entry.file.close();
  }
}

function batchOf(records: readonly LogRecord[], logs: readonly FollowedLog[], context: LogContext): Batch {
  const lag = logs.reduce((sum, log) => sum + log.open.reduce((bytes, entry) => bytes + entry.file.lag(), 0), 0);
  const notes: SourceNote[] = context.notes.splice(0);
  // Nothing is held for an acknowledgement: what was not acknowledged is found again from the cursor before.
  return { records, cursor: writeCursor(logs.map(saveLog)), ack: () => Promise.resolve(), lag, ...(notes.length > 0 ? { notes } : {}) };
}

/**
 * Moves lines of a log into `records`, oldest file first. `more`: stopped for the batch's size, or a file changed under it;
 * `unsettled`: a rotation is going on.
 */
async function gather(log: FollowedLog, context: LogContext, records: LogRecord[], batchSize: number, grace: number): Promise<"more" | "idle" | "unsettled"> {
  // A newer file is read no further than it went before its elders' ends were seen: a writer's lines keep their order.
  const limits = new Map<OpenFile, number>();
  for (const entry of log.open.slice(1)) limits.set(entry, entry.file.size());
  for (const entry of log.open.slice()) {
    for (;;) {
      const before = records.length;
      entry.file.take(records, batchSize - records.length, context.notes);
      if (records.length > before) log.saved = "";
      if (records.length >= batchSize) return "more";
      const young = beforeFirstRead(log, context, entry);
      if (young === "overtaken") return "more";
      if (young === "empty") break;
      const filled = await entry.file.fill(limits.get(entry) ?? Number.MAX_SAFE_INTEGER);
      if (filled === "data") continue;
      if (filled === "replaced") {
        return replaced(log, context, entry) ? "more" : "unsettled";
      }
      break;
    }
    if (isFinished(log, entry, grace)) {
      entry.file.flush();
      entry.file.take(records, 1, context.notes);
      const { path } = entry.file;
      drop(log, entry, context, false);
      context.notes.push({ kind: "finished", detail: path });
    }
  }
  return "idle";
}

function isFinished(log: FollowedLog, entry: OpenFile, grace: number): boolean {
  const { file } = entry;
  // Reading may have stopped at a limit: only what is read whole is finished.
  if (!file.compressed && file.lag() > file.pending()) return false;
  const quiet = Date.now() - Math.max(entry.superseded, file.grown);
  if (log.open.at(-1) === entry) return log.state === "missing" && file.links() === 0 && quiet > deletedGrace;
  if (file.compressed || entry.detached) return true;
  return quiet >= grace || log.open.length - log.open.indexOf(entry) > heldOpen;
}

/** The log that `path` is a rotated file of, among `names`; undefined where it is a log itself. */
function liveNameOf(path: string, names: ReadonlySet<string>): string | undefined {
  const directory = dirname(path);
  const name = basename(path);
  const rotated = parseRotatedName(name);
  if (rotated === undefined) return undefined;
  const bases = [rotated.base, rotated.compressed === "" ? name : name.slice(0, -rotated.compressed.length)];
  for (const base of bases) {
    const live = join(directory, base);
    if (live !== path && names.has(live) && rotatedOf(base, name) !== undefined) return live;
  }
  return undefined;
}

/** Takes paths up that a glob has just matched: new logs, other names of logs that are followed, or logs that were renamed. */
function appear(paths: readonly string[], logs: Map<string, FollowedLog>, context: LogContext, byGlob: boolean): void {
  const key = (file: { readonly device: number; readonly inode: number }): string => `${file.device}:${file.inode}`;
  const named = new Set<string>();
  const open = new Map<string, { readonly log: FollowedLog; readonly entry: OpenFile }>();
  for (const log of logs.values()) {
    const candidate = candidateAt(log.path, undefined);
    if (candidate !== undefined) named.add(key(candidate));
    for (const entry of log.open) open.set(key(entry.file), { log, entry });
  }
  // Files before links to them: a link may lead elsewhere tomorrow.
  for (const path of [...paths.filter((path) => targetOf(path) === undefined), ...paths.filter((path) => targetOf(path) !== undefined)]) {
    if (logs.size >= logLimit) return;
    const candidate = candidateAt(path, undefined);
    if (candidate === undefined) {
      if (!byGlob) logs.set(path, createLog({ path, open: [], done: [], awaited: 0 }));
      continue;
    }
    if (named.has(key(candidate))) continue;
    named.add(key(candidate));
    const renamed = open.get(key(candidate));
    const log = createLog({ path, open: renamed === undefined ? [] : [renamed.entry.file.mark()], done: [], awaited: 0 });
    if (renamed !== undefined) drop(renamed.log, renamed.entry, context, false);
    logs.set(path, log);
  }
}

/** Lets go of the longest gone logs, so that a glob over ever new names stays bounded. */
function forget(logs: Map<string, FollowedLog>): void {
  const gone = [...logs.values()].filter((log) => log.state === "missing" && log.open.length === 0 && log.resume.length === 0);
  for (const log of gone.slice(0, Math.max(0, gone.length - rememberedLogs))) logs.delete(log.path);
}

function targetOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : undefined;
  } catch {
    return undefined;
  }
}
