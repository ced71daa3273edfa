import { unescapeLogValue } from "./log-escapes.ts";
import { decodeUrl } from "./url-decoding.ts";

/** What a request line says; reused from line to line, so that reading one allocates nothing but the strings. */
export interface RequestParts {
  method: string | undefined;
  /** Target as the client wrote it, or the whole line as logged where it is not HTTP. */
  original: string | undefined;
  path: string | undefined;
  query: string | undefined;
  domain: string | undefined;
  version: string | undefined;
  decoded: string | undefined;
  malformed: true | undefined;
}

export function requestParts(): RequestParts {
  return {
    method: undefined,
    original: undefined,
    path: undefined,
    query: undefined,
    domain: undefined,
    version: undefined,
    decoded: undefined,
    malformed: undefined,
  };
}

/** One of the usual methods as a constant: nothing is allocated for it. */
function knownMethod(text: string, start: number, length: number): string | undefined {
  let name: string;
  switch (text.charCodeAt(start)) {
    case 71:
      name = "GET";
      break;
    case 80:
      name = length === 4 ? "POST" : length === 3 ? "PUT" : length === 5 ? "PATCH" : "PROPFIND";
      break;
    case 72:
      name = "HEAD";
      break;
    case 79:
      name = "OPTIONS";
      break;
    case 68:
      name = "DELETE";
      break;
    case 67:
      name = "CONNECT";
      break;
    default:
      return undefined;
  }
  return name.length === length && text.startsWith(name, start) ? name : undefined;
}

/** RFC 9110 token, at most 32 characters. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/;

/** Fills `parts` from a request line in `text` between `start` and `end`, escapes still in it. */
export function readRequest(parts: RequestParts, text: string, start: number, end: number): void {
  parts.domain = undefined;
  parts.query = undefined;
  parts.decoded = undefined;
  parts.malformed = undefined;
  parts.version = undefined;
  const length = end - start;
  if (length === 0 || (length === 1 && text.charCodeAt(start) === 45)) {
    // Nothing was sent (an idle preconnect that timed out, a closed connection): no request, and no garbage either.
    parts.method = undefined;
    parts.original = undefined;
    parts.path = undefined;
    return;
  }
  const space = text.indexOf(" ", start);
  if (space < 0 || space >= end || space === start) return readGarbage(parts, text, start, end);
  const method = knownMethod(text, start, space - start) ?? methodToken(text, start, space);
  if (method === undefined) return readGarbage(parts, text, start, end);
  parts.method = method;
  let targetEnd = end;
  // ` HTTP/1.1`
  if (text.charCodeAt(end - 9) === 32 && text.startsWith("HTTP/", end - 8) && text.charCodeAt(end - 2) === 46) {
    targetEnd = end - 9;
    parts.version = versionOf(text, end - 3, 3);
  } else if (text.charCodeAt(end - 7) === 32 && text.startsWith("HTTP/", end - 6)) {
    targetEnd = end - 7;
    parts.version = versionOf(text, end - 1, 1);
  }
  if (targetEnd <= space + 1) return readGarbage(parts, text, start, end);
  const written = text.slice(space + 1, targetEnd);
  if (parts.version === undefined) {
    // HTTP/0.9 has no version and no spaces; a target that is none at all means that this was never HTTP.
    if (!isTarget(written)) return readGarbage(parts, text, start, end);
    if (written.includes(" ")) parts.malformed = true;
  }
  readTarget(parts, method, unescapeLogValue(written));
}

/** Fills path, query, domain and the decoded form from a target without log escapes. */
export function readTarget(parts: RequestParts, method: string | undefined, target: string): void {
  parts.original = target;
  parts.decoded = decodeUrl(target);
  let rest = target;
  if (target.charCodeAt(0) !== 47) {
    if (method === "CONNECT") {
      parts.domain = hostName(target);
      parts.path = undefined;
      return;
    }
    // Absolute form (RFC 9112, 3.2.2): what open-proxy scanners send.
    const scheme = target.indexOf("://");
    if (scheme > 0 && scheme < 12) {
      const slash = target.indexOf("/", scheme + 3);
      const question = target.indexOf("?", scheme + 3);
      const stop = slash < 0 ? question : question < 0 ? slash : Math.min(slash, question);
      parts.domain = hostName(stop < 0 ? target.slice(scheme + 3) : target.slice(scheme + 3, stop));
      rest = stop < 0 ? "/" : stop === question ? `/${target.slice(stop)}` : target.slice(stop);
    }
  }
  const question = rest.indexOf("?");
  if (question < 0) {
    parts.path = rest;
    return;
  }
  parts.path = rest.slice(0, question);
  parts.query = rest.slice(question + 1);
}

/** Host of `host[:port]`, in lower case and without a port; undefined where it is no host name or address. */
export function hostName(written: string): string | undefined {
  if (written.length > 300) return undefined;
  const at = written.lastIndexOf("@");
  const host = /^(\[[0-9a-fA-F:.]+\]|[^\s:/?#"\\]+)(?::\d{0,5})?$/.exec(at < 0 ? written : written.slice(at + 1))?.[1];
  if (host === undefined || host === "-") return undefined;
  return (host.startsWith("[") ? host.slice(1, -1) : host).toLowerCase();
}

function methodToken(text: string, start: number, end: number): string | undefined {
  if (end - start > 32) return undefined;
  const method = text.slice(start, end);
  return token.test(method) ? method : undefined;
}

function isTarget(written: string): boolean {
  return written.startsWith("/") || written === "*" || /^[a-z]{1,10}:\/\/\S/i.test(written);
}

function versionOf(text: string, at: number, length: number): string | undefined {
  const major = text.charCodeAt(at);
  if (length === 1) return major === 49 ? "1" : major === 50 ? "2" : major === 51 ? "3" : undefined;
  const minor = text.charCodeAt(at + 2);
  if (minor === 49 && major === 49) return "1.1";
  if (minor === 48) return major === 50 ? "2.0" : major === 49 ? "1.0" : major === 51 ? "3.0" : undefined;
  return minor === 57 && major === 48 ? "0.9" : undefined;
}

/** TLS on a plain port, another protocol, binary noise: kept as the server wrote it, escapes and all. */
function readGarbage(parts: RequestParts, text: string, start: number, end: number): void {
  parts.method = undefined;
  parts.path = undefined;
  parts.version = undefined;
  parts.original = escapeRaw(text.slice(start, end));
  parts.malformed = true;
}

/** Servers that do not escape leave raw bytes in the line: they become `\xHH` here, as nginx writes them. */
function escapeRaw(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
