import type { AssertionType } from "./regex-tree.ts";

/** Why a regular expression cannot be used; becomes a SigmaError with the field. */
export class RegexFault extends Error {}

/** Where reading stands. */
export interface RegexCursor {
  readonly source: string;
  at: number;
}

/** What a backslash sequence means. `source` is its JavaScript (`u` flag) form, fit for inside and outside of a class. */
export type Escape =
  | { readonly kind: "chars"; readonly source: string; readonly literal: string | undefined }
  | { readonly kind: "assertion"; readonly type: AssertionType }
  | { readonly kind: "reference"; readonly to: number | string };

/** A character as JavaScript source that is right inside and outside of a class. */
export function literalSource(char: string): string {
  return /^[A-Za-z0-9]$/.test(char) ? char : `\\u{${(char.codePointAt(0) as number).toString(16)}}`;
}

const posix: Readonly<Record<string, string>> = {
  alpha: "A-Za-z",
  digit: "0-9",
  alnum: "A-Za-z0-9",
  upper: "A-Z",
  lower: "a-z",
  space: "\\t\\n\\v\\f\\r\\u{20}",
  blank: "\\t\\u{20}",
  punct: "\\u{21}-\\u{2f}\\u{3a}-\\u{40}\\u{5b}-\\u{60}\\u{7b}-\\u{7e}",
  xdigit: "0-9A-Fa-f",
  word: "A-Za-z0-9_",
  cntrl: "\\u{0}-\\u{1f}\\u{7f}",
  print: "\\u{20}-\\u{7e}",
  graph: "\\u{21}-\\u{7e}",
  ascii: "\\u{0}-\\u{7f}",
};

const sets: Readonly<Record<string, string>> = { d: "\\d", D: "\\D", w: "\\w", W: "\\W", s: "\\s", S: "\\S" };
const blanks = "\\t\\u{20}\\u{a0}\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}";
const breaks = "\\n\\v\\f\\r\\u{85}\\u{2028}\\u{2029}";
const controls: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", e: "\u001B", a: "\u0007" };
const assertions: Readonly<Record<string, AssertionType>> = { b: "word", B: "no-word", A: "start", z: "end", Z: "final-end" };

/** Reads the sequence at the backslash. @throws RegexFault */
export function readEscape(cursor: RegexCursor, inClass = false): Escape {
  const { source } = cursor;
  const letter = source[cursor.at + 1];
  if (letter === undefined) throw new RegexFault("it ends with a lone backslash");
  const rest = source.slice(cursor.at, cursor.at + 48);
  const take = (length: number, escape: Escape): Escape => {
    cursor.at += length;
    return escape;
  };
  const chars = (text: string): Escape => ({ kind: "chars", source: text, literal: undefined });
  const literal = (char: string): Escape => ({ kind: "chars", source: literalSource(char), literal: char });
  if (letter in sets) return take(2, chars(sets[letter] as string));
  if (letter === "h") return take(2, chars(inClass ? blanks : `[${blanks}]`));
  if (letter === "v") return take(2, chars(inClass ? breaks : `[${breaks}]`));
  if (!inClass && letter === "H") return take(2, chars(`[^${blanks}]`));
  if (!inClass && letter === "V") return take(2, chars(`[^${breaks}]`));
  if (!inClass && letter === "N") return take(2, chars("[^\\n]"));
  if (!inClass && letter === "R") return take(2, chars(`[${breaks}]`));
  if (inClass && letter === "b") return take(2, literal("\b"));
  if (!inClass && letter in assertions) return take(2, { kind: "assertion", type: assertions[letter] as AssertionType });
  if (letter in controls) return take(2, literal(controls[letter] as string));
  const hex = /^\\(?:x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{0,2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4}))/.exec(rest);
  if (hex) {
    const point = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? hex[4] ?? "0", 16) || 0;
    if (point > 0x10ffff) throw new RegexFault("a character code is too large");
    return take(hex[0].length, literal(String.fromCodePoint(point)));
  }
  const control = /^\\c([A-Za-z@[\\\]^_])/.exec(rest);
  if (control) return take(3, literal(String.fromCharCode((control[1] as string).toUpperCase().charCodeAt(0) ^ 64)));
  const property = /^\\([pP])(?:\{(\^?)([\w= &]+)\}|([A-Z]))/.exec(rest);
  if (property) {
    const negative = (property[1] === "P") !== (property[2] === "^");
    const text = `\\${negative ? "P" : "p"}{${propertyName((property[3] ?? property[4]) as string)}}`;
    return take(property[0].length, chars(text));
  }
  const octal = /^\\0[0-7]{0,2}/.exec(rest) ?? (inClass ? /^\\[0-7]{1,3}/.exec(rest) : null);
  if (octal) return take(octal[0].length, literal(String.fromCharCode(Number.parseInt(octal[0].slice(1), 8) & 255)));
  const reference = inClass ? null : /^\\(?:([1-9]\d?)|g\{?([1-9]\d?)\}?|k(?:<(\w+)>|'(\w+)'|\{(\w+)\})|g\{(\w+)\})/.exec(rest);
  if (reference) {
    const number = reference[1] ?? reference[2];
    const name = reference[3] ?? reference[4] ?? reference[5] ?? reference[6];
    return take(reference[0].length, { kind: "reference", to: number === undefined ? (name as string) : Number(number) });
  }
  if (/[A-Za-z0-9]/.test(letter)) throw new RegexFault(`\`\\${letter}\` is not supported`);
  const point = String.fromCodePoint(source.codePointAt(cursor.at + 1) as number);
  return take(1 + point.length, literal(point));
}

