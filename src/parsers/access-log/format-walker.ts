import { isEscaped } from "../log-escapes.ts";

/** One variable of a log format. */
export interface FormatField<Draft> {
  /** Where it stands in the format, counted from 1, for errors. */
  readonly position: number;
  readonly name: string;
  /**
   * `word`: written by the server and without spaces. `list`: addresses or times of several upstreams (`a, b : c`). `free`: a client
   * can put anything in it, or it holds spaces. A number: always so many characters.
   */
  readonly kind: "word" | "list" | "free" | number;
  /** The value begins with a slash, so it may stand directly behind another one (`$host$request_uri`). */
  readonly slash?: boolean | undefined;
  /** Says who a client is: not taken where the line can be read in two ways. */
  readonly address?: boolean | undefined;
  set(draft: Draft, value: string): void;
}

/** Literal text, or a variable. */
export type FormatItem<Draft> = string | FormatField<Draft>;

interface Segment<Draft> {
  readonly fields: readonly FormatField<Draft>[];
  /** One more than fields: before, between and behind them. */
  readonly literals: readonly string[];
  readonly starts: number[];
  readonly ends: number[];
  readonly firstFree: number;
  readonly lastFree: number;
}

/** Why a list of items cannot be walked: two variables with nothing between them. */
export interface Adjacent<Draft> {
  readonly first: FormatField<Draft>;
  readonly second: FormatField<Draft>;
}

/**
 * A walker for lines of one format, or the two variables that nothing separates. It hands each variable's text to its `set`
 * and says whether the line is of the format. Linear in the line: only `indexOf` and `lastIndexOf` of the literals.
 *
 * `structural`: the server escapes quotes inside values, so unescaped quotes divide the line the same way as the format,
 * whatever clients sent. Within a part, what the server wrote is read from both ends up to the first and the last free
 * text; between two free texts the leftmost and the rightmost reading must agree for an address to be believed.
 */
export function formatWalker<Draft>(items: readonly FormatItem<Draft>[], structural: boolean): ((text: string, draft: Draft) => boolean) | Adjacent<Draft> {
  const segments: Segment<Draft>[] = [];
  let fields: FormatField<Draft>[] = [];
  let literals = [""];
  const close = (): void => {
    const free = fields.map((field) => field.kind === "free");
    segments.push({
      fields,
      literals,
      starts: fields.map(() => 0),
      ends: fields.map(() => 0),
      firstFree: free.indexOf(true),
      lastFree: free.lastIndexOf(true),
    });
    fields = [];
    literals = [""];
  };
  for (const item of items) {
    if (typeof item !== "string") {
      const before = fields.at(-1);
      if (before && literals.at(-1) === "" && item.slash !== true && typeof before.kind !== "number" && typeof item.kind !== "number")
        return { first: before, second: item };
      fields.push(item);
      literals.push("");
      continue;
    }
    for (const [index, part] of (structural ? item.split('"') : [item]).entries()) {
      if (index > 0) close();
      literals[literals.length - 1] += part;
    }
  }
  close();

  return (text, draft) => {
    const length = text.trimEnd().length;
    let from = 0;
    for (const [index, segment] of segments.entries()) {
      const last = index === segments.length - 1;
      const to = last
        ? length
        : dividingQuote(text, from, index % 2 === 0 ? (segment.literals.at(-1) as string) : "", segments[index + 1] as Segment<Draft>, index % 2);
      if (to < from) return false;
      const doubtful = locate(segment, text, from, to);
      if (doubtful < 0) return false;
      for (const [i, field] of segment.fields.entries()) {
        if (doubtful > 0 && field.address === true && i > segment.firstFree && i < segment.lastFree) continue;
        field.set(draft, text.slice(segment.starts[i], segment.ends[i]));
      }
      from = to + 1;
    }
    return true;
  };
}

