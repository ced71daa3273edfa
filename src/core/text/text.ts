import { en, type TextKey } from "./en.ts";
import { fill, type TextParams } from "./fill.ts";
import { ko } from "./ko.ts";

/** Languages that everything people read exists in. */
export type Language = "en" | "ko";

/** The text of `key` in `language` with its places filled. */
export function text(language: Language, key: TextKey, params: TextParams = {}): string {
  return fill(language === "ko" ? ko[key] : en[key], params);
}

/** The operator's language from the environment (`HAECHI_LANG`, then `LC_ALL`, `LC_MESSAGES`, `LANG`); English else. */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  const wanted = env["HAECHI_LANG"] || env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return /^ko/i.test(wanted) ? "ko" : "en";
}
