import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import type { LogEvent } from "#core/event.ts";
import { addressOf, portOf } from "../client-address.ts";
import { errorEvent, type ErrorMeaning } from "../error-event.ts";
import { unescapeLogValue } from "../log-escapes.ts";
import { hostName, requestParts } from "../request-line.ts";
import { timeFormat } from "../time-format.ts";

/**
 * Error log of Apache, 2.2 (`[time] [error] [client 1.2.3.4] message`) and 2.4 (`[time] [module:level] [pid n:tid m] [client 1.2.3.4:5678]
 * AH00000: message, referer: …`). The client is in the head, which Apache writes before anything a client sent. Its time has
 * no zone. https://httpd.apache.org/docs/2.4/logs.html#errorlog
 */
export const apacheError: ParserPlugin = {
  name: "apache-error",
  recognizes: (text) => head.test(text.slice(0, 512)),
  build: buildApacheError,
};

const level = "(?:trace[1-8]|debug|info|notice|warn|error|crit|alert|emerg)";
/** Time, year, module and level, process id, client. */
const head = new RegExp(
  String.raw`^\[[A-Z][a-z]{2} ([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4})\] \[(?:([\w.-]{0,64}):)?(${level})\] ` +
    String.raw`(?:\[pid (\d{1,10})(?::tid \d{1,20})?\] )?(?:\[remote [^\]\s]{1,300}\] )?(?:\[client (\[[0-9a-fA-F:.%\w]{2,64}\](?::\d{1,5})?|[^\]\s]{1,300})\] )?`,
);

function buildApacheError(context: ParserContext): Parser {
  const readTime = timeFormat("%b %e %H:%M:%S.%f %Y", context.timeZone);
  const readWhole = timeFormat("%b %e %H:%M:%S %Y", context.timeZone);
  const request = requestParts();
  return {
    name: "apache-error",
    parse(record): LogEvent | undefined {
      const found = head.exec(record.text.slice(0, 1_024));
      if (!found) return undefined;
      const written = found[1] as string;
      const time = (written.includes(".") ? readTime : readWhole).read(written, record.writtenBy);
      if (Number.isNaN(time)) return undefined;
      const client = found[5];
      // An error of the system may stand between: `(13)Permission denied: [client 1.2.3.4:5678] AH00035: …`.
      const late =
        client === undefined
          ? /^\(\d{1,6}\)[\w .,'/-]{1,80}: \[client (\[[0-9a-fA-F:.%\w]{2,64}\](?::\d{1,5})?|[^\]\s]{1,300})\] /.exec(
              record.text.slice(found[0].length, found[0].length + 512),
            )
          : null;
      const peer = client ?? late?.[1];
      const message = record.text.slice(found[0].length + (late?.[0].length ?? 0));
      const address = peer === undefined ? undefined : addressOf(peer);
      const code = /^(AH\d{5}): /.exec(message.slice(0, 16))?.[1];
      const body = code === undefined ? message : message.slice(code.length + 2);
      const security = body.includes("ModSecurity: ") ? body.slice(body.indexOf("ModSecurity: ")) : undefined;
      const meaning = peer === undefined ? undefined : meaningOf(body, code, security);
      return errorEvent(
        {
          time,
          module: "apache-error",
          dataset: "apache.error",
          level: found[3],
          meaning,
          code,
          address,
          port: address === undefined ? undefined : portOf(peer as string),
          domain: address === undefined && peer !== undefined ? hostName(peer) : undefined,
          server: undefined,
          request: undefined,
          host: tagOf(security, "hostname"),
          referrer: meaning?.action === "http_auth" || security !== undefined ? undefined : refererOf(body),
          path: tagOf(security, "uri") ?? pathOf(body, meaning),
          pid: found[4] === undefined ? undefined : Number(found[4]),
          ruleId: tagOf(security, "id"),
          ruleName: tagOf(security, "msg"),
          message,
        },
        request,
      );
    },
  };
}

