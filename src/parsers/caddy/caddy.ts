import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import type { LogEvent } from "#core/event.ts";
import { addressOf, clientAddresses } from "../client-address.ts";
import { asObject, numberOf, own, parseObject, textOf, type JsonObject } from "../json-values.ts";
import { epochOfNumber, timestampReader } from "../timestamp.ts";
import { webEvents, webFields } from "../web-event.ts";

/**
 * Access logs of Caddy 2 in JSON (its default encoder), and its failed sign-ins by the 401 they get.
 * https://caddyserver.com/docs/logging
 */
export const caddy: ParserPlugin = { name: "caddy", recognizes: recognizesCaddy, build: buildCaddy };

function recognizesCaddy(text: string): boolean {
  if (!text.startsWith("{") || !text.includes('"request":{')) return false;
  const line = parseObject(text);
  return line !== undefined && isAccessLine(line);
}

function isAccessLine(line: JsonObject): boolean {
  const request = asObject(own(line, "request"));
  if (request === undefined || typeof own(request, "method") !== "string" || typeof own(request, "uri") !== "string") return false;
  return textOf(own(line, "logger"))?.startsWith("http.log.access") === true || own(line, "msg") === "handled request";
}

function buildCaddy(context: ParserContext): Parser {
  const event = webEvents("caddy", "caddy.access", clientAddresses(context.trustedProxies));
  const readTime = timestampReader(context.timeZone);
  return {
    name: "caddy",
    parse(record): LogEvent | undefined {
      const line = parseObject(record.text);
      if (line === undefined || !isAccessLine(line)) return undefined;
      const request = own(line, "request") as JsonObject;
      const headers = headerReader(asObject(own(request, "headers")));
      const fields = webFields();
      const time = own(line, "ts") ?? own(line, "time");
      fields.time = typeof time === "number" ? epochOfNumber(time) : readTime(textOf(time) ?? "");
      if (Number.isNaN(fields.time)) fields.time = record.writtenBy;
      const remote = textOf(own(request, "remote_ip")) ?? textOf(own(request, "remote_addr"));
      // `client_ip` is what Caddy found by its own `trusted_proxies`: where it differs, the operator already decided.
      const client = textOf(own(request, "client_ip"));
      const decided = client !== undefined && addressOf(client) !== addressOf(remote ?? "") && addressOf(client) !== undefined;
      fields.peer = decided ? client : remote;
      fields.via = decided ? remote : undefined;
      if (!decided) {
        fields.port = numberOf(own(request, "remote_port"));
        fields.forwardedFor = headers("X-Forwarded-For");
        fields.forwarded = headers("Forwarded");
        fields.connecting = headers("Cf-Connecting-Ip");
        fields.realIp = headers("X-Real-Ip");
      }
      fields.user = textOf(own(line, "user_id"));
      fields.method = textOf(own(request, "method"));
      fields.target = textOf(own(request, "uri"));
      fields.protocol = textOf(own(request, "proto"));
      fields.host = textOf(own(request, "host"));
      fields.status = numberOf(own(line, "status"));
      fields.bytes = numberOf(own(line, "size"));
      fields.duration = nanoseconds(own(line, "duration"));
      fields.referrer = headers("Referer");
      fields.agent = headers("User-Agent");
      fields.message = record.text;
      return event(fields);
    },
  };
}

/** Seconds as a number, or a text with its unit (`duration_format string`). */
function nanoseconds(value: unknown): number | undefined {
  if (typeof value === "number") return Math.round(value * 1e9);
  const found = /^(\d{1,9}(?:\.\d{1,9})?)(ns|µs|us|ms|s)$/.exec(textOf(value) ?? "");
  if (!found) return undefined;
  const unit = { ns: 1, µs: 1e3, us: 1e3, ms: 1e6, s: 1e9 }[found[2] as string] ?? 1;
  return Math.round(Number(found[1]) * unit);
}

/** Reads headers by name; Go writes them in its canonical case, so a look-up by that is enough. */
function headerReader(headers: JsonObject | undefined): (name: string) => string | undefined {
  return (name) => (headers === undefined ? undefined : textOf(own(headers, name)));
}
