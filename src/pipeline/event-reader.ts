import { statSync } from "node:fs";
import type { Parser } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { LogEvent } from "#core/event.ts";
import { lineText, type LineChunk } from "#sources/line-splitter.ts";
import { readLines } from "#sources/read-lines.ts";
import { SourceError } from "#sources/source-error.ts";

/** A file to scan and the parser of its lines. */
export interface ScanInput {
  readonly path: string;
  readonly parser: Parser;
}

/** What was counted while a file was read. */
export interface FileCount {
  readonly path: string;
  bytes: number;
  lines: number;
  parsed: number;
  unparsed: number;
  /** Name of the parser that understood most lines; null where none did. */
  parser: string | null;
  /** Why the rest of the file could not be read (a damaged archive); what was read before counts. */
  fault?: SourceError;
}

/**
 * Events of one file in the order of its lines. `next` steps to the following event without waiting as long as the
 * current chunk lasts; it gives false when more must be fetched with `fill`, which gives false at the end of the file.
 */
export interface EventReader {
  /** Number of the input. */
  readonly file: number;
  readonly count: FileCount;
  /** The current event, its record (reused: copy what you keep) and its time. */
  event: LogEvent;
  readonly record: LogRecord;
  time: number;
  next(): boolean;
  fill(): Promise<boolean>;
  /** Stops reading; bytes read so far stay counted. */
  close(): Promise<void>;
}

interface MutableRecord {
  source: string;
  text: string;
  line: number;
  offset: number;
  writtenBy: number;
}

const nothing: LogEvent = { "@timestamp": Number.NaN };

/** Opens a file for reading events. Errors of the file come from `fill`, naming it. */
export function eventReader(input: ScanInput, file: number, now: number, signal: AbortSignal, onBytes: (bytes: number) => void): EventReader {
  const { path, parser } = input;
  const count: FileCount = { path, bytes: 0, lines: 0, parsed: 0, unparsed: 0, parser: null };
  const record: MutableRecord = { source: path, text: "", line: 0, offset: 0, writtenBy: writtenBy(path, now) };
  const modules = new Map<string, number>();
  let lastModule: string | undefined;
  let run = 0;
  let text = "";
  let at = 0;
  let starts: LineChunk["starts"];
  let lineInChunk = 0;
  let base = 0;
  let firstLine = 0;
  let lastTime = Number.NaN;
  let chunks: AsyncIterator<LineChunk> | undefined;

  const settleModules = (): void => {
    if (lastModule !== undefined && run > 0) modules.set(lastModule, (modules.get(lastModule) ?? 0) + run);
    run = 0;
    let most = 0;
    for (const [name, lines] of modules) {
      if (lines > most) {
        most = lines;
        count.parser = name;
      }
    }
  };

  /** The next chunk; the end too where an archive is damaged, which is told. */
  const nextChunk = async (from: AsyncIterator<LineChunk>): Promise<IteratorResult<LineChunk>> => {
    try {
      return await from.next();
    } catch (error) {
      if (!(error instanceof SourceError) || error.code !== "source-archive-damaged") throw error;
      count.fault = error;
      return { done: true, value: undefined };
    }
  };

  const reader: EventReader = {
    file,
    count,
    event: nothing,
    record,
    time: Number.NaN,
    next() {
      while (at < text.length) {
        let end = text.indexOf("\n", at);
        if (end < 0) end = text.length;
        const start = at;
        at = end + 1;
        record.text = lineText(text, start, end);
        record.line = firstLine + lineInChunk;
        record.offset = base + (starts === undefined ? start : (starts[lineInChunk] as number));
        lineInChunk++;
        if (record.text === "") continue;
        const event = parser.parse(record);
        if (event === undefined) {
          count.unparsed++;
          continue;
        }
        count.parsed++;
        const module = event["event.module"] as string | undefined;
        if (module === lastModule) run++;
        else {
          if (lastModule !== undefined) modules.set(lastModule, (modules.get(lastModule) ?? 0) + run);
          lastModule = module;
          run = 1;
        }
        let time = event["@timestamp"];
        if (!Number.isFinite(time)) {
          // A line without a time happened when its neighbour did; without any, by when the file was last written.
          time = Number.isFinite(lastTime) ? lastTime : record.writtenBy;
          (event as { "@timestamp": number })["@timestamp"] = time;
        }
        lastTime = time;
        reader.event = event;
        reader.time = time;
        return true;
      }
      return false;
    },
    async fill() {
      chunks ??= readLines(path, {
        signal,
        onBytes: (upTo) => {
          onBytes(upTo - count.bytes);
          count.bytes = upTo;
        },
      })[Symbol.asyncIterator]();
      for (;;) {
        count.lines += lineInChunk;
        lineInChunk = 0;
        const step = await nextChunk(chunks);
        if (step.done === true) {
          text = "";
          settleModules();
          return false;
        }
        ({ text, firstLine, offset: base, starts } = step.value);
        at = 0;
        if (reader.next()) return true;
      }
    },
    async close() {
      settleModules();
      await chunks?.return?.();
    },
  };
  return reader;
}

/** Lines of an old file were written by its last modification; those of a pipe by now. Epoch milliseconds. */
export function writtenBy(path: string, now: number): number {
  if (path === "-") return now;
  try {
    return Math.min(now, statSync(path).mtimeMs);
  } catch {
    return now;
  }
}
