/** Value of a hexadecimal digit by its char code, or -1. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Byte written as two hexadecimal digits at `at`, or -1. */
function hexByte(text: string, at: number): number {
  if (at + 2 > text.length) return -1;
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** How many bytes UTF-8 needs for a code point. */
export function utf8Length(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/**
 * Code point that the escaped bytes at `at` stand for in UTF-8 (RFC 3629: no overlong forms, no surrogates), or -1.
 * Each byte is two hexadecimal digits after `prefix` (`%`, `\x`).
 */
export function escapedCodePoint(text: string, at: number, prefix: string): number {
  const skip = prefix.length;
  const byteAt = (index: number): number => {
    const start = at + index * (skip + 2);
    return text.startsWith(prefix, start) ? hexByte(text, start + skip) : -1;
  };
  const lead = byteAt(0);
  if (lead < 0x80) return lead;
  const more = lead >= 0xc2 && lead <= 0xdf ? 1 : lead >= 0xe0 && lead <= 0xef ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
  if (more === 0) return -1;
  let point = lead & (0x3f >> more);
  for (let i = 1; i <= more; i++) {
    const next = byteAt(i);
    if (next < 0x80 || next > 0xbf) return -1;
    point = point * 64 + (next & 0x3f);
  }
  if (utf8Length(point) !== more + 1 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return -1;
  return point;
}

/** Percent-decodes once. */
function decodeOnce(text: string): string {
  let out = "";
  let copied = 0;
  for (let at = text.indexOf("%"); at >= 0; at = text.indexOf("%", Math.max(copied, at + 1))) {
    let point = hexByte(text, at + 1);
    if (point > 127) point = escapedCodePoint(text, at, "%");
    if (point < 0) continue;
    out += text.slice(copied, at) + String.fromCodePoint(point);
    copied = at + utf8Length(point) * 3;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

/**
 * A request target percent-decoded (RFC 3986, UTF-8): twice at most, because attackers hide behind double encoding; `+` as
 * a space the first time; invalid sequences stay as written. Undefined where nothing differs. Linear in the length.
 */
export function decodeUrl(target: string): string | undefined {
  const percent = target.includes("%");
  const plus = target.includes("+");
  if (!percent && !plus) return undefined;
  const spaced = plus ? target.replace(/\+/g, " ") : target;
  if (!percent) return spaced;
  const once = decodeOnce(spaced);
  const twice = once.includes("%") ? decodeOnce(once) : once;
  return twice === target ? undefined : twice;
}
