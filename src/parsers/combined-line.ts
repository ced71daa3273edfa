import type { ParserContext } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { LogEvent } from "#core/event.ts";
import { addressOf, addressReader, clientAddresses, portOf } from "./client-address.ts";
import { clfClock } from "./clf-time.ts";
import { closingQuote, unescapeLogValue } from "./log-escapes.ts";
import { readRequest, requestParts } from "./request-line.ts";
import { readTail, tailParts } from "./combined-tail.ts";
import { timestampReader } from "./timestamp.ts";

/**
 * A reader of one line of the common log format and what grew from it: `address ident user [time] "request" status bytes`,
 * then referrer and user agent (combined), then extras; with the virtual host before the address or after the rest.
 * https://httpd.apache.org/docs/2.4/logs.html#common
 *
 * The address is the first field whatever follows: the servers write it themselves and escape quotes in everything that a
 * client can influence, so the first unescaped quote behind `[time] ` begins the request. Undefined where there is no
 * such envelope; whatever stands inside the quotes gives an event.
 */
export function combinedReader(module: string, dataset: string, context: ParserContext): (record: LogRecord) => LogEvent | undefined {
  const clock = clfClock();
  const readTime = timestampReader(context.timeZone);
  const address = addressReader();
  const clients = clientAddresses(context.trustedProxies);
  const request = requestParts();
  const tail = tailParts();
  let time = Number.NaN;
  /** Where the request's opening quote is, and where the time's bracket. */
  let quote = -1;
  let bracket = -1;
  let peer: string | undefined;
  let domain: string | undefined;
  let host: string | undefined;
  let port: number | undefined;
  let user: string | undefined;

  /** Any form but `address - - [`. */
  const readEnvelope = (text: string): boolean => {
    let tries = 0;
    for (quote = text.indexOf('"'); quote >= 0 && tries < 16; quote = text.indexOf('"', quote + 1)) {
      if (text.charCodeAt(quote - 1) !== 32 || text.charCodeAt(quote - 2) !== 93) continue;
      tries++;
      const window = Math.max(0, quote - 64);
      bracket = text.charCodeAt(quote - 29) === 91 ? quote - 29 : window + text.slice(window, quote - 2).lastIndexOf("[");
      if (bracket < window || bracket < 2) continue;
      time = clock(text, bracket + 1);
      if (!(time === time)) time = readTime(text.slice(bracket + 1, quote - 2));
      if (time === time) return true;
    }
    return false;
  };

  /** The fields before the time: `[host[:port]] address ident user`. */
  const readOrigin = (text: string): void => {
    const first = text.indexOf(" ");
    let written = text.slice(0, first);
    let after = first + 1;
    const second = text.indexOf(" ", after);
    if (second > 0 && second < bracket - 1) {
      const next = text.slice(after, second);
      const nextAddress = address(next);
      // `host address ident user`: with an address as host it takes four fields to tell it from `address ident user`.
      if (nextAddress !== undefined && (address(written) === undefined || text.indexOf(" ", text.indexOf(" ", second + 1) + 1) < bracket)) {
        host = written.endsWith(",") ? undefined : hostOf(written);
        // A list (`%{X-Forwarded-For}i` in the address's place): the last one is what the nearest proxy saw.
        let last = next;
        after = second + 1;
        if (written.endsWith(",") && next.endsWith(",")) {
          for (let end = text.indexOf(" ", after); last.endsWith(",") && end > 0 && end < bracket; end = text.indexOf(" ", after)) {
            last = text.slice(after, end);
            after = end + 1;
          }
        }
        written = last;
      }
    }
    peer = address(written);
    if (peer === undefined) domain = hostOf(written);
    else port = peer.length === written.length ? undefined : portOf(written);
    // What is left is `ident user `; only the user can hold spaces.
    const ident = text.indexOf(" ", after);
    if (ident > 0 && ident + 1 < bracket - 1) user = absent(unescapeLogValue(text.slice(ident + 1, bracket - 1)));
  };

  return (record) => {
    const text = record.text;
    const space = text.indexOf(" ");
    if (space < 1) return undefined;
    port = undefined;
    domain = undefined;
    host = undefined;
    user = undefined;
    // `address - - [10/Oct/2000:13:55:36 -0700] "`
    if (
      text.charCodeAt(space + 5) === 91 &&
      text.charCodeAt(space + 34) === 34 &&
      text.charCodeAt(space + 32) === 93 &&
      text.charCodeAt(space + 33) === 32 &&
      text.charCodeAt(space + 1) === 45 &&
      text.charCodeAt(space + 2) === 32 &&
      text.charCodeAt(space + 3) === 45 &&
      text.charCodeAt(space + 4) === 32
    ) {
      time = clock(text, space + 6);
      if (!(time === time)) return undefined;
      quote = space + 34;
      const written = text.slice(0, space);
      peer = address(written);
      if (peer === undefined) domain = hostOf(written);
      else if (peer.length !== space) port = portOf(written);
    } else {
      if (!readEnvelope(text)) return undefined;
      readOrigin(text);
    }

    let at = quote + 1;
    let end = closingQuote(text, at);
    readRequest(request, text, at, end < 0 ? text.length : end);
    let status: number | undefined;
    let bytes: number | undefined;
    let referrer: string | undefined;
    let agent: string | undefined;
    let source = peer;
    let proxy: string | undefined;
    let duration: number | undefined;
    if (end >= 0) {
      // ` 200 2326`
      at = end + 2;
      const digits = (text.charCodeAt(at) - 48) * 100 + (text.charCodeAt(at + 1) - 48) * 10 + text.charCodeAt(at + 2) - 48;
      if (digits >= 0 && digits < 1_000 && isBoundary(text, at + 3)) {
        status = digits;
        at += 4;
      } else at = afterSpace(text, at);
      let count = 0;
      let code = text.charCodeAt(at);
      const from = at;
      while (code >= 48 && code <= 57 && at - from < 15) {
        count = count * 10 + code - 48;
        code = text.charCodeAt(++at);
      }
      if (at > from) bytes = count;
      else if (code === 45) at++;
      if (text.charCodeAt(at) === 32 && text.charCodeAt(at + 1) === 34) {
        at += 2;
        end = closingQuote(text, at);
        if (end >= 0) {
          referrer = quoted(text, at, end);
          at = end + 1;
          if (text.charCodeAt(at) === 32 && text.charCodeAt(at + 1) === 34) {
            at += 2;
            end = closingQuote(text, at);
            agent = quoted(text, at, end < 0 ? text.length : end);
            at = end < 0 ? text.length : end + 1;
          }
        }
      }
      if (at < text.length) {
        readTail(tail, text, at, agent !== undefined);
        duration = tail.duration;
        host ??= tail.host;
        if (source !== undefined && tail.forwardedFor !== undefined && clients.any) {
          source = clients.client(source, { forwardedFor: tail.forwardedFor });
          if (source !== peer) proxy = peer;
        }
      }
    }
    return {
      "@timestamp": time,
      "event.module": module,
      "event.dataset": dataset,
      "event.category": "web",
      "event.action": "http_request",
      "event.outcome": status === undefined ? undefined : status < 100 ? "unknown" : status < 400 ? "success" : "failure",
      "event.duration": duration,
      "source.ip": source,
      "source.port": proxy === undefined ? port : undefined,
      "source.domain": domain,
      "user.name": user,
      "http.request.method": request.method,
      "url.original": request.original,
      "url.path": request.path,
      "url.query": request.query,
      "url.domain": host ?? request.domain,
      "http.version": request.version,
      "http.response.status_code": status,
      "http.response.body.bytes": bytes,
      "http.request.referrer": referrer,
      "user_agent.original": agent,
      "haechi.url.decoded": request.decoded,
      "haechi.proxy.ip": proxy,
      "haechi.malformed": request.malformed,
      message: text,
    };
  };
}

function absent(value: string): string | undefined {
  return value === "-" || value === "" || value === '""' ? undefined : value;
}

/** A value between quotes: escapes undone, undefined for `-` and for nothing. */
function quoted(text: string, start: number, end: number): string | undefined {
  const length = end - start;
  if (length < 2 && (length === 0 || text.charCodeAt(start) === 45)) return undefined;
  const value = text.slice(start, end);
  return value.includes("\\") ? unescapeLogValue(value) : value;
}

function isBoundary(text: string, at: number): boolean {
  return at >= text.length || text.charCodeAt(at) === 32;
}

function afterSpace(text: string, at: number): number {
  const space = text.indexOf(" ", at);
  return space < 0 ? text.length : space + 1;
}

/** A host name or address in the place of one, without its port; undefined for `-`, `unix:` and garbage. */
function hostOf(written: string): string | undefined {
  const known = addressOf(written);
  if (known !== undefined) return known;
  const name = /^([\w.-]{1,253})(?::\d{1,5})?$/.exec(written)?.[1];
  return name === undefined || name === "-" ? undefined : name.toLowerCase();
}