/** JavaScript's name of a PCRE property: scripts need their key, general categories do not. */
function propertyName(name: string): string {
  for (const candidate of [name, `Script=${name}`]) {
    try {
      void new RegExp(`\\p{${candidate}}`, "u");
      return candidate;
    } catch {
      // Not that one.
    }
  }
  throw new RegexFault(`\`\\p{${name}}\` is not known`);
}

/** Reads a class at its `[`, gives its JavaScript form. @throws RegexFault */
export function readClass(cursor: RegexCursor): string {
  const { source } = cursor;
  let at = cursor.at + 1;
  const negative = source[at] === "^";
  if (negative) at++;
  let out = "";
  let first = true;
  for (;;) {
    const char = source[at];
    if (char === undefined) throw new RegexFault("a character class is not closed");
    if (char === "]" && !first) break;
    first = false;
    const class_ = /^\[:(\^?)(\w+):\]/.exec(source.slice(at, at + 16));
    if (class_) {
      const members = posix[class_[2] as string];
      if (members === undefined || class_[1] === "^") throw new RegexFault(`the class \`${class_[0]}\` is not supported`);
      out += members;
      at += class_[0].length;
      continue;
    }
    const from = readMember(cursor, at);
    at = from.end;
    if (from.literal !== undefined && source[at] === "-" && source[at + 1] !== "]" && source[at + 1] !== undefined) {
      const to = readMember(cursor, at + 1);
      if (to.literal !== undefined) {
        if ((to.literal.codePointAt(0) as number) < (from.literal.codePointAt(0) as number)) throw new RegexFault("a range of a class is out of order");
        out += `${from.source}-${to.source}`;
        at = to.end;
        continue;
      }
    }
    out += from.source;
  }
  cursor.at = at + 1;
  return `[${negative ? "^" : ""}${out}]`;
}

function readMember(cursor: RegexCursor, at: number): { source: string; literal: string | undefined; end: number } {
  const { source } = cursor;
  if (source[at] === "\\") {
    const inner: RegexCursor = { source, at };
    const escape = readEscape(inner, true);
    if (escape.kind !== "chars") throw new RegexFault("a class holds something that is no character");
    return { source: escape.source, literal: escape.literal, end: inner.at };
  }
  const char = String.fromCodePoint(source.codePointAt(at) as number);
  return { source: literalSource(char), literal: char, end: at + char.length };
}
