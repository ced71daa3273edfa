import type { LogEvent } from "#core/event.ts";
import type { Signal } from "#core/signal.ts";
import type { LogRecord } from "./source.ts";

/**
 * Finds attacks in events. Time comes from the events alone, so that replaying gives the same signals with the same ids.
 * Memory is bounded whatever the input. Never throws, whatever the event.
 */
export interface Detector {
  readonly name: string;
  /**
   * Takes one event with the record it came from (for evidence; `record` is reused by the caller, copy what you keep, and
   * strings may be slices of a large buffer: `ownString` what outlives the call). Gives new or changed signals;
   * `noSignals` where there are none, so that the common case allocates nothing.
   */
  observe(event: LogEvent, record: LogRecord): readonly Signal[];
  /** Signals that only the end of the input settles (windows still open). Used by `scan`, after the last event. */
  finish(): readonly Signal[];
  /** Whole state as a structured-cloneable value, so that a restart goes on where the last commit was. */
  snapshot(): unknown;
  /** Takes a value of `snapshot` of the same version; throws on one it cannot read (the guard then starts afresh and says so). */
  restore(state: unknown): void;
  /** Keys dropped because a cap was reached; a metric. */
  readonly evictions: number;
}

/** The empty answer of `observe`. */
export const noSignals: readonly Signal[] = Object.freeze([]);
