import type { FieldValue } from "#core/event.ts";
import type { JsonObject } from "../json-values.ts";

const deepest = 8;
const mostFields = 256;
const longestName = 256;
const longestList = 64;
const longestRest = 1_024;

/**
 * Nested objects as one flat map with dotted names. Bounded: what is deeper, longer or more is given as JSON text cut to 1,024
 * characters, or left out. A map, so that no name (`__proto__`) means anything.
 */
export function flatten(object: JsonObject): Map<string, FieldValue> {
  const flat = new Map<string, FieldValue>();
  const add = (value: JsonObject, prefix: string, depth: number): void => {
    for (const name of Object.keys(value)) {
      if (flat.size >= mostFields) return;
      const full = prefix === "" ? name : `${prefix}.${name}`;
      if (full.length > longestName) continue;
      const inner = value[name];
      if (typeof inner === "object" && inner !== null && !Array.isArray(inner) && depth < deepest) add(inner as JsonObject, full, depth + 1);
      else if (inner !== null) flat.set(full, scalarOf(inner));
    }
  };
  add(object, "", 1);
  return flat;
}

function scalarOf(value: unknown): FieldValue {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value) && value.length <= longestList && value.every((part) => typeof part === "string" || typeof part === "number"))
    return value as (string | number)[];
  return shortJson(value);
}

/** JSON nested deeper than the engine's stack would throw. */
function shortJson(value: unknown): string {
  try {
    return JSON.stringify(value).slice(0, longestRest);
  } catch {
    return "";
  }
}
