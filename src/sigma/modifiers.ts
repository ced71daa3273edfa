import { parseCidr, type Cidr } from "#core/ip.ts";
import { encodeWide, base64, base64Offsets } from "./encoding.ts";
import { RegexFault } from "./regex-class.ts";
import { safeRegex, UnsafeRegex, type SafeRegex } from "./safe-regex.ts";
import { SigmaError } from "./sigma-error.ts";
import { timeUnits, type TimeUnit } from "./time-part.ts";
import { anyRun, formatText, joinPieces, parseText, plainText, type SigmaText } from "./value.ts";

/** How a number is compared. */
export type Comparison = "lt" | "lte" | "gt" | "gte" | "eq" | "neq";

/** What a field must hold, after all modifiers. */
export type ItemValue =
  | { readonly kind: "text"; readonly text: SigmaText; readonly cased: boolean; readonly bytes?: Uint8Array }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "null" }
  | { readonly kind: "exists"; readonly value: boolean }
  | {
      readonly kind: "regex";
      readonly source: string;
      readonly flags: string;
      readonly starts: boolean;
      readonly ends: boolean;
      readonly regex: SafeRegex | undefined;
    }
  | { readonly kind: "cidr"; readonly source: string; readonly cidr: Cidr }
  | { readonly kind: "compare"; readonly comparison: Comparison; readonly value: number }
  | { readonly kind: "field"; readonly field: string; readonly starts: boolean; readonly ends: boolean; readonly cased: boolean }
  | { readonly kind: "time"; readonly unit: TimeUnit; readonly comparison: Comparison; readonly value: number };

/** One line of a search identifier: a field (undefined = anywhere in the event) and what it must hold. */
export interface DetectionItem {
  readonly field: string | undefined;
  /** Where it stands: `detection.selection.CommandLine|contains`. */
  readonly at: string;
  /** One group a written value; a group holds the alternatives that modifiers made of it. */
  readonly groups: readonly (readonly ItemValue[])[];
  /** Every group must match, not any. */
  readonly all: boolean;
  /** `neq`: the whole is negated. */
  readonly negated: boolean;
}

/** Values of `%name%` by name, without the percent signs. */
export type Placeholders = Readonly<Record<string, readonly string[]>>;

const maxValues = 4_096;
const comparisons: ReadonlySet<string> = new Set(["lt", "lte", "gt", "gte"]);
const regexFlags: Readonly<Record<string, string>> = { i: "i", ignorecase: "i", m: "m", multiline: "m", s: "s", dotall: "s" };
const fieldOnly: ReadonlySet<string> = new Set(["exists", "cidr", "fieldref", "neq", ...comparisons, ...timeUnits]);
const known: ReadonlySet<string> = new Set([
  ..."all startswith endswith contains exists cased neq windash re base64 base64offset utf16le utf16be utf16 wide cidr expand fieldref".split(" "),
  ...comparisons,
  ...timeUnits,
  ...Object.keys(regexFlags),
]);

/**
 * Builds one detection item of a key such as `CommandLine|windash|contains|all` and its value or values. Modifiers apply
 * in their order (modifiers appendix 2.1).
 * @throws SigmaError naming `parent` and the key.
 */
export function buildItem(key: string | undefined, value: unknown, parent: string, placeholders: Placeholders): DetectionItem {
  const at = key === undefined ? parent : `${parent}.${key}`;
  const [name = "", ...modifiers] = (key ?? "").split("|");
  const field = name === "" ? undefined : name;
  for (const modifier of modifiers) {
    if (!known.has(modifier)) throw new SigmaError("sigma.unknownModifier", at, { modifier });
    if (field === undefined && fieldOnly.has(modifier)) throw new SigmaError("sigma.keywordModifier", at, { modifier });
  }
  const isRegex = modifiers.includes("re");
  const written = Array.isArray(value) ? (value as unknown[]) : [value];
  let groups: (readonly ItemValue[])[] = written.length === 0 ? [[{ kind: "null" }]] : written.map((one) => [readValue(one, isRegex, at)]);
  if (field === undefined && groups.some((group) => group[0]?.kind === "null")) throw new SigmaError("sigma.badValue", at);
  const before: string[] = [];
  for (const modifier of modifiers) {
    if (modifier !== "all" && modifier !== "neq")
      groups = groups.map((group) => {
        const changed = group.flatMap((one) => apply(modifier, one, before, at, placeholders));
        if (changed.length > maxValues) throw new SigmaError("sigma.tooManyValues", at, { limit: maxValues });
        return changed;
      });
    before.push(modifier);
  }
  if (groups.reduce((sum, group) => sum + group.length, 0) > maxValues * 4) throw new SigmaError("sigma.tooManyValues", at, { limit: maxValues * 4 });
  return { field, at, groups: groups.map((group) => group.map((one) => finish(one, at))), all: modifiers.includes("all"), negated: modifiers.includes("neq") };
}

