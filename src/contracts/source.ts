/** One line as a source read it. */
export interface LogRecord {
  /** Source id: for files the path. */
  readonly source: string;
  /** The line without its line end; bytes that are not UTF-8 as U+FFFD, NUL bytes kept. Cut at 1 MiB. */
  readonly text: string;
  /** Line number in the source counted from 1; 0 where unknown. */
  readonly line: number;
  /** Byte offset of the line's start in the (uncompressed) source; -1 where it has none. */
  readonly offset: number;
  /**
   * Time by which the line was surely written, epoch milliseconds: the clock for a live source, the file's modification
   * time for an old file. Parsers infer the year of RFC 3164 time stamps from it.
   */
  readonly writtenBy: number;
}

/** Records read together, acknowledged together. */
export interface Batch {
  readonly records: readonly LogRecord[];
  /** Where to go on after these records; opaque to everybody but the source. */
  readonly cursor: string;
  /** Told once the effects of the records are committed. */
  ack(): Promise<void>;
  /** What went wrong or was special while reading these records: cut lines, lost bytes, rotations, time drift. */
  readonly notes?: readonly SourceNote[];
  /** Bytes between the end of these records and the end of the source, where known. */
  readonly lag?: number;
}

export interface SourceNote {
  readonly kind: "rotated" | "truncated" | "line-cut" | "missing" | "unreadable" | "appeared" | "gap" | "finished";
  readonly detail: string;
}

/**
 * Where log lines come from. `read` throws when it cannot go on; a supervisor starts it again at the last acknowledged
 * cursor. It ends when `signal` aborts, or when the source has an end (standard input).
 */
export interface Source {
  /** Stable id: cursors, metrics and evidence name it. */
  readonly id: string;
  read(cursor: string | undefined, signal: AbortSignal): AsyncIterable<Batch>;
}
