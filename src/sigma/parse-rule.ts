import { ruleLevels, type RuleLevel } from "#core/signal.ts";
import { SigmaError } from "./sigma-error.ts";

/** Which logs a rule is about. */
export interface LogSource {
  readonly category: string | undefined;
  readonly product: string | undefined;
  readonly service: string | undefined;
  readonly definition: string | undefined;
}

/** What rules, correlations and filters have in common. */
export interface SigmaMeta {
  /** Unique in a rule set: the id, else the name, else the title with the path. */
  readonly key: string;
  readonly path: string;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly title: string;
  readonly status: string | undefined;
  readonly description: string | undefined;
  readonly level: RuleLevel | undefined;
  readonly author: string | undefined;
  readonly references: readonly string[];
  readonly tags: readonly string[];
  readonly falsepositives: readonly string[];
}

/** A detection rule as written. */
export interface SigmaRule extends SigmaMeta {
  readonly logsource: LogSource;
  /** Search identifiers with their raw definitions. */
  readonly detection: ReadonlyMap<string, unknown>;
  readonly conditions: readonly string[];
  readonly fields: readonly string[];
  /** The whole document: custom keys are there. */
  readonly document: Readonly<Record<string, unknown>>;
}

const statuses: readonly string[] = ["stable", "test", "experimental", "deprecated", "unsupported"];

/** True for a plain map. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text, or undefined where the key is absent. Numbers count (an author may be `42`). @throws SigmaError */
export function optionalText(document: Readonly<Record<string, unknown>>, key: string, parent = ""): string | undefined {
  const value = document[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") throw new SigmaError("sigma.notText", parent + key);
  return value;
}

function texts(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? (value as unknown[]) : value === undefined || value === null ? [] : [value];
  return list.filter((one) => typeof one === "string" || typeof one === "number").map(String);
}

/** The common keys of a document. @throws SigmaError */
export function parseMeta(document: Readonly<Record<string, unknown>>, path: string): SigmaMeta {
  const title = optionalText(document, "title");
  if (title === undefined) throw new SigmaError("sigma.missing", "title");
  if (title.trim() === "") throw new SigmaError("sigma.empty", "title");
  const id = optionalText(document, "id");
  const name = optionalText(document, "name");
  const level = optionalText(document, "level")?.toLowerCase();
  if (level !== undefined && !(ruleLevels as readonly string[]).includes(level))
    throw new SigmaError("sigma.unknownValue", "level", { value: level, known: ruleLevels.join(", ") });
  const status = optionalText(document, "status")?.toLowerCase();
  if (status !== undefined && !statuses.includes(status)) throw new SigmaError("sigma.unknownValue", "status", { value: status, known: statuses.join(", ") });
  const taxonomy = optionalText(document, "taxonomy");
  if (taxonomy !== undefined && taxonomy !== "sigma") throw new SigmaError("sigma.taxonomy", "taxonomy", { value: taxonomy });
  return {
    key: id ?? name ?? `${title} (${path})`,
    path,
    id,
    name,
    title,
    status,
    description: optionalText(document, "description"),
    level: level as RuleLevel | undefined,
    author: texts(document["author"]).join(", ") || undefined,
    references: texts(document["references"]),
    tags: texts(document["tags"]),
    falsepositives: texts(document["falsepositives"]),
  };
}

/** The `logsource` of a rule or filter. @throws SigmaError */
export function parseLogSource(document: Readonly<Record<string, unknown>>): LogSource {
  const source = document["logsource"];
  if (source === undefined || source === null) throw new SigmaError("sigma.missing", "logsource");
  if (!isMap(source)) throw new SigmaError("sigma.notMap", "logsource");
  const read = (key: string): string | undefined => optionalText(source, key, "logsource.")?.toLowerCase();
  const parsed = { category: read("category"), product: read("product"), service: read("service") };
  if (!parsed.category && !parsed.product && !parsed.service) throw new SigmaError("sigma.empty", "logsource");
  return { ...parsed, definition: optionalText(source, "definition", "logsource.") };
}

/** The search identifiers and conditions under `key` (`detection`, `filter`), without the keys in `others`. @throws SigmaError */
export function parseDetection(
  document: Readonly<Record<string, unknown>>,
  key: string,
  others: readonly string[],
): { readonly detection: ReadonlyMap<string, unknown>; readonly conditions: readonly string[] } {
  const section = document[key];
  if (section === undefined || section === null) throw new SigmaError("sigma.missing", key);
  if (!isMap(section)) throw new SigmaError("sigma.notMap", key);
  const condition = section["condition"];
  if (condition === undefined || condition === null) throw new SigmaError("sigma.missing", `${key}.condition`);
  const conditions = Array.isArray(condition) ? (condition as unknown[]) : [condition];
  if (conditions.length === 0) throw new SigmaError("sigma.empty", `${key}.condition`);
  // A condition such as `1` would be a number in YAML; names of digits are allowed.
  if (!conditions.every((one) => typeof one === "string" || typeof one === "number")) throw new SigmaError("sigma.notText", `${key}.condition`);
  const detection = new Map(Object.entries(section).filter(([name]) => name !== "condition" && !others.includes(name)));
  if (detection.size === 0) throw new SigmaError("sigma.empty", key);
  return { detection, conditions: conditions.map(String) };
}

/** Reads a detection rule. @throws SigmaError naming the field. */
export function parseRule(document: Readonly<Record<string, unknown>>, path: string): SigmaRule {
  const meta = parseMeta(document, path);
  const logsource = parseLogSource(document);
  return { ...meta, logsource, ...parseDetection(document, "detection", ["timeframe"]), fields: texts(document["fields"]), document };
}
