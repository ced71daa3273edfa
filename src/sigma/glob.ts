import { anyOne, anyRun, plainText, type Piece, type SigmaText } from "./value.ts";

/** Says whether a whole value matches. */
export type TextTest = (value: string) => boolean;

/** How a Sigma text matches, so that many texts of one kind can share a loop. */
export type TextShape =
  | { readonly kind: "exact" | "contains" | "startswith" | "endswith"; readonly literal: string }
  | { readonly kind: "any" }
  | { readonly kind: "glob"; readonly test: TextTest };

/** The cheapest way to match `text`. Case is the caller's matter: fold both sides or none. */
export function shapeOf(text: SigmaText): TextShape {
  const plain = plainText(text);
  if (plain !== undefined) return { kind: "exact", literal: plain };
  if (text.length === 1 && text[0] === anyRun) return { kind: "any" };
  const [first, second, third] = text;
  if (text.length === 2 && typeof first === "string" && second === anyRun) return { kind: "startswith", literal: first };
  if (text.length === 2 && first === anyRun && typeof second === "string") return { kind: "endswith", literal: second };
  if (text.length === 3 && first === anyRun && typeof second === "string" && third === anyRun) return { kind: "contains", literal: second };
  return { kind: "glob", test: globTest(text) };
}

/** A test of one text alone. */
export function textTest(text: SigmaText): TextTest {
  const shape = shapeOf(text);
  switch (shape.kind) {
    case "exact":
      return (value) => value === shape.literal;
    case "contains":
      return (value) => value.includes(shape.literal);
    case "startswith":
      return (value) => value.startsWith(shape.literal);
    case "endswith":
      return (value) => value.endsWith(shape.literal);
    case "any":
      return () => true;
    case "glob":
      return shape.test;
  }
}

/** Between two `*`: literals and `?` that must stand together. */
interface Segment {
  readonly pieces: readonly Piece[];
  /** The first literal and the number of `?` before it. */
  readonly lead: string;
  readonly skip: number;
}

/**
 * A matcher for texts with several wildcards. Segments between `*` are found leftmost first, which needs no going back:
 * time is at most value length × segment length.
 */
function globTest(text: SigmaText): TextTest {
  const groups: Piece[][] = [[]];
  for (const piece of text) {
    if (piece === anyRun) groups.push([]);
    else (groups.at(-1) as Piece[]).push(piece);
  }
  const first = groups[0] as Piece[];
  if (groups.length === 1) return (value) => matchAt(first, value, 0) === value.length;
  const last = groups.at(-1) as Piece[];
  const middle = groups.slice(1, -1).map(segmentOf);
  return (value) => {
    let at = matchAt(first, value, 0);
    if (at < 0) return false;
    for (const segment of middle) {
      at = find(segment, value, at);
      if (at < 0) return false;
    }
    const start = startOfEnd(last, value);
    return start >= at;
  };
}

function segmentOf(pieces: readonly Piece[]): Segment {
  const index = pieces.findIndex((piece) => typeof piece === "string");
  return { pieces, lead: index < 0 ? "" : (pieces[index] as string), skip: index < 0 ? 0 : index };
}

/** End of `pieces` when they start at `at`, or -1. `?` takes a whole code point. */
function matchAt(pieces: readonly Piece[], value: string, at: number): number {
  let position = at;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      if (!value.startsWith(piece, position)) return -1;
      position += piece.length;
    } else {
      if (position >= value.length) return -1;
      position += isPair(value, position) ? 2 : 1;
    }
  }
  return position;
}

/** Where `pieces` begin when they end at the value's end, or -1. */
function startOfEnd(pieces: readonly Piece[], value: string): number {
  let position = value.length;
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i] as Piece;
    if (piece === anyOne) {
      if (position <= 0) return -1;
      position -= position >= 2 && isPair(value, position - 2) ? 2 : 1;
    } else if (typeof piece === "string") {
      position -= piece.length;
      if (position < 0 || !value.startsWith(piece, position)) return -1;
    }
  }
  return position;
}

function isPair(value: string, at: number): boolean {
  return (value.charCodeAt(at) & 0xfc00) === 0xd800 && (value.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}

/** End of the leftmost place of `segment` at or after `from`, or -1. */
function find(segment: Segment, value: string, from: number): number {
  if (segment.lead === "") return matchAt(segment.pieces, value, from);
  let at = from + segment.skip;
  for (;;) {
    const found = value.indexOf(segment.lead, at);
    if (found < 0) return -1;
    // Each `?` before the literal takes one or two units (a surrogate pair).
    for (let start = Math.max(from, found - 2 * segment.skip); start <= found - segment.skip; start++) {
      if (start > 0 && isPair(value, start - 1) && start - 1 >= from) continue;
      const end = matchAt(segment.pieces, value, start);
      if (end >= 0) return end;
    }
    at = found + 1;
  }
}
