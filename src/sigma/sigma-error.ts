import { HaechiError } from "#core/error.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";

/** Keys of the reasons in `core/text/en/sigma.ts`. */
export type SigmaReason = Extract<TextKey, `sigma.${string}`>;

/** Why a Sigma document was refused: where (`path`, `field` such as `detection.selection.CommandLine|foo`) and for what reason. */
export class SigmaError extends HaechiError {
  readonly path: string;
  readonly field: string;
  /** The reason in English; `text(language, error.key, error.params)` gives it in the operator's language. */
  readonly reason: string;

  constructor(reason: SigmaReason, field: string, params: TextParams = {}, options?: { readonly path?: string; readonly cause?: unknown }) {
    super("sigma", reason, params, options);
    this.path = options?.path ?? "";
    this.field = field;
    this.reason = this.message;
  }
}
