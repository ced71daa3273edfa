import { normalizeAddress } from "#core/ip.ts";

/** Longest host name that sshd can print (DNS ends at 255). */
const longestHost = 255;

// A message is read backwards from what sshd appended to it. That is what makes a crafted user name harmless: an address has no
// spaces, so the name before it can say what it likes. These functions give indexes and allocate nothing, for they run on every line.

/** Index of the address of the `ADDR port N` that ends exactly at `end`, or -1. Looks no further back than that, so it may be asked of many ends. */
export function hostBefore(message: string, end: number): number {
  let i = end - 1;
  for (let code = message.charCodeAt(i); code >= 48 && code <= 57 && i > end - 6; code = message.charCodeAt(--i));
  // `i` is on the space before the digits. `port -1` (very old versions, peer gone) is no port.
  if (i === end - 1 || !message.startsWith(" port ", i - 5)) return -1;
  return portBetween(message, i + 1, end) === undefined ? -1 : wordBefore(message, i - 5);
}

/** Index of the word that ends at `end`, or -1 for none or an endless one. */
export function wordBefore(message: string, end: number): number {
  const at = message.lastIndexOf(" ", end - 1) + 1;
  return at >= end || end - at > longestHost ? -1 : at;
}

/** The number whose digits fill the text from `at` to `end`; undefined where there are none, others, or it is no port. */
export function portBetween(message: string, at: number, end: number): number | undefined {
  if (at >= end || end - at > 5) return undefined;
  let port = 0;
  for (let i = at; i < end; i++) {
    const digit = message.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    port = port * 10 + digit;
  }
  return port <= 65_535 ? port : undefined;
}

/** Index of the address of `… from ADDR port N` that ends exactly at `end`, or -1. The text before it ends 6 earlier. */
export function fromHostPortBefore(message: string, end: number): number {
  const at = hostBefore(message, end);
  return at > 6 && message.startsWith(" from ", at - 6) ? at : -1;
}

/** As `fromHostPortBefore`, and twice as fast; looks through the whole message where there is no ` from `, so ask it of one end only. */
export function lastFromHostPort(message: string, end: number): number {
  const at = message.lastIndexOf(" from ", end - 1) + 6;
  const stop = message.indexOf(" ", at);
  if (at < 7 || stop <= at || stop - at > longestHost) return -1;
  return message.startsWith(" port ", stop) && portBetween(message, stop + 6, end) !== undefined ? at : -1;
}

/** Index of the address of `… from ADDR` (most messages before OpenSSH 7.3) that ends exactly at `end`, or -1. */
export function fromHostBefore(message: string, end: number): number {
  const at = wordBefore(message, end);
  return at > 6 && message.startsWith(" from ", at - 6) ? at : -1;
}

/** A peer, and the index after its text. */
export interface LeadingPeer {
  readonly host: string;
  readonly port: number | undefined;
  readonly end: number;
}

/** The `ADDR port N`, or `ADDR`, that begins at `at` and is followed by a colon, a full stop, a space or nothing. */
export function peerAt(message: string, at: number): LeadingPeer | undefined {
  let stop = message.indexOf(" ", at);
  if (stop < 0) stop = message.length;
  if (stop <= at || stop - at > longestHost) return undefined;
  if (message.startsWith(" port ", stop)) {
    let port = 0;
    let i = stop + 6;
    for (let digit = message.charCodeAt(i) - 48; digit >= 0 && digit <= 9 && i < stop + 11; digit = message.charCodeAt(++i) - 48) port = port * 10 + digit;
    if (i > stop + 6 && port <= 65_535) return { host: message.slice(at, stop), port, end: i };
  }
  const last = message.charCodeAt(stop - 1);
  // An address may end in `::`; a third colon is the message's own.
  if (last === 46 || (last === 58 && (message.charCodeAt(stop - 2) !== 58 || message.charCodeAt(stop - 3) === 58))) stop--;
  return stop > at ? { host: message.slice(at, stop), port: undefined, end: stop } : undefined;
}

/** How far a connection had come when sshd wrote its name (packet.c, sshpkt_fmt_connection_id). */
export type Stage = "unknown" | "invalid_user" | "authenticating_user" | "signed_in";

/** `[invalid user NAME |authenticating user NAME |user NAME ]ADDR port N`. */
export interface Connection {
  readonly stage: Stage;
  /** Canonical; undefined where sshd did not know it any more (`UNKNOWN`), or where the message can be read in two ways. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
}

/**
 * The connection that is the whole text from `at` to `end`. Before OpenSSH 7.5 it has no name, and before 7.3 no port. Undefined
 * where the text is no connection (`remote host`).
 */
export function connectionBetween(message: string, at: number, end: number): Connection | undefined {
  const hostAt = hostBefore(message, end);
  if (hostAt < at) {
    const host = message.slice(at, end);
    return isHost(host) ? { stage: "unknown", address: normalizeAddress(host), port: undefined, user: undefined } : undefined;
  }
  const stop = message.indexOf(" ", hostAt);
  const host = message.slice(hostAt, stop);
  const address = normalizeAddress(host);
  if (address === undefined && host !== "UNKNOWN") return undefined;
  const port = portBetween(message, stop + 6, end);
  if (hostAt === at) return { stage: "unknown", address, port, user: undefined };
  const nameAt = stageEnd(message, at);
  if (nameAt < 0 || nameAt > hostAt) return undefined;
  const letter = message.charCodeAt(at);
  const stage = letter === 105 ? "invalid_user" : letter === 97 ? "authenticating_user" : "signed_in";
  return { stage, address, port, user: nameAt === hostAt ? "" : message.slice(nameAt, hostAt - 1) };
}

/**
 * The connection from `at` on that is followed by `mark` and a text. Where the text is sshd's own, the last reading is right
 * whatever the name says. Where the peer may have written into the text too (`crafted`) and more than one reading is possible,
 * the connection has no address.
 */
export function connectionBefore(message: string, at: number, mark: string, crafted: boolean): (Connection & { readonly end: number }) | undefined {
  if (stageEnd(message, at) < 0) {
    const peer = peerAt(message, at);
    if (!peer || !isHost(peer.host) || !message.startsWith(mark, peer.end)) return undefined;
    return { stage: "unknown", address: normalizeAddress(peer.host), port: peer.port, user: undefined, end: peer.end };
  }
  let found: (Connection & { readonly end: number }) | undefined;
  for (let end = message.lastIndexOf(mark); end > at; end = message.lastIndexOf(mark, end - 1)) {
    const connection = connectionBetween(message, at, end);
    if (!connection || connection.stage === "unknown") continue;
    if (found) return { stage: connection.stage, address: undefined, port: undefined, user: undefined, end: found.end };
    found = { ...connection, end };
    if (!crafted) break;
  }
  return found;
}

/** Index after `invalid user `, `authenticating user ` or `user ` at `at`, or -1. */
function stageEnd(message: string, at: number): number {
  if (message.startsWith("invalid user ", at)) return at + 13;
  if (message.startsWith("authenticating user ", at)) return at + 20;
  return message.startsWith("user ", at) ? at + 5 : -1;
}

function isHost(text: string): boolean {
  return text === "UNKNOWN" || (text.length <= 64 && normalizeAddress(text) !== undefined);
}
