import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import type { LogEvent } from "#core/event.ts";
import { portOf } from "../client-address.ts";
import { errorEvent, type ErrorMeaning } from "../error-event.ts";
import { requestParts } from "../request-line.ts";
import { timestampReader } from "../timestamp.ts";
import { clientPart, type MessageKind } from "./client-part.ts";

/**
 * Error log of nginx: `2023/10/10 13:55:36 [error] 1234#5678: *90 message, client: …, server: …, request: "…", …`. Its time has no zone.
 * https://nginx.org/en/docs/ngx_core_module.html#error_log
 */
export const nginxError: ParserPlugin = {
  name: "nginx-error",
  recognizes: (text) => envelope.test(text.slice(0, 128)),
  build: buildNginxError,
};

/** Time, level, process id, thread id, connection number. */
const envelope = /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d) \[(debug|info|notice|warn|error|crit|alert|emerg)\] (\d{1,10})#(\d{1,10}): (?:\*\d{1,20} )?/;

function buildNginxError(context: ParserContext): Parser {
  const readTime = timestampReader(context.timeZone);
  const request = requestParts();
  return {
    name: "nginx-error",
    parse(record): LogEvent | undefined {
      const head = envelope.exec(record.text.slice(0, 128));
      if (!head) return undefined;
      const time = readTime(head[1] as string);
      if (Number.isNaN(time)) return undefined;
      const message = record.text.slice(head[0].length);
      const client = clientPart(message, kindOf(message));
      // A client without address (`unix:`) is one all the same.
      const start = client?.start ?? message.indexOf(", client: ");
      const meaning = start < 0 ? undefined : meaningOf(message.slice(0, start));
      return errorEvent(
        {
          time,
          module: "nginx-error",
          dataset: "nginx.error",
          level: head[2],
          meaning,
          code: undefined,
          address: client?.address,
          port: client?.address === undefined ? undefined : portOf(message.slice(client.start + 10, client.start + 74).split(",")[0] as string),
          domain: undefined,
          server: client?.server === "_" || client?.server === "" ? undefined : client?.server,
          request: client?.request,
          host: client?.host,
          referrer: client?.referrer,
          path: undefined,
          pid: Number(head[3]),
          ruleId: undefined,
          ruleName: undefined,
          message,
        },
        request,
      );
    },
  };
}

const fixedMessages = [
  'user "',
  "no user/password was provided",
  "access forbidden by rule",
  "limiting requests, excess: ",
  "limiting requests, dry run, excess: ",
  "limiting connections by zone ",
  "limiting connections, dry run, by zone ",
  "delaying request, excess: ",
  "client sent invalid method while ",
  "client sent invalid request while ",
  "client sent invalid host header while ",
  "client sent too long URI while ",
  "client sent plain HTTP request to HTTPS port while ",
  "client closed ",
  "client timed out ",
  "client intended to send too large body: ",
  "SSL_do_handshake() failed ",
  "SSL_read() failed ",
  "SSL_write() failed ",
  "peer closed connection in SSL handshake",
  "connect() failed ",
  "connect() to ",
  "upstream timed out ",
  "upstream prematurely closed ",
  "recv() failed ",
  "no live upstreams ",
];
const pathMessages = ['open() "', 'openat() "', 'stat() "', 'opendir() "', 'realpath() "', 'directory index of "'];

function kindOf(message: string): MessageKind {
  const begins = (start: string): boolean => message.startsWith(start);
  if (fixedMessages.some(begins)) return "fixed";
  if (pathMessages.some(begins)) return "path";
  return begins("client sent invalid header line") || begins("FastCGI sent in stderr: ") ? "while" : "unknown";
}

/** What the message before the client part means. */
function meaningOf(text: string): ErrorMeaning {
  if (text.startsWith('user "')) {
    const mismatch = text.endsWith('": password mismatch');
    const end = mismatch ? text.length - 20 : text.lastIndexOf('" was not found in "');
    if (end >= 6) return { action: "http_auth", reason: mismatch ? "bad_password" : "invalid_user", user: end > 6 ? text.slice(6, end) : undefined };
    return { action: "http_auth", reason: undefined };
  }
  if (text.startsWith("no user/password was provided")) return { action: "http_auth", reason: "no_credentials" };
  if (text.startsWith("access forbidden by rule")) return { action: "http_denied", reason: "forbidden_by_rule" };
  if (text.startsWith("directory index of ")) return { action: "http_denied", reason: "directory_index" };
  if (text.startsWith("limiting requests") || text.startsWith("delaying request")) return { action: "http_limited", reason: "request_rate" };
  if (text.startsWith("limiting connections")) return { action: "http_limited", reason: "connections" };
  if (text.startsWith("SSL_do_handshake()") || text.startsWith("peer closed connection in SSL handshake"))
    return { action: "http_error", reason: "tls_handshake" };
  if (text.startsWith("client sent ")) return { action: "http_error", reason: "invalid_request" };
  if (/^client (?:closed|timed out|prematurely closed)/.test(text)) return { action: "http_error", reason: "client_closed" };
  if (text.startsWith("client intended to send too large body")) return { action: "http_error", reason: "too_large" };
  // The path between is the client's: only the end of the message counts.
  if (text.endsWith("(2: No such file or directory)") || text.endsWith("(20: Not a directory)")) return { action: "http_error", reason: "not_found" };
  if (text.endsWith("(13: Permission denied)")) return { action: "http_denied", reason: "permission" };
  if (text.endsWith('" is forbidden')) return { action: "http_denied", reason: "forbidden" };
  return { action: "http_error", reason: undefined };
}
