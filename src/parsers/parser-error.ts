import { HaechiError } from "#core/error.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";

/** What was wrong with a log format, a field map, or a parser definition that an operator wrote. */
export class ParserError extends HaechiError {
  constructor(code: ParserErrorCode, key: TextKey, params: TextParams = {}, options?: { cause?: unknown }) {
    super(code, key, params, options);
  }
}

export type ParserErrorCode = "log-format" | "time-format" | "field-map" | "custom-parser" | "unsafe-pattern";
