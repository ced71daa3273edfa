/** `*`: any run of characters, also none. */
export const anyRun = 0;
/** `?`: exactly one character. */
export const anyOne = 1;

/** A piece of a Sigma string: literal text, or a wildcard. */
export type Piece = string | typeof anyRun | typeof anyOne;

/** A Sigma string: literals and wildcards; literals are never empty and never stand beside each other, nor do `*`. */
export type SigmaText = readonly Piece[];

/**
 * Reads the wildcards and escapes of a Sigma string (specification, "Escape Character"): a backslash before `*`, `?` or
 * another backslash makes that character plain; any other backslash is itself plain.
 */
export function parseText(source: string): SigmaText {
  const pieces: Piece[] = [];
  let literal = "";
  for (let i = 0; i < source.length; i++) {
    const char = source[i] as string;
    if (char === "\\") {
      const next = source[i + 1];
      if (next === "*" || next === "?" || next === "\\") {
        literal += next;
        i++;
      } else literal += char;
    } else if (char === "*" || char === "?") {
      if (literal !== "") pieces.push(literal);
      literal = "";
      pieces.push(char === "*" ? anyRun : anyOne);
    } else literal += char;
  }
  if (literal !== "") pieces.push(literal);
  return joinPieces(pieces);
}

/** Pieces with neighbouring literals joined, empty ones dropped and runs of `*` made one. */
export function joinPieces(pieces: readonly Piece[]): SigmaText {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (piece === "") continue;
    if (typeof piece === "string" && typeof last === "string") joined[joined.length - 1] = last + piece;
    else if (piece !== anyRun || last !== anyRun) joined.push(piece);
  }
  return joined;
}

/** The text as a rule would write it. */
export function formatText(text: SigmaText): string {
  let out = "";
  for (const piece of text) {
    if (piece === anyRun) out += "*";
    else if (piece === anyOne) out += "?";
    else out += piece.replace(/[*?]/g, "\\$&");
  }
  return out;
}

/** The literal, where the text has no wildcard; else undefined. */
export function plainText(text: SigmaText): string | undefined {
  if (text.length === 0) return "";
  return text.length === 1 && typeof text[0] === "string" ? text[0] : undefined;
}

/** Longest literal of the text, `""` where there is none: whatever matches contains it. */
export function longestLiteral(text: SigmaText): string {
  let longest = "";
  for (const piece of text) if (typeof piece === "string" && piece.length > longest.length) longest = piece;
  return longest;
}

/** Case does not matter in Sigma unless a rule says so: both sides are folded by this. */
export function fold(text: string): string {
  return text.toLowerCase();
}

/** The same text with its literals folded. */
export function foldText(text: SigmaText): SigmaText {
  return text.map((piece) => (typeof piece === "string" ? fold(piece) : piece));
}
