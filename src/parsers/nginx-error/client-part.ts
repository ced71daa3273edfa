import { addressOf } from "../client-address.ts";
import { decodeUrl } from "../url-decoding.ts";

/** What nginx appends to an error message about a request. */
export interface ClientPart {
  /** Index at which it begins. */
  readonly start: number;
  /** Undefined where the line can be read in two ways: rather nobody than the wrong one. */
  readonly address: string | undefined;
  readonly server: string | undefined;
  readonly request: string | undefined;
  readonly host: string | undefined;
  readonly referrer: string | undefined;
}

const mark = ", client: ";
const maximumCandidates = 16;

interface Candidate {
  readonly start: number;
  readonly end: number;
  readonly address: string;
}

/**
 * What stands before the client part of a message. `fixed`: nothing that a client chose, or a user name of basic authentication,
 * which ends at its first colon (RFC 7617) and so cannot hold `client: `. `path`: a path made from the request's. `unknown`: anything.
 */
export type MessageKind = "fixed" | "path" | "unknown";

/**
 * The part `, client: A, server: S, request: "R", upstream: "U", host: "H", referrer: "F"` of an error message. nginx escapes nothing
 * here, and clients choose the path in the message before it as well as the request, host and referrer behind it, so
 * there may be several places that look like its begin.
 *
 * Of a `fixed` message the first place is nginx's. A place inside a path is told by the request that follows the true one: the
 * path came from it; where a referrer could have been made to look the same, no address is believed. Of other messages
 * all places must name one address.
 */
export function clientPart(message: string, kind: MessageKind): ClientPart | undefined {
  const candidates: Candidate[] = [];
  for (let at = message.indexOf(mark); at >= 0 && candidates.length < maximumCandidates; at = message.indexOf(mark, at + mark.length)) {
    const begin = at + mark.length;
    const comma = message.indexOf(",", begin);
    const end = comma < 0 ? message.length : comma;
    if (end - begin > 64 || (comma >= 0 && !message.startsWith(", server: ", comma))) continue;
    const address = addressOf(message.slice(begin, end));
    if (address !== undefined) candidates.push({ start: at, end, address });
    if (kind === "fixed" && candidates.length > 0) break;
  }
  const first = candidates[0];
  if (first === undefined) return undefined;
  const tails = candidates.map((candidate) => tailOf(message, candidate.end));
  let chosen = 0;
  let certain = kind !== "unknown" || candidates.length === 1;
  if (candidates.length > 1 && kind === "path") {
    const explained = tails.findLastIndex((tail, i) => i > 0 && mentionsClient(tail.request));
    if (explained > 0) {
      chosen = explained;
      const between = message.slice(first.end, (candidates[explained] as Candidate).start);
      certain = !between.includes(', referrer: "');
    }
  }
  const found = candidates[chosen] as Candidate;
  const same = candidates.every((candidate) => candidate.address === found.address);
  return certain || same ? { start: found.start, address: found.address, ...(tails[chosen] as Tail) } : { start: found.start, address: undefined, ...noTail };
}

interface Tail {
  readonly server: string | undefined;
  readonly request: string | undefined;
  readonly host: string | undefined;
  readonly referrer: string | undefined;
}

const noTail: Tail = { server: undefined, request: undefined, host: undefined, referrer: undefined };

/** Reads what follows the address; each value up to where the next name begins, in nginx's order. */
function tailOf(message: string, at: number): Tail {
  const rest = message.slice(at);
  const server = between(rest, ", server: ", 0, [", request: ", ", upstream: ", ", host: ", ", login: "]);
  const start = rest.indexOf(', request: "');
  const request = start < 0 ? undefined : between(rest, ', request: "', start, ['", subrequest: "', '", upstream: "', '", host: "', '", referrer: "']);
  const behind = start < 0 ? 0 : start + 12 + (request?.length ?? 0);
  const host = between(rest, ', host: "', behind, ['", referrer: "']);
  const referrer = between(rest, ', referrer: "', behind, []);
  return { server, request: unquoted(request), host: unquoted(host), referrer: unquoted(referrer) };
}

function between(text: string, name: string, from: number, ends: readonly string[]): string | undefined {
  const start = text.indexOf(name, from);
  if (start < 0) return undefined;
  let end = text.length;
  for (const mark of ends) {
    const at = text.indexOf(mark, start + name.length);
    if (at >= 0 && at < end) end = at;
  }
  return text.slice(start + name.length, end);
}

function unquoted(value: string | undefined): string | undefined {
  return value?.endsWith('"') ? value.slice(0, -1) : value;
}

/** Whether a request, as sent or decoded, holds the text that nginx writes before an address. */
function mentionsClient(request: string | undefined): boolean {
  return request !== undefined && (request.includes(" client: ") || (decodeUrl(request)?.includes(" client: ") ?? false));
}
