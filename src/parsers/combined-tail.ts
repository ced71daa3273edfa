import { addressOf } from "./client-address.ts";
import { closingQuote, unescapeLogValue } from "./log-escapes.ts";
import { hostName } from "./request-line.ts";

/** What may follow the user agent; reused from line to line. */
export interface TailParts {
  forwardedFor: string | undefined;
  host: string | undefined;
  /** Nanoseconds. */
  duration: number | undefined;
}

export function tailParts(): TailParts {
  return { forwardedFor: undefined, host: undefined, duration: undefined };
}

/** Fields beyond this many are not looked at. */
const maximumFields = 16;

/**
 * Reads the fields behind the combined format, from `at`. Their meaning is not written anywhere, so only what cannot be
 * mistaken is taken: the quoted field right behind the user agent as `X-Forwarded-For` where it is addresses (nginx's
 * packaged `main` format) or as host; a bare host name; seconds with three decimals (`$request_time`); `12ms` (Traefik).
 */
export function readTail(tail: TailParts, text: string, at: number, behindAgent: boolean): void {
  tail.forwardedFor = undefined;
  tail.host = undefined;
  tail.duration = undefined;
  let start = at;
  for (let field = 0; field < maximumFields && start < text.length; field++) {
    while (text.charCodeAt(start) === 32) start++;
    if (start >= text.length) return;
    if (text.charCodeAt(start) === 34) {
      const end = closingQuote(text, start + 1);
      if (end < 0) return;
      if (field === 0 && behindAgent) {
        const value = text.slice(start + 1, end);
        if (addressOf(value.slice(value.lastIndexOf(",") + 1)) !== undefined) tail.forwardedFor = value;
        else tail.host = dottedHost(unescapeLogValue(value));
      }
      start = end + 1;
      continue;
    }
    let end = text.indexOf(" ", start);
    if (end < 0) end = text.length;
    if (end - start <= 255) readBare(tail, text.slice(start, end));
    start = end;
  }
}

function readBare(tail: TailParts, value: string): void {
  if (tail.duration === undefined && /^\d{1,6}\.\d{3}$/.test(value)) tail.duration = Math.round(Number(value) * 1_000) * 1_000_000;
  else if (tail.duration === undefined && /^\d{1,9}ms$/.test(value)) tail.duration = Number(value.slice(0, -2)) * 1_000_000;
  else tail.host ??= dottedHost(value);
}

/** A host name that cannot be a number, an id or a word: its last label begins with a letter. Port left out. */
function dottedHost(value: string): string | undefined {
  if (value.length > 260 || !/^[\w-]+(?:\.[\w-]+)+\.?(?::\d{1,5})?$/.test(value)) return undefined;
  return /\.[a-z][\w-]*\.?(?::\d{1,5})?$/i.test(value) ? hostName(value) : undefined;
}
