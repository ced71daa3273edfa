import { loadRules, type LoadOptions, type RuleFile } from "./load.ts";

/** A line of `haechi rules check --json`. */
export interface CheckLine {
  readonly path: string;
  readonly id: string | null;
  readonly title: string | null;
  readonly ok: boolean;
  readonly error?: { readonly field: string; readonly reason: string };
}

/** One line a document: whether it loads, else the field and the reason. */
export function checkRules(files: readonly RuleFile[], options: LoadOptions = {}): readonly CheckLine[] {
  return loadRules(files, options).entries.map(({ path, id, title, ok, error }) => {
    const line = { path, id: id ?? null, title: title ?? null, ok };
    return error ? { ...line, error } : line;
  });
}
