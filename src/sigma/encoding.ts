/** Base64 of the bytes. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Characters to leave out in front, and at the end by the rest of the length, so that only what the bytes alone decide stays. */
const front = [0, 2, 3];
const back = [0, 3, 2];

/** The three forms that the bytes take inside a longer Base64 text, by their offset of 0, 1 or 2 bytes. */
export function base64Offsets(bytes: Uint8Array): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = base64(Buffer.concat([Buffer.alloc(offset, 32), bytes]));
    return encoded.slice(front[offset], encoded.length - (back[(bytes.length + offset) % 3] as number));
  });
}

/** UTF-16 of the text: `wide` and `utf16le` little-endian, `utf16be` big-endian, `utf16` little-endian after a byte order mark. */
export function encodeWide(text: string, form: string): Uint8Array {
  const little = Buffer.from(form === "utf16" ? `\uFEFF${text}` : text, "utf16le");
  return form === "utf16be" ? little.swap16() : little;
}