/** Meaning by number (2.4) or by words (2.2); in words the client's own text comes last or in a known place. */
function meaningOf(body: string, code: string | undefined, security: string | undefined): ErrorMeaning {
  if (security !== undefined)
    return security.startsWith("ModSecurity: Access denied")
      ? { action: "http_denied", reason: "modsecurity" }
      : { action: "http_error", reason: "modsecurity_warning" };
  if (body.startsWith("user ")) {
    // `user NAME: authentication failure for "URI": …`, `user NAME not found: URI`, ``user `NAME' in realm `REALM' not found: URI``.
    // The first mark ends the name; a name that holds one is cut.
    const ends = [": authentication failure for ", " not found: ", "' in realm `", ": password mismatch: "]
      .map((mark) => body.indexOf(mark))
      .filter((at) => at > 0);
    const end = Math.min(...ends);
    if (ends.length > 0)
      return {
        action: "http_auth",
        reason: body.startsWith(": ", end) || !body.includes(" not found: ", end) ? "bad_password" : "invalid_user",
        user: nameOf(body, end),
      };
  }
  if (code === "AH01617" || code === "AH01618" || code === "AH01614")
    return { action: "http_auth", reason: code === "AH01618" ? "invalid_user" : code === "AH01617" ? "bad_password" : undefined };
  if (code === "AH01630" || code === "AH01797" || body.startsWith("client denied by server configuration: "))
    return { action: "http_denied", reason: code === undefined || code === "AH01630" || code === "AH01797" ? "forbidden_by_rule" : undefined };
  if (code === "AH01276" || body.startsWith("Directory index forbidden by ") || body.startsWith("Cannot serve directory "))
    return { action: "http_denied", reason: "directory_index" };
  if (code === "AH01071" || code === "AH01075") return { action: "http_error", reason: undefined };
  if (code === "AH00128" || body.startsWith("File does not exist: ") || body.startsWith("script not found or unable to stat: ") || isMissingScript(body))
    return { action: "http_error", reason: "not_found" };
  if (code === "AH00126" || code === "AH00135" || body.startsWith("Invalid URI in request ") || body.startsWith("Invalid method in request "))
    return { action: "http_error", reason: "invalid_request" };
  if (code === "AH02008" || code === "AH02004" || body.startsWith("SSL library error")) return { action: "http_error", reason: "tls_handshake" };
  if (code === "AH00035" || code === "AH00529") return { action: "http_denied", reason: "permission" };
  return { action: "http_error", reason: undefined };
}

/** `script '/path' not found or unable to stat`, with or without the referrer behind it. */
function isMissingScript(body: string): boolean {
  return body.startsWith("script '") && body.includes("' not found or unable to stat");
}

function nameOf(body: string, end: number): string | undefined {
  // Digest authentication writes `NAME'; the closing quote is part of the mark behind it.
  const name = unescapeLogValue(body.slice(body.startsWith("user `") ? 6 : 5, end));
  return name === "" ? undefined : name;
}

/** Path in the file system or on the site at the end of a message that tells one. */
function pathOf(body: string, meaning: ErrorMeaning | undefined): string | undefined {
  if (meaning?.action !== "http_auth") return undefined;
  const referer = body.lastIndexOf(", referer: ");
  const text = referer < 0 ? body : body.slice(0, referer);
  const quoted = /: authentication failure for "([^"]{0,4096})": /.exec(text.slice(0, 8_192))?.[1];
  const plain = quoted ?? /(?: not found| password mismatch): (\/\S{0,4096})$/.exec(text.slice(0, 8_192))?.[1];
  return plain === undefined ? undefined : unescapeLogValue(plain);
}

function refererOf(body: string): string | undefined {
  const at = body.lastIndexOf(", referer: ");
  return at < 0 ? undefined : unescapeLogValue(body.slice(at + 11));
}

/** Value of `[name "value"]` of a ModSecurity line; quotes inside are escaped. */
function tagOf(security: string | undefined, name: string): string | undefined {
  if (security === undefined) return undefined;
  // The rule's own tags come first; `data` with the client's text, then host name and path, which ModSecurity writes last.
  const open = `[${name} "`;
  const at = name === "hostname" || name === "uri" ? security.lastIndexOf(open) : security.indexOf(open);
  if (at < 0) return undefined;
  const from = at + open.length;
  for (let quote = security.indexOf('"]', from); quote >= 0; quote = security.indexOf('"]', quote + 1)) {
    if (security.charCodeAt(quote - 1) !== 92) return unescapeLogValue(security.slice(from, quote));
  }
  return undefined;
}
