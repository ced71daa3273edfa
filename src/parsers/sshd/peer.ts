import { normalizeAddress } from "#core/ip.ts";
import type { Peer } from "./event.ts";

/** Longest host name that sshd can know (NI_MAXHOST is 1,025, DNS ends at 255). */
const longestHost = 255;

/** A peer and where its text begins in the message. */
export interface PlacedPeer {
  readonly host: string;
  readonly port: number | undefined;
  /** Index of the address. */
  readonly at: number;
}

/**
 * The `ADDR port N` that ends exactly at `end`. Reading backwards from what sshd appended is what makes a crafted user name
 * harmless: an address has no spaces, so the name before it can say what it likes.
 */
export function peerEndingAt(message: string, end: number): PlacedPeer | undefined {
  let i = end;
  let port = 0;
  let unit = 1;
  for (let digit = message.charCodeAt(i - 1) - 48; digit >= 0 && digit <= 9; digit = message.charCodeAt(--i - 1) - 48) {
    port += digit * unit;
    unit *= 10;
    if (unit > 100_000) break;
  }
  if (i === end || port > 65_535) return undefined;
  // `port -1` is what very old versions say of a peer that is gone.
  if (!message.startsWith(" port ", i - 6)) return undefined;
  const stop = i - 6;
  const at = message.lastIndexOf(" ", stop - 1) + 1;
  if (at >= stop || stop - at > longestHost) return undefined;
  return { host: message.slice(at, stop), port, at };
}

/** The peer of `… from ADDR port N` that ends exactly at `end`; `at` is where ` from ` begins. */
export function fromPeerEndingAt(message: string, end: number): PlacedPeer | undefined {
  const peer = peerEndingAt(message, end);
  if (!peer || !message.startsWith(" from ", peer.at - 6)) return undefined;
  return { host: peer.host, port: peer.port, at: peer.at - 6 };
}

/** The peer of `… from ADDR` (before OpenSSH 7.3 most messages had no port) that ends exactly at `end`. */
export function fromHostEndingAt(message: string, end: number): PlacedPeer | undefined {
  const at = message.lastIndexOf(" ", end - 1) + 1;
  if (at >= end || end - at > longestHost || !message.startsWith(" from ", at - 6)) return undefined;
  return { host: message.slice(at, end), port: undefined, at: at - 6 };
}

/** The peer of `ADDR port N` or `ADDR` that begins at `at` and is followed by a colon, a space or nothing; with the index after it. */
export function peerAt(message: string, at: number): (PlacedPeer & { readonly end: number }) | undefined {
  let stop = message.indexOf(" ", at);
  if (stop < 0) stop = message.length;
  let end = stop;
  if (message.startsWith(" port ", stop)) {
    let port = 0;
    let i = stop + 6;
    for (let digit = message.charCodeAt(i) - 48; digit >= 0 && digit <= 9 && i < stop + 11; digit = message.charCodeAt(++i) - 48) port = port * 10 + digit;
    if (i > stop + 6 && port <= 65_535 && stop > at && stop - at <= longestHost) return { host: message.slice(at, stop), port, at, end: i };
  }
  if (message.charCodeAt(stop - 1) === 58 && (message.charCodeAt(stop - 2) !== 58 || message.charCodeAt(stop - 3) === 58)) end = --stop;
  else if (message.charCodeAt(stop - 1) === 46) end = --stop;
  if (stop <= at || stop - at > longestHost) return undefined;
  return { host: message.slice(at, stop), port: undefined, at, end };
}

/** How far the connection had come when sshd wrote its name for it (packet.c, sshpkt_fmt_connection_id). */
export interface Connection extends Peer {
  readonly stage: "unknown" | "invalid_user" | "authenticating_user" | "signed_in";
}

/**
 * `[invalid user NAME |authenticating user NAME |user NAME ]ADDR port N` in `message` from `at` to `end`. Before OpenSSH 7.5
 * there are no names, and before 7.3 no port. Undefined where the text is no such thing (`remote host`).
 */
export function connectionBetween(message: string, at: number, end: number): Connection | undefined {
  const peer = peerEndingAt(message, end);
  if (!peer || peer.at < at) {
    const host = message.slice(at, end);
    return isHost(host) ? { stage: "unknown", host, port: undefined, user: undefined } : undefined;
  }
  if (!isHost(peer.host)) return undefined;
  if (peer.at === at) return { stage: "unknown", host: peer.host, port: peer.port, user: undefined };
  const nameAt = stageEnd(message, at);
  if (nameAt < 0 || nameAt > peer.at) return undefined;
  const letter = message.charCodeAt(at);
  const stage = letter === 105 ? "invalid_user" : letter === 97 ? "authenticating_user" : "signed_in";
  return { stage, host: peer.host, port: peer.port, user: nameAt === peer.at ? "" : message.slice(nameAt, peer.at - 1) };
}

/**
 * The connection from `at` on that is followed by `mark` and a text. Where the text is sshd's own, the last reading is right
 * whatever the name says. Where the peer may have written into the text too (`crafted`) and more than one reading is possible,
 * the connection has no host.
 */
export function connectionBefore(message: string, at: number, mark: string, crafted: boolean): (Connection & { readonly end: number }) | undefined {
  if (stageEnd(message, at) < 0) {
    const peer = peerAt(message, at);
    if (!peer || !isHost(peer.host) || !message.startsWith(mark, peer.end)) return undefined;
    return { stage: "unknown", host: peer.host, port: peer.port, user: undefined, end: peer.end };
  }
  let found: (Connection & { readonly end: number }) | undefined;
  for (let end = message.lastIndexOf(mark); end > at; end = message.lastIndexOf(mark, end - 1)) {
    const connection = connectionBetween(message, at, end);
    if (!connection || connection.stage === "unknown") continue;
    if (found) return { stage: connection.stage, host: undefined, port: undefined, user: undefined, end: found.end };
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
