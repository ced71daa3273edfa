import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import type { LogEvent } from "#core/event.ts";
import { clientAddresses } from "../client-address.ts";
import { combinedReader } from "../combined-line.ts";
import { numberOf, own, parseObject, textOf, type JsonObject } from "../json-values.ts";
import { unescapeLogValue } from "../log-escapes.ts";
import { timestampReader } from "../timestamp.ts";
import { present, webEvents, webFields } from "../web-event.ts";

/**
 * Access logs of Traefik 1 to 3: JSON, and its common log format, which goes on with
 * `<requests> "<router>" "<server URL>" <n>ms`. https://doc.traefik.io/traefik/observability/access-logs/
 */
export const traefik: ParserPlugin = { name: "traefik", recognizes: recognizesTraefik, build: buildTraefik };

/** The end of a line of Traefik's common log format; the quoted values hold no quotes, so this is linear. */
const tail = / (\d+) ("[^"]*"|-) ("[^"]*"|-) \d+ms\s*$/;
const longestTail = 2_048;

function tailOf(text: string): RegExpExecArray | null {
  return text.trimEnd().endsWith("ms") ? tail.exec(text.slice(-longestTail)) : null;
}

function recognizesTraefik(text: string): boolean {
  if (text.startsWith("{")) {
    const line = parseObject(text);
    return line !== undefined && isAccessLine(line);
  }
  return /\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "/.test(text.slice(0, 4_096)) && tailOf(text) !== null;
}

function isAccessLine(line: JsonObject): boolean {
  return typeof own(line, "RequestMethod") === "string" && (own(line, "ClientAddr") ?? own(line, "ClientHost") ?? own(line, "RequestPath")) !== undefined;
}

function buildTraefik(context: ParserContext): Parser {
  const common = combinedReader("traefik", "traefik.access", context);
  const event = webEvents("traefik", "traefik.access", clientAddresses(context.trustedProxies));
  const readTime = timestampReader(context.timeZone);

  const readJson = (text: string, writtenBy: number): LogEvent | undefined => {
    const line = parseObject(text);
    if (line === undefined || !isAccessLine(line)) return undefined;
    const fields = webFields();
    fields.time = readTime(textOf(own(line, "StartUTC")) ?? textOf(own(line, "time")) ?? "");
    if (Number.isNaN(fields.time)) fields.time = writtenBy;
    // ClientAddr is the peer; ClientHost is X-Forwarded-For as it came, where there was one.
    const host = textOf(own(line, "ClientHost"));
    fields.peer = textOf(own(line, "ClientAddr")) ?? host?.slice(host.lastIndexOf(",") + 1).trim();
    fields.port = numberOf(own(line, "ClientPort"));
    fields.forwardedFor = textOf(own(line, "request_X-Forwarded-For")) ?? host;
    fields.forwarded = textOf(own(line, "request_Forwarded"));
    fields.connecting = textOf(own(line, "request_Cf-Connecting-Ip"));
    fields.realIp = textOf(own(line, "request_X-Real-Ip"));
    fields.user = textOf(own(line, "ClientUsername"));
    fields.method = textOf(own(line, "RequestMethod"));
    fields.target = textOf(own(line, "RequestPath"));
    fields.protocol = textOf(own(line, "RequestProtocol"));
    fields.host = textOf(own(line, "RequestHost")) ?? textOf(own(line, "RequestAddr"));
    fields.status = numberOf(own(line, "DownstreamStatus"));
    fields.bytes = numberOf(own(line, "DownstreamContentSize"));
    fields.duration = numberOf(own(line, "Duration"));
    fields.referrer = textOf(own(line, "request_Referer"));
    fields.agent = textOf(own(line, "request_User-Agent"));
    fields.message = text;
    const made = event(fields);
    return withRouter(made, textOf(own(line, "RouterName")), textOf(own(line, "ServiceURL")) ?? textOf(own(line, "ServiceAddr")));
  };

  return {
    name: "traefik",
    parse(record): LogEvent | undefined {
      const text = record.text;
      if (text.startsWith("{")) return readJson(text, record.writtenBy);
      const end = tailOf(text);
      const made = end && common(record);
      return made ? withRouter(made, unquote(end[2] as string), unquote(end[3] as string)) : undefined;
    },
  };
}

function withRouter(event: LogEvent, router: string | undefined, server: string | undefined): LogEvent {
  const fields = event as Record<string, unknown>;
  fields["service.name"] = router;
  fields["service.address"] = server;
  return event;
}

function unquote(written: string): string | undefined {
  return present(unescapeLogValue(written.replace(/^"|"$/g, "")));
}
