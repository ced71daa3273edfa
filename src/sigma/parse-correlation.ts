import { conditionNames, parseCondition, type Condition } from "./condition.ts";
import { scalarText } from "./fields.ts";
import { numberIn } from "./match.ts";
import type { Comparison } from "./modifiers.ts";
import { isMap, parseMeta, type SigmaMeta } from "./parse-rule.ts";
import { SigmaError } from "./sigma-error.ts";

export const correlationTypes = ["event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile"] as const;
export type CorrelationType = (typeof correlationTypes)[number];

/** When a correlation matches: bounds of a measure (all must hold), or an expression over the rules that matched. */
export type CorrelationCondition =
  | {
      readonly kind: "bounds";
      readonly bounds: readonly { readonly comparison: Comparison; readonly value: number }[];
      /** Field, or fields taken together, that values are read from; empty for counts of events. */
      readonly fields: readonly string[];
      readonly percentile: number | undefined;
    }
  | { readonly kind: "expression"; readonly condition: Condition };

/** A correlation rule as written. */
export interface SigmaCorrelation extends SigmaMeta {
  readonly type: CorrelationType;
  /** Ids or names as written. */
  readonly rules: readonly string[];
  readonly groupBy: readonly string[];
  /** Milliseconds. */
  readonly timespan: number;
  /** The referred rules give signals of their own too. */
  readonly generate: boolean;
  /** Field by rule (id or name) by alias. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly condition: CorrelationCondition;
  readonly document: Readonly<Record<string, unknown>>;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, M: 2_629_746, y: 31_556_952 };
/** Largest count a condition may ask for: a window keeps that many. */
const maxCount = 100_000;
const maxList = 1_000;

/** Reads a correlation (correlation rules specification 2.1). @throws SigmaError naming the field. */
export function parseCorrelation(document: Readonly<Record<string, unknown>>, path: string): SigmaCorrelation {
  const meta = parseMeta(document, path);
  const section = document["correlation"];
  if (!isMap(section)) throw new SigmaError("sigma.notMap", "correlation");
  const type = section["type"];
  if (type === undefined || type === null) throw new SigmaError("sigma.missing", "correlation.type");
  if (!(correlationTypes as readonly unknown[]).includes(type))
    throw new SigmaError("sigma.unknownValue", "correlation.type", { value: printed(type), known: correlationTypes.join(", ") });
  const kind = type as CorrelationType;
  const isTemporal = kind === "temporal" || kind === "temporal_ordered";
  const isExpression = typeof section["condition"] === "string";
  const rules = list(section["rules"], "correlation.rules", !(isTemporal && isExpression));
  const generate = section["generate"] ?? document["generate"] ?? false;
  if (typeof generate !== "boolean") throw new SigmaError("sigma.unknownValue", "correlation.generate", { value: printed(generate), known: "true, false" });
  const condition = isExpression ? parseExpression(section["condition"] as string, rules, isTemporal) : parseBounds(section, kind, rules.length);
  return {
    ...meta,
    type: kind,
    rules: rules.length > 0 || condition.kind === "bounds" ? rules : conditionNames(condition.condition),
    groupBy: list(section["group-by"], "correlation.group-by", false),
    timespan: parseTimespan(section["timespan"]),
    generate,
    aliases: parseAliases(section["aliases"]),
    condition,
    document,
  };
}

function printed(value: unknown): string {
  return (scalarText(value) ?? "…").slice(0, 100);
}

/** A text or list of texts. */
function list(value: unknown, field: string, needed: boolean): readonly string[] {
  if (value === undefined || value === null) {
    if (needed) throw new SigmaError("sigma.missing", field);
    return [];
  }
  const items = Array.isArray(value) ? (value as unknown[]) : [value];
  if (!items.every((item) => (typeof item === "string" && item !== "") || typeof item === "number")) throw new SigmaError("sigma.notText", field);
  if (needed && items.length === 0) throw new SigmaError("sigma.empty", field);
  if (items.length > maxList) throw new SigmaError("sigma.conditionRange", field, { limit: maxList });
  return [...new Set(items.map(String))];
}

function parseTimespan(value: unknown): number {
  if (value === undefined || value === null) throw new SigmaError("sigma.missing", "correlation.timespan");
  const found = typeof value === "string" ? /^(\d{1,9})([smhdwMy])$/.exec(value.trim()) : null;
  const seconds = found ? Number(found[1]) * (units[found[2] as string] as number) : 0;
  if (seconds <= 0) throw new SigmaError("sigma.timespan", "correlation.timespan", { value: printed(value) });
  return seconds * 1_000;
}

function parseAliases(value: unknown): ReadonlyMap<string, ReadonlyMap<string, string>> {
  if (value === undefined || value === null) return new Map();
  if (!isMap(value)) throw new SigmaError("sigma.notMap", "correlation.aliases");
  return new Map(
    Object.entries(value).map(([alias, fields]) => {
      const at = `correlation.aliases.${alias}`;
      if (!isMap(fields)) throw new SigmaError("sigma.notMap", at);
      return [
        alias,
        new Map(
          Object.entries(fields).map(([rule, field]) => {
            if (typeof field !== "string") throw new SigmaError("sigma.notText", `${at}.${rule}`);
            return [rule, field];
          }),
        ),
      ];
    }),
  );
}

function parseExpression(source: string, rules: readonly string[], isTemporal: boolean): CorrelationCondition {
  const field = "correlation.condition";
  if (!isTemporal) throw new SigmaError("sigma.conditionTemporal", field);
  const words = (source.match(/[^\s()]+/g) ?? []).filter((word) => !/^(?:and|or|not)$/i.test(word));
  const condition = parseCondition(source, rules.length > 0 ? rules : words, field);
  const unused = rules.filter((rule) => !conditionNames(condition).includes(rule));
  if (unused.length > 0) throw new SigmaError("sigma.conditionRules", field, { names: unused.join(", ") });
  return { kind: "expression", condition };
}

function parseBounds(section: Readonly<Record<string, unknown>>, type: CorrelationType, rules: number): CorrelationCondition {
  const at = "correlation.condition";
  const written = section["condition"];
  const isTemporal = type === "temporal" || type === "temporal_ordered";
  if (written === undefined || written === null) {
    // A temporal correlation without a condition asks for all its rules.
    if (isTemporal) return { kind: "bounds", bounds: [{ comparison: "gte", value: rules }], fields: [], percentile: undefined };
    throw new SigmaError("sigma.missing", at);
  }
  if (!isMap(written)) throw new SigmaError("sigma.notMap", at);
  const operators: readonly string[] = ["gt", "gte", "lt", "lte", "eq", "neq"];
  const bounds: { comparison: Comparison; value: number }[] = [];
  for (const [key, value] of Object.entries(written)) {
    if (key === "field" || key === "percentile") continue;
    if (!operators.includes(key))
      throw new SigmaError("sigma.unknownValue", `${at}.${key}`, { value: key, known: [...operators, "field", "percentile"].join(", ") });
    const number = typeof value === "number" ? value : typeof value === "string" ? numberIn(value) : undefined;
    if (number === undefined || !Number.isFinite(number)) throw new SigmaError("sigma.conditionNumber", `${at}.${key}`, { value: printed(value) });
    if ((type === "event_count" || type === "value_count") && number > maxCount)
      throw new SigmaError("sigma.conditionRange", `${at}.${key}`, { limit: maxCount });
    bounds.push({ comparison: key as Comparison, value: number });
  }
  if (bounds.length === 0) throw new SigmaError("sigma.conditionOperator", at);
  const needsField = type.startsWith("value_");
  const fields = list(written["field"] ?? section["field"], `${at}.field`, needsField);
  return { kind: "bounds", bounds, fields: needsField ? fields : [], percentile: parsePercentile(written["percentile"], `${at}.percentile`) };
}

function parsePercentile(value: unknown, at: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = typeof value === "number" ? value : typeof value === "string" ? numberIn(value) : undefined;
  if (number === undefined || !(number >= 0)) throw new SigmaError("sigma.conditionNumber", at, { value: printed(value) });
  if (number > 100) throw new SigmaError("sigma.conditionRange", at, { limit: 100 });
  return number;
}
