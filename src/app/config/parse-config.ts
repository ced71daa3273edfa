import { LineCounter, isMap, isNode, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { nearest } from "#core/nearest.ts";
import { sanitize } from "#core/sanitize.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import type { ConfigFault } from "./config-error.ts";
import { configSchema, type Config } from "./schema.ts";
import { resolveSecrets, type SecretSources } from "./resolve-secrets.ts";

export interface ParsedConfig {
  /** Absent where there are faults. */
  readonly config: Config | undefined;
  readonly faults: readonly ConfigFault[];
}

type Path = readonly PropertyKey[];

/**
 * Reads the text of a `haechi.yaml` whole: every fault at once, each with its place and what was probably meant. Never
 * throws. An empty text is the default configuration.
 */
export function parseConfig(input: string, sources: SecretSources): ParsedConfig {
  const lines = new LineCounter();
  const document = parseDocument(input, { lineCounter: lines, uniqueKeys: true, stringKeys: true });
  const faults: ConfigFault[] = [];
  const place = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(Math.max(0, offset), input.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  for (const error of [...document.errors, ...document.warnings]) {
    const duplicate = error.code === "DUPLICATE_KEY";
    faults.push({
      ...place(error.pos[0]),
      field: "",
      key: duplicate ? "config.fault.duplicate" : "config.fault.yaml",
      params: { reason: sanitize(error.message.split("\n")[0] ?? "", 200) },
    });
  }
  if (faults.length > 0) return { config: undefined, faults };
  let values: unknown;
  try {
    values = document.toJS({ maxAliasCount: 50 }) ?? {};
  } catch (error) {
    faults.push({ ...place(0), field: "", key: "config.fault.yaml", params: { reason: sanitize(String(error), 200) } });
    return { config: undefined, faults };
  }
  const add = (path: Path, key: TextKey, params: TextParams = {}, atKey = false): void => {
    faults.push({ ...place(offsetOf(document, path, atKey)), field: fieldName(path), key, params });
  };
  const resolved = resolveSecrets(values, sources, add);
  const result = configSchema.safeParse(resolved, { reportInput: true });
  for (const issue of result.error?.issues ?? []) addIssue(issue, add);
  faults.sort((a, b) => a.line - b.line || a.column - b.column);
  return { config: faults.length === 0 && result.success ? result.data : undefined, faults };
}

function addIssue(issue: z.core.$ZodIssue, add: (path: Path, key: TextKey, params?: TextParams, atKey?: boolean) => void): void {
  switch (issue.code) {
    case "unrecognized_keys":
      for (const name of issue.keys) {
        const known = knownKeys(configSchema, issue.path);
        const meant = nearest(name, known);
        add(
          [...issue.path, name],
          meant ? "config.fault.unknown-key-near" : "config.fault.unknown-key",
          { key: sanitize(name, 60), meant: meant ?? "", known: known.join(", ") },
          true,
        );
      }
      return;
    case "invalid_value": {
      const values = issue.values.map(String);
      const meant = typeof issue.input === "string" ? nearest(issue.input, values) : undefined;
      add(issue.path, meant ? "config.fault.value-near" : "config.fault.value", { values: values.join(", "), meant: meant ?? "" });
      return;
    }
    case "invalid_type":
      add(issue.path, "config.fault.type", { expected: issue.expected });
      return;
    case "too_small":
      add(issue.path, "config.fault.least", { least: String(issue.minimum) });
      return;
    case "too_big":
      add(issue.path, "config.fault.most", { most: String(issue.maximum) });
      return;
    case "custom": {
      const params = issue.params as { key?: TextKey; params?: TextParams } | undefined;
      add(issue.path, params?.key ?? "config.fault.secret", params?.params ?? {});
      return;
    }
    case "invalid_union":
      add(issue.path, "config.fault.type", { expected: "string | number" });
      return;
    default:
      add(issue.path, "config.fault.format", { reason: sanitize(issue.message, 200) });
  }
}

/** Names that the object at `path` knows: found by walking the schema beside the path. */
function knownKeys(schema: unknown, path: Path): string[] {
  let current: unknown = schema;
  for (const step of [...path, undefined]) {
    current = unwrap(current);
    if (step === undefined) break;
    if (current instanceof z.ZodArray) current = current.element;
    else if (current instanceof z.ZodObject) current = current.shape[String(step)];
    else return [];
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function unwrap(schema: unknown): unknown {
  let current = schema;
  while (current instanceof z.ZodDefault || current instanceof z.ZodPrefault || current instanceof z.ZodOptional) current = current.def.innerType;
  return current;
}

/** Offset of the node at `path`, or of the nearest one above it; with `atKey` of the key itself. */
function offsetOf(document: Document, path: Path, atKey: boolean): number {
  if (atKey) {
    const parent = document.getIn(path.slice(0, -1), true) ?? document.contents;
    const pair = isMap(parent) ? parent.items.find((item) => isNode(item.key) && String(item.key) === String(path.at(-1))) : undefined;
    if (pair && isNode(pair.key) && pair.key.range) return pair.key.range[0];
  }
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function fieldName(path: Path): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${sanitize(String(step), 60)}`)).join("");
}
