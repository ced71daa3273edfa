import { isMap, optionalText, parseDetection, parseLogSource, type LogSource, type SigmaRule } from "./parse-rule.ts";
import { SigmaError } from "./sigma-error.ts";

/** A global filter: conditions that the rules it names must meet as well. */
export interface SigmaFilter {
  readonly key: string;
  readonly path: string;
  readonly title: string;
  readonly logsource: LogSource;
  /** Ids or names; undefined = every rule of the log source. */
  readonly rules: ReadonlySet<string> | undefined;
  readonly detection: ReadonlyMap<string, unknown>;
  readonly conditions: readonly string[];
}

/** Reads a filter (filters specification 2.1). @throws SigmaError naming the field. */
export function parseFilter(document: Readonly<Record<string, unknown>>, path: string): SigmaFilter {
  const title = optionalText(document, "title");
  if (title === undefined || title.trim() === "") throw new SigmaError("sigma.missing", "title");
  const logsource = parseLogSource(document);
  const { detection, conditions } = parseDetection(document, "filter", ["rules"]);
  const section = document["filter"];
  const id = optionalText(document, "id");
  return {
    key: `filter ${id ?? `${title} (${path})`}`,
    path,
    title,
    logsource,
    rules: parseRules(isMap(section) ? section["rules"] : undefined),
    detection,
    conditions,
  };
}

function parseRules(value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined || value === null) throw new SigmaError("sigma.missing", "filter.rules");
  if (typeof value === "string" && /^(?:any|all)$/i.test(value)) return undefined;
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!list.every((one) => typeof one === "string")) throw new SigmaError("sigma.notText", "filter.rules");
  return list.length === 0 ? undefined : new Set(list);
}

/**
 * Whether the filter concerns the rule: it names it (or all), and its log source is the rule's or a wider one. The filter's
 * condition is then joined to the rule's by "and", as pySigma does: a filter that excludes says `not selection`.
 */
export function filterApplies(filter: SigmaFilter, rule: SigmaRule): boolean {
  const { rules, logsource } = filter;
  if (rules && !(rule.id !== undefined && rules.has(rule.id)) && !(rule.name !== undefined && rules.has(rule.name))) return false;
  return (["category", "product", "service"] as const).every((key) => logsource[key] === undefined || logsource[key] === rule.logsource[key]);
}