/** The next unescaped quote: an opening one with the literal text before it, a closing one with the next literal behind it. */
function dividingQuote<Draft>(text: string, from: number, before: string, next: Segment<Draft>, closing: number): number {
  const behind = closing === 1 ? (next.literals[0] as string) : "";
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    if (quote > from && text.charCodeAt(quote - 1) === 92 && isEscaped(text, quote, from)) continue;
    if (text.endsWith(before, quote) && quote - before.length >= from && text.startsWith(behind, quote + 1)) return quote;
  }
  return -1;
}

/** Finds the fields of one part; 0 where they are certain, 1 where there are two readings, -1 where it is not of the format. */
function locate<Draft>(segment: Segment<Draft>, text: string, from: number, to: number): 0 | 1 | -1 {
  const { fields, literals, starts, ends, firstFree, lastFree } = segment;
  const count = fields.length;
  const head = literals[0] as string;
  if (count === 0) return to - from === head.length && text.startsWith(head, from) ? 0 : -1;
  const foot = literals[count] as string;
  let left = from + head.length;
  let right = to - foot.length;
  if (left > right || !text.startsWith(head, from) || !text.startsWith(foot, right)) return -1;
  const stop = firstFree < 0 ? count : firstFree;
  for (let i = 0; i < stop; i++) {
    starts[i] = left;
    const end = i === count - 1 ? right : endOf(fields[i] as FormatField<Draft>, literals[i + 1] as string, text, left);
    if (end < left || end > right) return -1;
    ends[i] = end;
    left = end + (literals[i + 1] as string).length;
  }
  if (firstFree < 0) return 0;
  for (let i = count - 1; i > lastFree; i--) {
    ends[i] = right;
    const start = startOf(fields[i] as FormatField<Draft>, literals[i] as string, text, right);
    if (start < left || start > right) return -1;
    starts[i] = start;
    right = start - (literals[i] as string).length;
  }
  if (left > right) return -1;
  starts[firstFree] = left;
  ends[lastFree] = right;
  let doubtful: 0 | 1 = 0;
  for (let i = firstFree; i < lastFree; i++) {
    const end = endOf(fields[i] as FormatField<Draft>, literals[i + 1] as string, text, starts[i] as number);
    if (end < 0 || end > right) return -1;
    ends[i] = end;
    starts[i + 1] = end + (literals[i + 1] as string).length;
  }
  if ((starts[lastFree] as number) > right) return -1;
  let end = right;
  for (let i = lastFree; i > firstFree && doubtful === 0; i--) {
    const start = startOf(fields[i] as FormatField<Draft>, literals[i] as string, text, end);
    if (start !== starts[i]) doubtful = 1;
    end = start - (literals[i] as string).length;
  }
  return doubtful;
}

/** End of a field that begins at `start`: the leftmost place at which the next literal stands. */
function endOf<Draft>(field: FormatField<Draft>, next: string, text: string, start: number): number {
  if (typeof field.kind === "number") return text.startsWith(next, start + field.kind) ? start + field.kind : -1;
  if (next === "") return text.indexOf("/", start);
  let end = text.indexOf(next, start);
  if (field.kind === "list" && next.startsWith(" ")) while (end > 0 && insideList(text, end)) end = text.indexOf(next, end + 1);
  return end;
}

/** Start of a field that ends at `end`: the rightmost place behind the literal before it. */
function startOf<Draft>(field: FormatField<Draft>, before: string, text: string, end: number): number {
  if (typeof field.kind === "number") return text.startsWith(before, end - field.kind - before.length) ? end - field.kind : -1;
  let at = before.length > end ? -1 : text.lastIndexOf(before, end - before.length);
  if (field.kind === "list" && before.endsWith(" ")) while (at > 0 && insideList(text, at + before.length - 1)) at = text.lastIndexOf(before, at - 1);
  return at < 0 ? -1 : at + before.length;
}

/** Whether the space at `at` belongs to `10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80`. */
function insideList(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  return before === 44 || (before === 58 && text.charCodeAt(at - 2) === 32) || (text.charCodeAt(at + 1) === 58 && text.charCodeAt(at + 2) === 32);
}
