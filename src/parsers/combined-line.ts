import type { ParserContext } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { LogEvent } from "#core/event.ts";
import { addressReader, clientAddresses, portOf } from "./client-address.ts";
import { clfClock } from "./clf-time.ts";
import { closingQuote, unescapeLogValue } from "./log-escapes.ts";
import { readRequest, requestParts } from "./request-line.ts";
import { hostOf, originParts, readOrigin } from "./combined-origin.ts";
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
  const origin = originParts();
  const readers = { clock, readTime, address };

  return (record) => {
    const text = record.text;
    const space = text.indexOf(" ");
    if (space < 1) return undefined;
    let time: number;
    let quote: number;
    let peer: string | undefined;
    let port: number | undefined;
    let domain: string | undefined;
    let host: string | undefined;
    let user: string | undefined;
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
      if (Number.isNaN(time)) return undefined;
      quote = space + 34;
      const written = text.slice(0, space);
      peer = address(written);
      if (peer === undefined) domain = hostOf(written);
      else if (peer.length !== space) port = portOf(written);
    } else {
      if (!readOrigin(origin, text, readers)) return undefined;
      ({ time, quote, peer, port, domain, host, user } = origin);
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
