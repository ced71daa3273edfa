import { HaechiError } from "#core/error.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";

/** Stable codes of what can go wrong while reading logs. */
export type SourceErrorCode =
  | "source-archive-damaged"
  | "source-unreadable"
  | "source-cursor-invalid"
  | "source-pattern-invalid"
  | "source-journald-failed"
  | "source-listen-failed";

/** A log could not be read: the text names the file or address at fault and the next step. */
export class SourceError extends HaechiError {
  declare readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, key: TextKey, params: TextParams = {}, options?: { cause?: unknown }) {
    super(code, key, params, options);
  }
}

/** `EACCES` and the like of a system error, else its message. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.message : String(error);
}
