import type { Detector } from "#contracts/detector.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { LogEvent } from "#core/event.ts";
import type { Signal } from "#core/signal.ts";
import { eventReader, type EventReader, type FileCount, type ScanInput } from "./event-reader.ts";

export interface DetectFilesOptions {
  readonly detectors: readonly Detector[];
  /** Event times outside are read but not looked at; epoch milliseconds, `since` inclusive, `until` exclusive. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  /** Now, epoch milliseconds: bounds the year of time stamps that carry none. */
  readonly now: number;
  readonly signal: AbortSignal;
  /** Told after every chunk: bytes read of the files (compressed bytes of compressed ones) and lines so far. */
  onProgress?(bytes: number, lines: number): void;
  /** Sees every event that detectors see; `file` is the number of its input. */
  onEvent?(event: LogEvent, record: LogRecord, file: number): void;
}

export interface DetectFilesResult {
  readonly files: readonly FileCount[];
  /** Times of the earliest and the latest event looked at; undefined without any. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** The last state of every signal, in order of first report. */
  readonly signals: readonly Signal[];
}

/**
 * Reads files whole, merges their events by time into one ordered stream and runs detectors over it. Deterministic: the
 * result depends on the files' contents and the detectors alone. Memory does not grow with the files.
 */
export async function detectFiles(inputs: readonly ScanInput[], options: DetectFilesOptions): Promise<DetectFilesResult> {
  const { detectors, signal } = options;
  const since = options.since ?? Number.NEGATIVE_INFINITY;
  const until = options.until ?? Number.POSITIVE_INFINITY;
  const signals = new Map<string, Signal>();
  let bytes = 0;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  const readers = inputs.map((input, file) => eventReader(input, file, options.now, signal, (more) => (bytes += more)));
  const take = (found: readonly Signal[]): void => {
    for (const item of found) signals.set(item.id, item);
  };
  const deliver = ({ event, record, time, file }: EventReader): void => {
    if (time < since || time >= until) return;
    if (time < from) from = time;
    if (time > to) to = time;
    options.onEvent?.(event, record, file);
    for (let i = 0; i < detectors.length; i++) {
      const found = (detectors[i] as Detector).observe(event, record);
      if (found.length > 0) take(found);
    }
  };
  try {
    const open: EventReader[] = [];
    for (const reader of readers) if (await reader.fill()) open.push(reader);
    while (open.length > 0) {
      signal.throwIfAborted();
      const { first, limit } = earliest(open);
      const reader = open[first] as EventReader;
      let more: boolean;
      do {
        deliver(reader);
        more = reader.next();
      } while (more && reader.time <= limit);
      if (!more) {
        options.onProgress?.(bytes, linesOf(readers));
        if (!(await reader.fill())) open.splice(first, 1);
      }
    }
    for (const detector of detectors) take(detector.finish());
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
  const files = readers.map((reader) => reader.count);
  return { files, from: from <= to ? from : undefined, to: from <= to ? to : undefined, signals: [...signals.values()] };
}

/** Which reader comes first in time (of equals the first given), and up to when it stays first. */
function earliest(readers: readonly EventReader[]): { first: number; limit: number } {
  let first = 0;
  let limit = Number.POSITIVE_INFINITY;
  for (let i = 1; i < readers.length; i++) {
    const time = (readers[i] as EventReader).time;
    const best = (readers[first] as EventReader).time;
    if (time < best) {
      limit = best;
      first = i;
    } else if (time < limit) limit = time;
  }
  return { first, limit };
}

function linesOf(readers: readonly EventReader[]): number {
  let lines = 0;
  for (const { count } of readers) lines += count.parsed + count.unparsed;
  return lines;
}
