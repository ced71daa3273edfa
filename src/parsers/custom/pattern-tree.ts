/** A set of UTF-16 code units: sorted, separate ranges, both ends inclusive. */
export type CharSet = readonly (readonly [number, number])[];

/** A regular expression taken apart as far as its running time needs it. */
export type PatternNode =
  | { readonly kind: "set"; readonly set: CharSet; readonly position: number }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly part: PatternNode; readonly minimum: number; readonly maximum: number; readonly position: number }
  /** `\b`, and `^` or `$` inside: takes nothing, only forbids. */
  | { readonly kind: "assertion" };

export interface PatternTree {
  readonly root: PatternNode;
  /** `$` at the very end. */
  readonly endAnchored: boolean;
  /** An assertion that can make a match fail after it seemed sure. */
  readonly asserts: boolean;
}

/** What the pattern uses that cannot be bounded, and where (counted from 1). */
export interface Unsupported {
  readonly construct: string;
  readonly position: number;
}

export const everything: CharSet = [[0, 0xffff]];
const digitSet: CharSet = [[48, 57]];
const wordSet: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const spaceSet: CharSet = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];

/** Ranges in order, joined where they touch. */
function normalize(ranges: readonly (readonly [number, number])[]): CharSet {
  const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [first, last] of sorted) {
    const top = out.at(-1);
    if (top && first <= top[1] + 1) top[1] = Math.max(top[1], last);
    else out.push([first, last]);
  }
  return out;
}

function complement(set: CharSet): CharSet {
  const out: [number, number][] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) out.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= 0xffff) out.push([next, 0xffff]);
  return out;
}

/** Both cases of ASCII letters; a set beyond ASCII may match anything beyond it (more is safe, less is not). */
function bothCases(set: CharSet): CharSet {
  const more: [number, number][] = set.map(([first, last]) => [first, last]);
  for (const [first, last] of set) {
    for (const [low, high, shift] of [
      [65, 90, 32],
      [97, 122, -32],
    ] as const) {
      const from = Math.max(first, low);
      const to = Math.min(last, high);
      if (from <= to) more.push([from + shift, to + shift]);
    }
    if (last > 127) more.push([128, 0xffff]);
  }
  return normalize(more);
}

class Refusal extends Error {
  readonly unsupported: Unsupported;
  constructor(construct: string, index: number) {
    super(construct);
    this.unsupported = { construct, position: index + 1 };
  }
}

/**
 * Takes a pattern apart that `new RegExp(source, "s")` has accepted (no `u` or `v` flag, dot matches everything). Look-around and
 * back-references are refused: what they cost is not bounded by the ways in which the pattern reads a text.
 */
