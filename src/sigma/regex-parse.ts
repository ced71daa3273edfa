import { readClass, readEscape, RegexFault, literalSource, type RegexCursor } from "./regex-class.ts";
import type { RegexNode } from "./regex-tree.ts";

/** Flags of Sigma's `re` modifier: case-insensitive, `^` and `$` at lines, `.` takes newlines; `x` only from inside. */
export interface RegexFlags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly x: boolean;
}

const maxDepth = 64;
const maxRepeat = 1_000;

/**
 * Reads a PCRE regular expression. Inline flags are resolved, POSIX classes and PCRE escapes are translated; what
 * JavaScript cannot say (recursion, conditionals, possessive and atomic groups, `\K`, `\G`) is refused.
 * @throws RegexFault with the reason.
 */
export function parseRegex(source: string, flags: RegexFlags): RegexNode {
  const cursor: RegexCursor = { source, at: 0 };
  const node = readAlternatives(cursor, { ...flags }, 0);
  if (cursor.at < source.length) throw new RegexFault("unbalanced `)`");
  return node;
}

type Flags = { -readonly [flag in keyof RegexFlags]: boolean };

function readAlternatives(cursor: RegexCursor, flags: Flags, depth: number): RegexNode {
  if (depth > maxDepth) throw new RegexFault("groups are nested too deeply");
  const branches: RegexNode[][] = [[]];
  const { source } = cursor;
  while (cursor.at < source.length && source[cursor.at] !== ")") {
    if (source[cursor.at] === "|") {
      cursor.at++;
      branches.push([]);
      continue;
    }
    const item = readItem(cursor, flags, depth);
    if (item) (branches.at(-1) as RegexNode[]).push(item);
  }
  const items = branches.map((branch): RegexNode => (branch.length === 1 ? (branch[0] as RegexNode) : { kind: "sequence", items: branch }));
  return items.length === 1 ? (items[0] as RegexNode) : { kind: "alternatives", items };
}

/** One item with its quantifier; undefined for comments and flags. */
function readItem(cursor: RegexCursor, flags: Flags, depth: number): RegexNode | undefined {
  const { source } = cursor;
  const char = source[cursor.at] as string;
  if (flags.x && /\s/.test(char)) {
    cursor.at++;
    return undefined;
  }
  if (flags.x && char === "#") {
    const end = source.indexOf("\n", cursor.at);
    cursor.at = end < 0 ? source.length : end + 1;
    return undefined;
  }
  if (source.startsWith("\\Q", cursor.at)) return readQuoted(cursor, flags);
  if (source.startsWith("\\E", cursor.at)) {
    cursor.at += 2;
    return undefined;
  }
  const atom = readAtom(cursor, flags, depth);
  if (!atom) return undefined;
  return readQuantifier(cursor, atom);
}

function readQuoted(cursor: RegexCursor, flags: Flags): RegexNode | undefined {
  const end = cursor.source.indexOf("\\E", cursor.at + 2);
  const text = cursor.source.slice(cursor.at + 2, end < 0 ? undefined : end);
  cursor.at = end < 0 ? cursor.source.length : end + 2;
  const items = Array.from(text, (char) => literalNode(char, flags));
  if (items.length === 0) return undefined;
  const last = readQuantifier(cursor, items.pop() as RegexNode);
  return items.length === 0 ? last : { kind: "sequence", items: [...items, last] };
}

function literalNode(char: string, flags: RegexFlags): RegexNode {
  return { kind: "chars", source: literalSource(char), ignoreCase: flags.i, literal: char, any: false };
}

function readAtom(cursor: RegexCursor, flags: Flags, depth: number): RegexNode | undefined {
  const { source } = cursor;
  const char = source[cursor.at] as string;
  switch (char) {
    case ".":
      cursor.at++;
      return { kind: "chars", source: flags.s ? "[^]" : "[^\\n]", ignoreCase: flags.i, literal: undefined, any: true };
    case "^":
      cursor.at++;
      return { kind: "assertion", type: flags.m ? "line-start" : "start" };
    case "$":
      cursor.at++;
      return { kind: "assertion", type: flags.m ? "line-end" : "final-end" };
    case "[": {
      const set = readClass(cursor);
      return { kind: "chars", source: set, ignoreCase: flags.i, literal: undefined, any: false };
    }
    case "(":
      return readGroup(cursor, flags, depth);
    case "*":
    case "+":
    case "?":
      throw new RegexFault(`nothing to repeat before \`${char}\``);
    case "\\": {
      const escape = readEscape(cursor);
      if (escape.kind === "assertion") return { kind: "assertion", type: escape.type };
      if (escape.kind === "reference") return { kind: "reference", to: escape.to };
      return { kind: "chars", source: escape.source, ignoreCase: flags.i, literal: escape.literal, any: false };
    }
    default: {
      const point = String.fromCodePoint(source.codePointAt(cursor.at) as number);
      cursor.at += point.length;
      return literalNode(point, flags);
    }
  }
}

