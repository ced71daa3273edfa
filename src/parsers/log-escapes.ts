import { escapedCodePoint, utf8Length } from "./url-decoding.ts";

const controls: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v", a: "\u0007" };

/**
 * Undoes what web servers do to a value before they log it: nginx writes `\xHH` for quotes, backslashes, control
 * characters and bytes over 126; Apache writes `\"`, `\\`, `\n` and the like, and `\xhh`; Go and JSON write `\uXXXX` too.
 * Runs of `\x` are joined as UTF-8; a byte that is not part of valid UTF-8 stays escaped, so nothing is lost.
 */
export function unescapeLogValue(text: string): string {
  let at = text.indexOf("\\");
  if (at < 0) return text;
  let out = "";
  let copied = 0;
  for (; at >= 0 && at + 1 < text.length; at = text.indexOf("\\", copied > at ? copied : at + 2)) {
    const letter = text.charAt(at + 1);
    let character: string | undefined;
    let size = 2;
    if (letter === '"' || letter === "\\" || letter === "/" || letter === "'") character = letter;
    else if (letter === "x") {
      const point = escapedCodePoint(text, at, "\\x");
      if (point >= 0) {
        character = String.fromCodePoint(point);
        size = utf8Length(point) * 4;
      }
    } else if (letter === "u") {
      const digits = text.slice(at + 2, at + 6);
      if (/^[0-9a-fA-F]{4}$/.test(digits)) {
        character = String.fromCharCode(Number.parseInt(digits, 16));
        size = 6;
      }
    } else character = controls[letter];
    if (character === undefined) continue;
    out += text.slice(copied, at) + character;
    copied = at + size;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

/** True where the character at `at` is behind an odd number of backslashes (counted back to `from`). */
export function isEscaped(text: string, at: number, from: number): boolean {
  let slash = at - 1;
  while (slash >= from && text.charCodeAt(slash) === 92) slash--;
  return ((at - slash) & 1) === 0;
}

/** Where the closing quote of a value that begins at `from` is, or -1: not escaped, and a space or the end behind it. */
export function closingQuote(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    const next = quote + 1;
    // A server that escapes nothing logs quotes inside a value as they are: those rarely stand before a space.
    if (next < text.length && text.charCodeAt(next) !== 32) continue;
    if (quote === from || text.charCodeAt(quote - 1) !== 92 || !isEscaped(text, quote, from)) return quote;
  }
  return -1;
}
