import { secret } from "#core/secret.ts";
import { sanitize } from "#core/sanitize.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import { secretKeys } from "./schema.ts";

/** Where `${ENV}` and `file:` values come from. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a secret's file; throws as `readFileSync` does. */
  readFile(path: string): string;
}

type Report = (path: readonly PropertyKey[], key: TextKey, params?: TextParams) => void;

/**
 * A copy of `value` in which `${NAME}` and `${NAME:-default}` are replaced in every text, and the values of secret keys
 * are read (`file:/path`, else as written) and wrapped. What is missing is reported by name, never by value.
 */
export function resolveSecrets(value: unknown, sources: SecretSources, report: Report, path: readonly PropertyKey[] = []): unknown {
  if (Array.isArray(value)) return value.map((item, index) => resolveSecrets(item, sources, report, [...path, index]));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveSecrets(item, sources, report, [...path, key])]));
  }
  if (typeof value !== "string") return value;
  const filled = value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g, (whole, name: string, otherwise: string | undefined) => {
    const given = sources.env[name] || otherwise;
    if (given === undefined) report(path, "config.fault.env", { name });
    return given ?? whole;
  });
  if (!secretKeys.has(String(path.at(-1)))) return filled;
  if (!filled.startsWith("file:")) return secret(filled);
  const file = filled.slice("file:".length);
  try {
    return secret(sources.readFile(file).replace(/\r?\n$/, ""));
  } catch (error) {
    report(path, "config.fault.secret-file", { path: sanitize(file, 200), reason: sanitize(error instanceof Error ? error.message : String(error), 200) });
    return secret("");
  }
}
