import { addressOf, portOf } from "./client-address.ts";
import { unescapeLogValue } from "./log-escapes.ts";

/** What stands before the request of an access log line; reused from line to line. */
export interface OriginParts {
  /** Epoch milliseconds. */
  time: number;
  /** Index of the request's opening quote. */
  quote: number;
  peer: string | undefined;
  port: number | undefined;
  domain: string | undefined;
  /** Virtual host. */
  host: string | undefined;
  user: string | undefined;
}

export function originParts(): OriginParts {
  return { time: Number.NaN, quote: -1, peer: undefined, port: undefined, domain: undefined, host: undefined, user: undefined };
}

interface Readers {
  readonly clock: (text: string, at: number) => number;
  readonly readTime: (text: string) => number;
  readonly address: (written: string) => string | undefined;
}

/** Places that look like the end of the time before this many are given up on. */
const mostTries = 16;
/** A request's quote is not looked for further than this: 8 KiB of user name, every byte of it escaped, and room. */
const longestOrigin = 40_000;
const longestTime = 64;

/** Reads `[host[:port]] address ident user [time] "` in any of its forms; false where the line does not begin so. */
export function readOrigin(origin: OriginParts, text: string, readers: Readers): boolean {
  const bracket = findTime(origin, text, readers);
  if (bracket < 0) return false;
  origin.host = undefined;
  origin.port = undefined;
  origin.domain = undefined;
  const first = text.indexOf(" ");
  let written = text.slice(0, first);
  let after = first + 1;
  if (written.endsWith(",")) {
    // A list (`%{X-Forwarded-For}i` in the address's place): the last one is what the nearest proxy saw.
    for (let end = text.indexOf(" ", after); written.endsWith(",") && end > 0 && end < bracket; end = text.indexOf(" ", after)) {
      written = text.slice(after, end);
      after = end + 1;
    }
  } else {
    const second = text.indexOf(" ", after);
    const next = second > 0 && second < bracket - 1 ? text.slice(after, second) : "";
    // `host address ident user`: with an address as host it takes four fields to tell it from `address ident user`.
    if (readers.address(next) !== undefined && (readers.address(written) === undefined || text.indexOf(" ", text.indexOf(" ", second + 1) + 1) < bracket)) {
      origin.host = hostOf(written);
      written = next;
      after = second + 1;
    }
  }
  origin.peer = readers.address(written);
  if (origin.peer === undefined) origin.domain = hostOf(written);
  else if (origin.peer.length !== written.length) origin.port = portOf(written);
  // What is left is `ident user `; only the user can hold spaces.
  const ident = text.indexOf(" ", after);
  const user = ident > 0 && ident + 1 < bracket - 1 ? text.slice(ident + 1, bracket - 1) : "-";
  origin.user = user === "-" || user === '""' ? undefined : unescapeLogValue(user);
  return true;
}

/** Index of the bracket before the time that stands right before the first unescaped quote, or -1. */
function findTime(origin: OriginParts, text: string, { clock, readTime }: Readers): number {
  let tries = 0;
  for (let quote = text.indexOf('"'); quote >= 0 && quote < longestOrigin && tries < mostTries; quote = text.indexOf('"', quote + 1)) {
    if (text.charCodeAt(quote - 1) !== 32 || text.charCodeAt(quote - 2) !== 93) continue;
    tries++;
    const window = Math.max(0, quote - longestTime);
    const bracket = text.charCodeAt(quote - 29) === 91 ? quote - 29 : window + text.slice(window, quote - 2).lastIndexOf("[");
    if (bracket < window || bracket < 2) continue;
    let time = clock(text, bracket + 1);
    if (Number.isNaN(time)) time = readTime(text.slice(bracket + 1, quote - 2));
    if (Number.isNaN(time)) continue;
    origin.time = time;
    origin.quote = quote;
    return bracket;
  }
  return -1;
}

/** A host name or address in the place of one, without its port; undefined for `-`, `unix:` and garbage. */
export function hostOf(written: string): string | undefined {
  const known = addressOf(written);
  if (known !== undefined) return known;
  const name = /^([\w.-]{1,253})(?::\d{1,5})?$/.exec(written)?.[1];
  return name === undefined || name === "-" ? undefined : name.toLowerCase();
}