export function patternTree(source: string, ignoreCase: boolean): PatternTree | Unsupported {
  let at = 0;
  let asserts = false;
  let endAnchored = false;
  const setNode = (set: CharSet, position: number): PatternNode => ({ kind: "set", set: ignoreCase ? bothCases(set) : normalize(set), position });
  const peek = (): string => source.charAt(at);

  const choice = (): PatternNode => {
    const parts = [sequence()];
    while (peek() === "|") {
      at++;
      parts.push(sequence());
    }
    return parts.length === 1 ? (parts[0] as PatternNode) : { kind: "choice", parts };
  };
  const sequence = (): PatternNode => {
    const parts: PatternNode[] = [];
    while (at < source.length && peek() !== "|" && peek() !== ")") parts.push(repeated());
    return { kind: "sequence", parts };
  };
  const repeated = (): PatternNode => {
    const start = at;
    const part = atom();
    const bounds = quantifier();
    return bounds === undefined ? part : { kind: "repeat", part, minimum: bounds[0], maximum: bounds[1], position: start };
  };
  const quantifier = (): readonly [number, number] | undefined => {
    const mark = peek();
    let bounds: readonly [number, number] | undefined;
    if (mark === "*") bounds = [0, Number.POSITIVE_INFINITY];
    else if (mark === "+") bounds = [1, Number.POSITIVE_INFINITY];
    else if (mark === "?") bounds = [0, 1];
    if (bounds) at++;
    else {
      const counted = /^\{(\d+)(?:(,)(\d*))?\}/.exec(source.slice(at, at + 24));
      if (!counted) return undefined;
      at += counted[0].length;
      const minimum = Number(counted[1]);
      bounds = [minimum, counted[2] === undefined ? minimum : counted[3] === "" ? Number.POSITIVE_INFINITY : Number(counted[3])];
    }
    if (peek() === "?") at++;
    return bounds;
  };
  const atom = (): PatternNode => {
    const start = at;
    const character = peek();
    at++;
    switch (character) {
      case "(":
        return group(start);
      case "[":
        return setNode(bracket(start), start);
      case ".":
        return setNode(everything, start);
      case "^":
        if (start > 0) asserts = true;
        return { kind: "assertion" };
      case "$":
        if (at === source.length) endAnchored = true;
        else asserts = true;
        return { kind: "assertion" };
      case "\\":
        return escape(start);
      default:
        return setNode([[character.charCodeAt(0), character.charCodeAt(0)]], start);
    }
  };
  const group = (start: number): PatternNode => {
    if (peek() === "?") {
      const opening = /^\?(?::|<[A-Za-z_$][\w$]*>)/.exec(source.slice(at, at + 128));
      if (!opening) throw new Refusal(source.slice(start, at + 3), start);
      at += opening[0].length;
    }
    const inner = choice();
    at++;
    return inner;
  };
  const escape = (start: number): PatternNode => {
    const letter = peek();
    if (letter === "b" || letter === "B") {
      at++;
      asserts = true;
      return { kind: "assertion" };
    }
    if (/[1-9kpP]/.test(letter)) throw new Refusal(`\\${letter}`, start);
    return setNode(escapedSet(), start);
  };
  /** The set of an escape whose backslash is already read. */
  const escapedSet = (): CharSet => {
    const letter = peek();
    at++;
    const single = (code: number): CharSet => [[code, code]];
    switch (letter) {
      case "d":
        return digitSet;
      case "D":
        return complement(digitSet);
      case "w":
        return wordSet;
      case "W":
        return complement(wordSet);
      case "s":
        return spaceSet;
      case "S":
        return complement(spaceSet);
      case "t":
        return single(9);
      case "n":
        return single(10);
      case "v":
        return single(11);
      case "f":
        return single(12);
      case "r":
        return single(13);
      case "0":
        // `\012` is octal to the engine.
        if (/\d/.test(peek())) throw new Refusal("\\0", at - 2);
        return single(0);
      case "x":
      case "u": {
        const size = letter === "x" ? 2 : 4;
        const digits = source.slice(at, at + size);
        if (!new RegExp(`^[0-9a-fA-F]{${size}}$`).test(digits)) return single(letter.charCodeAt(0));
        at += size;
        return single(Number.parseInt(digits, 16));
      }
      case "c":
        throw new Refusal("\\c", at - 2);
      default:
        return single(letter.charCodeAt(0));
    }
  };
  const bracket = (start: number): CharSet => {
    const negated = peek() === "^";
    if (negated) at++;
    const ranges: (readonly [number, number])[] = [];
    const member = (): CharSet => {
      const character = peek();
      at++;
      if (character !== "\\") return [[character.charCodeAt(0), character.charCodeAt(0)]];
      if (peek() === "b") {
        at++;
        return [[8, 8]];
      }
      if (/[1-9kpP]/.test(peek())) throw new Refusal(`\\${peek()}`, at - 1);
      return escapedSet();
    };
    while (at < source.length && peek() !== "]") {
      const low = member();
      if (peek() === "-" && source.charAt(at + 1) !== "]" && at + 1 < source.length) {
        const before = at;
        at++;
        const high = member();
        const isRange = low.length === 1 && high.length === 1 && low[0]?.[0] === low[0]?.[1] && high[0]?.[0] === high[0]?.[1];
        if (isRange) ranges.push([(low[0] as readonly [number, number])[0], (high[0] as readonly [number, number])[0]]);
        else ranges.push(...low, [source.charCodeAt(before), source.charCodeAt(before)], ...high);
      } else ranges.push(...low);
    }
    if (at >= source.length) throw new Refusal("[", start);
    at++;
    const set = normalize(ranges);
    // The complement of the unfolded set holds more than that of the folded one: more is safe.
    return negated ? complement(set) : set;
  };

  try {
    const root = choice();
    if (at < source.length) throw new Refusal(")", at);
    return { root, endAnchored, asserts };
  } catch (error) {
    if (error instanceof Refusal) return error.unsupported;
    throw error;
  }
}
