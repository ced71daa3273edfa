/** A JSON object as `JSON.parse` gives it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that `text` is, or undefined. Only looks closer where the line begins like one. */
export function parseObject(text: string): JsonObject | undefined {
  let start = 0;
  while (text.charCodeAt(start) === 32) start++;
  if (text.charCodeAt(start) !== 123) return undefined;
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** `value` where it is an object and no list. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** An own property: never one of the prototype, whatever its name. */
export function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A text, a number as its text, or the texts of a list joined by a comma (repeated headers); undefined for nothing. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.filter((part) => typeof part === "string").join(", ") || undefined;
  return undefined;
}

/** A finite number, also where it is written as a text; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  return typeof value === "string" && /^-?\d{1,15}(?:\.\d{1,9})?$/.test(value) ? Number(value) : undefined;
}
