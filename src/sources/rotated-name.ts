/** What a rotated file's name says: `access.log.2.gz` is generation 2 of `access.log`, gzip. */
export interface RotatedName {
  /** Name of the live log. */
  readonly base: string;
  /** Digits of the date in the name (`20240131`), `""` where there is none. */
  readonly date: string;
  /** Number in the name; -1 where there is none. */
  readonly number: number;
  /** `.gz`, `.zst` or another extension of a compressed file; `""` for a plain one. */
  readonly compressed: string;
}

const packed = /\.(?:gz|zst|xz|bz2|lz4|Z)$/;
const date = String.raw`\d{4}-\d{2}-\d{2}(?:[-_.T]\d{2}(?:[-:.]?\d{2}){0,2})?|\d{8}(?:[-_.T]?\d{2,6})?|\d{10}`;
const suffix = new RegExp(String.raw`^(.+?)(?:[-._](${date})(?:[-.](\d{1,4}))?|\.(\d{1,4})|\.(old))$`);

/**
 * Reads a file name (without directory) as logrotate, newsyslog and log4j make them: `name.1`, `name.old`,
 * `name-20240131`, `name.2024-01-31`, `name-20240131.log`, `name.1.log`, each also compressed. Undefined for a live log's name.
 */
export function parseRotatedName(name: string): RotatedName | undefined {
  const compressed = packed.exec(name)?.[0] ?? "";
  const plain = compressed === "" ? name : name.slice(0, -compressed.length);
  const whole = suffixOf(plain);
  if (whole !== undefined) return { ...whole, compressed };
  const extension = /\.[A-Za-z]{1,8}$/.exec(plain)?.[0] ?? "";
  if (extension !== "") {
    const stem = suffixOf(plain.slice(0, -extension.length));
    if (stem !== undefined) return { ...stem, base: stem.base + extension, compressed };
  }
  return compressed === "" ? undefined : { base: plain, date: "", number: -1, compressed };
}

function suffixOf(name: string): Omit<RotatedName, "compressed"> | undefined {
  const match = suffix.exec(name);
  const base = match?.[1];
  if (match === null || base === undefined) return undefined;
  const number = match[5] === undefined ? Number(match[3] ?? match[4] ?? -1) : 1;
  return { base, date: (match[2] ?? "").replaceAll(/\D/g, ""), number };
}

/** Orders rotated names of one log, oldest first: by date, then by number (a higher number is older, save under one date). */
export function compareRotated(a: RotatedName, b: RotatedName): number {
  if (a.date !== b.date) return a.date < b.date ? -1 : 1;
  return a.date === "" ? b.number - a.number : a.number - b.number;
}
