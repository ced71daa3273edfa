import { HaechiError } from "#core/error.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";

/** What went wrong in `respond/`, stable for programs. */
export type RespondErrorCode = "bad-target" | "unknown-proposal" | "bad-list" | "bad-duration" | "no-note";

/** An error of proposing, deciding or listing; says what was wrong and the next step. */
export class RespondError extends HaechiError {
  constructor(code: RespondErrorCode, key: TextKey, params: TextParams = {}, cause?: unknown) {
    super(`respond-${code}`, key, params, cause === undefined ? undefined : { cause });
  }
}
