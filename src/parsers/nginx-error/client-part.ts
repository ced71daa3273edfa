import { addressOf } from "../client-address.ts";

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
 * which ends at its first colon (RFC 7617) and so cannot hold `client: `. `path`: a path made from the request's, then always
 * `(2: No such file or directory)` or the like. `while`: a client's text, then always `while …`. `unknown`: anything.
 */
export type MessageKind = "fixed" | "path" | "while" | "unknown";

const pathEnd = /(?:\(\d{1,3}: [A-Za-z ]{2,60}\)|" is forbidden)$/;
const whileEnd = / while [a-z ]{3,60}$/;

/**
 * The part `, client: A, server: S, request: "R", upstream: "U", host: "H", referrer: "F"` of an error message. nginx escapes nothing
 * here, and clients choose the path in the message before it as well as the request, host and referrer behind it, so
 * there may be several places that look like its begin.
 *
 * Of a `fixed` message the first place is nginx's. Of `path` and `while` a place counts only behind the end that such messages have; where
 * several are left that name different addresses, the line can truly be read in two ways (what stands in a path could
 * as well stand in a referrer), and no address is believed.
 */
export function clientPart(message: string, kind: MessageKind): ClientPart | undefined {
  const all: Candidate[] = [];
  let complete = true;
  for (let at = message.indexOf(mark); at >= 0; at = message.indexOf(mark, at + mark.length)) {
    const begin = at + mark.length;
    const comma = message.indexOf(",", begin);
    const end = comma < 0 ? message.length : comma;
    if (end - begin > 64 || (comma >= 0 && !message.startsWith(", server: ", comma))) continue;
    const address = addressOf(message.slice(begin, end));
    if (address === undefined) continue;
    complete = all.length < maximumCandidates;
    if (!complete) break;
    all.push({ start: at, end, address });
    if (kind === "fixed") break;
  }
  const endsWell = ({ start, end }: Candidate): boolean => {
    if (kind === "fixed" || kind === "unknown") return true;
    const before = message.slice(Math.max(0, start - 80), start);
    return kind === "while" ? whileEnd.test(before) : pathEnd.test(before) && hasRequest(message, end);
  };
  const ended = all.filter(endsWell);
  const candidates = ended.length > 0 ? ended : all;
  const found = candidates[0];
  if (found === undefined) return undefined;
  const certain = complete && candidates.every(({ address }) => address === found.address);
  return { start: found.start, address: certain ? found.address : undefined, ...(certain ? tailOf(message, found.end) : noTail) };
}

/** Whether `, server: NAME, request: "` begins at `at`: names of servers hold no commas. */
function hasRequest(message: string, at: number): boolean {
  return message.startsWith(', request: "', message.indexOf(",", at + 1));
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
