import { en, type TextKey } from "#core/text/en.ts";
import { fill, type TextParams } from "#core/text/fill.ts";

/**
 * Base of every error a person may read. Each room has one subclass; `code` is stable and documented, the text is
 * looked up by key so that the CLI and the API can show it in the operator's language. `message` is the English text.
 */
export class HaechiError extends Error {
  readonly code: string;
  readonly key: TextKey;
  readonly params: TextParams;

  constructor(code: string, key: TextKey, params: TextParams = {}, options?: { cause?: unknown }) {
    super(fill(en[key], params), options);
    this.name = new.target.name;
    this.code = code;
    this.key = key;
    this.params = params;
  }
}
