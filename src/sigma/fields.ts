import { fold } from "./value.ts";

/** An event as rules see it: flat with dotted names, or nested objects; both are reached by dotted names. */
export type SigmaEvent = Readonly<Record<string, unknown>>;

/** One text, or several where the field is a list; undefined where there is none. */
export type FieldText = string | readonly string[] | undefined;

/** Reads one field of events. The folded text of the latest value is kept, so that many rules fold it once. */
export interface FieldReader {
  readonly name: string;
  value(event: SigmaEvent): unknown;
  text(event: SigmaEvent): FieldText;
  folded(event: SigmaEvent): FieldText;
  /** Present, also where the value is null or empty; undefined counts as absent. */
  exists(event: SigmaEvent): boolean;
}

/** Readers by field name, shared by the rules of one rule set. */
export interface FieldReaders {
  reader(name: string): FieldReader;
  /** Whether a text anywhere in the event (not its field names) passes; `folded` says which form is tested. */
  anywhere(event: SigmaEvent, folded: boolean, test: (text: string, field: string) => boolean): boolean;
}

/** Most field names that folded texts are kept for; events of hostile logs may have any names. */
const maxKept = 512;
const maxDepth = 8;

/** Makes the readers of one rule set. */
export function fieldReaders(): FieldReaders {
  const readers = new Map<string, FieldReader>();
  const reader = (name: string): FieldReader => {
    const found = readers.get(name);
    if (found) return found;
    const made = makeReader(name);
    readers.set(name, made);
    return made;
  };
  const kept = new Map<string, FieldReader>();
  const anywhere: FieldReaders["anywhere"] = (event, folded, test) => {
    for (const name in event) {
      const value = event[name];
      if (typeof value === "string") {
        if (!folded ? test(value, name) : test(foldedOf(name, value, event), name)) return true;
      } else if (value !== undefined && value !== null && deepTest(value, name, folded, test, 0)) return true;
    }
    return false;
  };
  const foldedOf = (name: string, value: string, event: SigmaEvent): string => {
    let keeper = kept.get(name);
    if (!keeper) {
      if (kept.size >= maxKept) return fold(value);
      kept.set(name, (keeper = reader(name)));
    }
    const folded = keeper.folded(event);
    return typeof folded === "string" ? folded : fold(value);
  };
  return { reader, anywhere };
}

function deepTest(value: unknown, field: string, folded: boolean, test: (text: string, field: string) => boolean, depth: number): boolean {
  if (typeof value === "object" && value !== null) {
    if (depth >= maxDepth) return false;
    for (const key in value) if (deepTest((value as Record<string, unknown>)[key], field, folded, test, depth + 1)) return true;
    return false;
  }
  const text = scalarText(value);
  return text !== undefined && test(folded ? fold(text) : text, field);
}

function makeReader(name: string): FieldReader {
  const inherited = name in Object.prototype;
  const dotted = name.includes(".");
  const value = (event: SigmaEvent): unknown => {
    const direct = inherited && !Object.hasOwn(event, name) ? undefined : event[name];
    return direct === undefined && dotted ? nestedValue(event, name, 0) : direct;
  };
  let lastValue: unknown;
  let lastFolded = "";
  return {
    name,
    value,
    text: (event) => {
      const raw = value(event);
      return typeof raw === "string" ? raw : textOf(raw);
    },
    folded: (event) => {
      const raw = value(event);
      if (raw === undefined) return undefined;
      if (typeof raw === "object" && raw !== null) {
        const texts = textOf(raw);
        return Array.isArray(texts) ? texts.map(fold) : texts;
      }
      if (raw === lastValue) return lastFolded;
      const text = scalarText(raw);
      if (text === undefined) return undefined;
      lastFolded = fold(text);
      lastValue = raw;
      return lastFolded;
    },
    exists: (event) => value(event) !== undefined,
  };
}

/** Follows `a.b.c` through objects; keys may hold dots themselves; lists on the way give the values of all their items. */
function nestedValue(holder: unknown, name: string, depth: number): unknown {
  if (typeof holder !== "object" || holder === null || depth > maxDepth) return undefined;
  if (Array.isArray(holder)) {
    const values: unknown[] = [];
    for (const item of holder.slice(0, 1_000)) {
      const found = ownValue(item, name) ?? nestedValue(item, name, depth + 1);
      if (Array.isArray(found)) values.push(...found);
      else if (found !== undefined) values.push(found);
    }
    return values.length > 0 ? values : undefined;
  }
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const child = ownValue(holder, name.slice(0, dot));
    if (typeof child !== "object" || child === null) continue;
    const rest = name.slice(dot + 1);
    const direct = Array.isArray(child) ? undefined : ownValue(child, rest);
    const found = direct === undefined ? nestedValue(child, rest, depth + 1) : direct;
    if (found !== undefined) return found;
  }
  return undefined;
}

function ownValue(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null && Object.hasOwn(holder, key) ? (holder as Record<string, unknown>)[key] : undefined;
}

/** Text of a single value; numbers and booleans as JavaScript prints them. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" || typeof value === "bigint" ? String(value) : undefined;
}

/** Text or texts of a field's value. */
export function textOf(value: unknown): FieldText {
  if (!Array.isArray(value)) return scalarText(value);
  const texts: string[] = [];
  for (const item of value) {
    const text = scalarText(item);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}