function readValue(value: unknown, isRegex: boolean, at: string): ItemValue {
  if (isRegex && (typeof value === "number" || typeof value === "boolean")) return regexOf(String(value));
  if (typeof value === "string") return isRegex ? regexOf(value) : { kind: "text", text: parseText(value), cased: false };
  if (typeof value === "number") return { kind: "number", value };
  if (typeof value === "boolean") return { kind: "boolean", value };
  if (value === null && !isRegex) return { kind: "null" };
  throw new SigmaError("sigma.badValue", at);
}

function regexOf(source: string): ItemValue {
  return { kind: "regex", source, flags: "", starts: false, ends: false, regex: undefined };
}

/** Numbers and booleans are texts to the modifiers of texts. */
function asText(value: ItemValue): ItemValue {
  return value.kind === "number" || value.kind === "boolean" ? { kind: "text", text: [String(value.value)], cased: false } : value;
}

function apply(modifier: string, given: ItemValue, before: readonly string[], at: string, placeholders: Placeholders): readonly ItemValue[] {
  const needs = (needed: string): SigmaError => new SigmaError("sigma.modifierNeeds", at, { modifier, needed });
  const flag = regexFlags[modifier];
  if (flag !== undefined) {
    if (given.kind !== "regex") throw needs("`re`");
    return [{ ...given, flags: given.flags + flag }];
  }
  if (comparisons.has(modifier)) {
    const comparison = modifier as Comparison;
    if (given.kind === "time") return [{ ...given, comparison }];
    return [{ kind: "compare", comparison, value: numberOf(given, needs) }];
  }
  if ((timeUnits as readonly string[]).includes(modifier)) {
    const unit = modifier as TimeUnit;
    if (given.kind === "compare") return [{ kind: "time", unit, comparison: given.comparison, value: given.value }];
    return [{ kind: "time", unit, comparison: "eq", value: numberOf(given, needs) }];
  }
  const value = asText(given);
  switch (modifier) {
    case "re":
      if (before.some((name) => name !== "all" && name !== "neq")) throw new SigmaError("sigma.modifierOrder", at, { modifier, before: before.join("|") });
      return [value];
    case "exists":
      if (given.kind !== "boolean") throw needs("`true` or `false`");
      return [{ kind: "exists", value: given.value }];
    case "contains":
    case "startswith":
    case "endswith":
      return [unbound(modifier, value, needs)];
    case "cased":
      if (value.kind !== "text" && value.kind !== "field") throw needs("a text");
      return [{ ...value, cased: true }];
    case "cidr": {
      const source = value.kind === "text" ? formatText(value.text) : "";
      const cidr = parseCidr(source.trim());
      if (!cidr) throw new SigmaError("sigma.badCidr", at, { value: source });
      return [{ kind: "cidr", source, cidr }];
    }
    case "fieldref":
      return [reference(value, needs, at)];
    case "expand":
      return expand(value, at, placeholders, needs);
    case "windash":
      if (value.kind !== "text") throw needs("a text");
      return windash(value.text, at).map((text) => ({ kind: "text", text, cased: value.cased }));
    default: {
      if (value.kind !== "text") throw needs("a text");
      const plain = plainText(value.text);
      if (plain === undefined && modifier.startsWith("base64")) throw new SigmaError("sigma.wildcard", at, { modifier });
      if (modifier === "base64" || modifier === "base64offset") {
        const bytes = value.bytes ?? Buffer.from(plain as string, "utf8");
        const encoded = modifier === "base64" ? [base64(bytes)] : base64Offsets(bytes);
        return encoded.map((text) => ({ kind: "text", text: joinPieces([text]), cased: value.cased }));
      }
      if (plain !== undefined) {
        const bytes = encodeWide(plain, modifier);
        return [{ kind: "text", text: joinPieces([Buffer.from(bytes).toString("latin1")]), cased: value.cased, bytes }];
      }
      const pieces = value.text.map((piece) => (typeof piece === "string" ? Buffer.from(encodeWide(piece, modifier)).toString("latin1") : piece));
      return [{ kind: "text", text: joinPieces(pieces), cased: value.cased }];
    }
  }
}

function numberOf(value: ItemValue, needs: (needed: string) => SigmaError): number {
  if (value.kind === "number") return value.value;
  const plain = value.kind === "text" ? plainText(value.text) : undefined;
  if (plain !== undefined && /^\s*-?\d+(?:\.\d+)?\s*$/.test(plain)) return Number(plain);
  throw needs("a number");
}