function readGroup(cursor: RegexCursor, flags: Flags, depth: number): RegexNode | undefined {
  const { source } = cursor;
  const rest = source.slice(cursor.at, cursor.at + 80);
  const close = (): void => {
    if (source[cursor.at] !== ")") throw new RegexFault("a group is not closed");
    cursor.at++;
  };
  const inside = (skip: number, inner: Flags): RegexNode => {
    cursor.at += skip;
    const node = readAlternatives(cursor, inner, depth + 1);
    close();
    return node;
  };
  if (rest.startsWith("(?#")) {
    const end = source.indexOf(")", cursor.at);
    if (end < 0) throw new RegexFault("a comment is not closed");
    cursor.at = end + 1;
    return undefined;
  }
  const look = /^\(\?(<?)([=!])/.exec(rest);
  if (look) return { kind: "look", behind: look[1] === "<", negative: look[2] === "!", item: inside(look[0].length, { ...flags }) };
  const named = /^\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/.exec(rest);
  if (named) return { kind: "group", name: named[1] ?? named[2], item: inside(named[0].length, { ...flags }) };
  const reference = /^\(\?P=(\w+)\)/.exec(rest);
  if (reference) {
    cursor.at += reference[0].length;
    return { kind: "reference", to: reference[1] as string };
  }
  const inline = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])/.exec(rest);
  if (inline && (inline[1] || inline[2] || inline[3] === ":")) {
    const changed = applyFlags(flags, inline[1] ?? "", inline[2] ?? "");
    if (inline[3] === ":") return inside(inline[0].length, changed);
    // Flags hold to the end of the enclosing group, later alternatives included, as in PCRE.
    cursor.at += inline[0].length;
    Object.assign(flags, changed);
    return undefined;
  }
  if (rest.startsWith("(?>")) throw new RegexFault("atomic groups are not supported");
  if (rest.startsWith("(?|")) throw new RegexFault("branch reset groups are not supported");
  if (rest.startsWith("(?(")) throw new RegexFault("conditional groups are not supported");
  if (rest.startsWith("(?") || rest.startsWith("(*")) throw new RegexFault(`\`${rest.slice(0, 4)}\` is not supported`);
  return { kind: "group", name: undefined, item: inside(1, { ...flags }) };
}

function applyFlags(flags: Flags, on: string, off: string): Flags {
  const changed = { ...flags };
  for (const [letters, value] of [
    [on, true],
    [off, false],
  ] as const)
    for (const letter of letters) {
      if (letter !== "i" && letter !== "m" && letter !== "s" && letter !== "x") throw new RegexFault(`inline flag \`${letter}\` is not supported`);
      changed[letter] = value;
    }
  return changed;
}

function readQuantifier(cursor: RegexCursor, atom: RegexNode): RegexNode {
  const { source } = cursor;
  const found = /^(?:[*+?]|\{(\d+)(,(\d*))?\}|\{,(\d+)\})/.exec(source.slice(cursor.at, cursor.at + 24));
  if (!found) return atom;
  let min = found[0] === "+" ? 1 : 0;
  let max = found[0] === "?" ? 1 : Infinity;
  if (found[1] !== undefined) {
    min = Number(found[1]);
    max = found[2] === undefined ? min : found[3] === "" ? Infinity : Number(found[3]);
  } else if (found[4] !== undefined) max = Number(found[4]);
  if (max < min) throw new RegexFault("a repetition's maximum is below its minimum");
  if (min > maxRepeat || (max !== Infinity && max > maxRepeat)) throw new RegexFault(`more than ${maxRepeat} repetitions`);
  cursor.at += found[0].length;
  const after = source[cursor.at];
  if (after === "+") throw new RegexFault("possessive quantifiers are not supported");
  const lazy = after === "?";
  if (lazy) cursor.at++;
  if (atom.kind === "assertion" || (atom.kind === "look" && atom.behind)) return min === 0 ? { kind: "sequence", items: [] } : atom;
  if (/^[*+]/.test(source[cursor.at] ?? "")) throw new RegexFault("nothing to repeat: two quantifiers stand together");
  return { kind: "repeat", item: atom, min, max, lazy };
}