function unbound(modifier: "contains" | "startswith" | "endswith", value: ItemValue, needs: (needed: string) => SigmaError): ItemValue {
  const front = modifier !== "startswith";
  const back = modifier !== "endswith";
  if (value.kind === "text")
    return { kind: "text", cased: value.cased, text: joinPieces([...(front ? [anyRun] : []), ...value.text, ...(back ? [anyRun] : [])] as SigmaText) };
  if (value.kind === "field") return { ...value, starts: value.starts || back, ends: value.ends || front };
  if (value.kind === "regex") return { ...value, starts: !front, ends: !back };
  throw needs("a text");
}

/** `fieldref`; the order `endswith|fieldref` is taken too. */
function reference(value: ItemValue, needs: (needed: string) => SigmaError, at: string): ItemValue {
  if (value.kind !== "text") throw needs("a field name");
  const ends = value.text[0] === anyRun;
  const starts = value.text.at(-1) === anyRun;
  const inner = plainText(value.text.slice(ends ? 1 : 0, starts ? -1 : undefined));
  if (inner === undefined || inner === "") throw new SigmaError("sigma.wildcard", at, { modifier: "fieldref" });
  return { kind: "field", field: inner, starts, ends, cased: value.cased };
}

const dashes = ["-", "/", "–", "—", "―"];

/** Every way to write the option dashes: those at a word's start with no word before them. */
function windash(text: SigmaText, at: string): readonly SigmaText[] {
  let texts: (readonly (string | 0 | 1)[])[] = [[]];
  for (const piece of text) {
    const parts = typeof piece === "string" ? piece.split(/(\B[-/–—―]\b)/) : [piece];
    parts.forEach((part, index) => {
      const choices = index % 2 === 1 ? dashes : [part];
      texts = texts.flatMap((head) => choices.map((choice) => [...head, choice]));
      if (texts.length > maxValues) throw new SigmaError("sigma.tooManyValues", at, { limit: maxValues });
    });
  }
  return texts.map(joinPieces);
}

const placeholder = /(?<!\\)%(\w+)%/;

function expand(value: ItemValue, at: string, placeholders: Placeholders, needs: (needed: string) => SigmaError): readonly ItemValue[] {
  const valuesOf = (name: string): readonly string[] => {
    const values = Object.hasOwn(placeholders, name) ? placeholders[name] : undefined;
    if (!values || values.length === 0) throw new SigmaError("sigma.placeholder", at, { name });
    return values;
  };
  if (value.kind === "regex") {
    let sources = [value.source];
    for (let found = placeholder.exec(value.source); found; found = placeholder.exec(sources[0] as string)) {
      const [place, name] = [found[0], found[1] as string];
      sources = sources.flatMap((source) => valuesOf(name).map((one) => source.replace(place, () => one.replace(/[\\^$.*+?()[\]{}|%]/g, "\\$&"))));
      if (sources.length > maxValues) throw new SigmaError("sigma.tooManyValues", at, { limit: maxValues });
    }
    return sources.map((source) => ({ ...value, source }));
  }
  if (value.kind !== "text") throw needs("a text");
  let texts: (readonly (string | 0 | 1)[])[] = [[]];
  for (const piece of value.text) {
    const parts = typeof piece === "string" ? piece.split(new RegExp(placeholder, "g")) : [piece];
    parts.forEach((part, index) => {
      const choices = index % 2 === 1 ? valuesOf(part as string).map(parseText) : [[typeof part === "string" ? part.replaceAll("\\%", "%") : part]];
      texts = texts.flatMap((head) => choices.map((choice) => [...head, ...choice]));
      if (texts.length > maxValues) throw new SigmaError("sigma.tooManyValues", at, { limit: maxValues });
    });
  }
  return texts.map((text) => ({ kind: "text", text: joinPieces(text), cased: value.cased }));
}

/** Regular expressions are compiled once all their flags are known. */
function finish(value: ItemValue, at: string): ItemValue {
  if (value.kind !== "regex") return value;
  const source = value.starts || value.ends ? `${value.starts ? "\\A" : ""}(?:${value.source})${value.ends ? "\\z" : ""}` : value.source;
  try {
    const flags = { i: value.flags.includes("i"), m: value.flags.includes("m"), s: value.flags.includes("s"), x: false };
    return { ...value, regex: safeRegex(source, flags) };
  } catch (error) {
    if (!(error instanceof RegexFault)) throw error;
    throw new SigmaError(error instanceof UnsafeRegex ? "sigma.regexUnsafe" : "sigma.regex", at, { detail: error.message }, { cause: error });
  }
}
