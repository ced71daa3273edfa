import type { LogEvent } from "#core/event.ts";
import type { Envelope } from "../program-parser.ts";
import { nobody, sshEvent, unescapeVis, type Peer } from "./event.ts";
import { fromHostEndingAt, fromPeerEndingAt, type PlacedPeer } from "./peer.ts";

/** sshd cuts names to 100 bytes in these messages (`%.100s`). */
const longestName = 100;

/**
 * auth.c, auth_log: `VERB METHOD for [invalid user ]NAME from ADDR port N ssh2[: KEY]`, VERB being Accepted, Failed, Postponed or
 * Partial. Version 1 of the protocol ends after the port. `end` is where the message ends without ` [preauth]`.
 */
export function readAttempt(message: string, end: number, verb: "Accepted" | "Failed" | "Postponed" | "Partial", envelope: Envelope): LogEvent | undefined {
  const methodAt = verb.length + 1;
  const methodEnd = message.indexOf(" for ", methodAt);
  if (methodEnd < 0) return undefined;
  let nameAt = methodEnd + 5;
  const invalid = message.startsWith("invalid user ", nameAt) || message.startsWith("illegal user ", nameAt);
  if (invalid) nameAt += 13;

  let peer: Peer;
  const placed = message.startsWith(" ssh2", end - 5) ? fromPeerEndingAt(message, end - 5) : fromPeerEndingAt(message, end);
  if (placed && placed.at >= nameAt) peer = { host: placed.host, port: placed.port, user: message.slice(nameAt, placed.at) };
  else {
    const withKey = peerBeforeKey(message, nameAt, end);
    if (!withKey) return undefined;
    peer = withKey;
  }

  const method = methodName(message, methodAt, methodEnd);
  if (verb === "Accepted") return sshEvent(envelope, message, "authentication", "ssh_login", "success", undefined, peer, method);
  if (verb === "Failed" && method !== "none") {
    const reason = invalid ? "invalid_user" : method === "password" ? "bad_password" : undefined;
    return sshEvent(envelope, message, "authentication", "ssh_login", "failure", reason, peer, method);
  }
  const reason = invalid ? "invalid_user" : verb === "Failed" ? undefined : verb === "Partial" ? "partial" : "postponed";
  return sshEvent(envelope, message, "authentication", "ssh_login", "unknown", reason, peer, method);
}

/** The method, as a constant where it is a usual one. */
function methodName(message: string, at: number, end: number): string {
  if (end - at === 8 && message.startsWith("password", at)) return "password";
  if (end - at === 9 && message.startsWith("publickey", at)) return "publickey";
  if (end - at === 4 && message.startsWith("none", at)) return "none";
  return message.slice(at, end);
}

/**
 * The peer where a key, certificate or client follows (`… ssh2: RSA SHA256:… ID NAME (serial 0) CA …`). A certificate's id and a
 * host-based client's names are the peer's own text, as is the user name: where more than one reading is left, none is taken and
 * the attempt has no address.
 */
function peerBeforeKey(message: string, nameAt: number, end: number): Peer | undefined {
  const mark = message.includes(" ssh2: ", nameAt) ? " ssh2: " : message.includes(" ruser ", nameAt) ? " ruser " : undefined;
  if (mark === undefined) return undefined;
  let found: PlacedPeer | undefined;
  for (let at = message.lastIndexOf(mark, end); at > nameAt; at = message.lastIndexOf(mark, at - 1)) {
    const peer = fromPeerEndingAt(message, at);
    if (!peer || peer.at < nameAt) continue;
    if (found) {
      // Reading from the right: a plain key after the mark leaves no room for anything crafted.
      if (found.at - nameAt > 4 * longestName || Buffer.byteLength(unescapeVis(message.slice(nameAt, found.at))) > longestName) found = peer;
      else return nobody;
    } else {
      found = peer;
      if (isPlainKey(message, at + mark.length, end)) break;
    }
  }
  return found && { host: found.host, port: found.port, user: message.slice(nameAt, found.at) };
}

/** `TYPE FINGERPRINT`: two words and no more. */
function isPlainKey(message: string, at: number, end: number): boolean {
  const space = message.indexOf(" ", at);
  return space > at && space < end && message.indexOf(" ", space + 1) < 0;
}

/** auth.c, getpwnamallow: `Invalid user NAME from ADDR[ port N]`; `Illegal user` before OpenSSH 3.9. */
export function readInvalidUser(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  const nameAt = 13;
  const placed = fromPeerEndingAt(message, end) ?? fromHostEndingAt(message, end);
  if (!placed || placed.at < nameAt) return undefined;
  const peer: Peer = { host: placed.host, port: placed.port, user: message.slice(nameAt, placed.at) };
  return sshEvent(envelope, message, "authentication", "ssh_invalid_user", "failure", "invalid_user", peer);
}

/** auth2.c before 5.9 and monitor.c: `input_userauth_request: invalid user NAME`; the rest of the message is the name. */
export function readUserauthRequest(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  const nameAt = start + "input_userauth_request: ".length;
  if (!message.startsWith("invalid user ", nameAt) && !message.startsWith("illegal user ", nameAt)) return undefined;
  const peer: Peer = { host: undefined, port: undefined, user: message.slice(nameAt + 13, end) };
  return sshEvent(envelope, message, "authentication", "ssh_invalid_user", "failure", "invalid_user", peer);
}

/** auth.c, auth_maxtries_exceeded: `maximum authentication attempts exceeded for [invalid user ]NAME from ADDR port N ssh2`. */
export function readMaximumAttempts(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  let nameAt = start + "maximum authentication attempts exceeded for ".length;
  const invalid = message.startsWith("invalid user ", nameAt);
  if (invalid) nameAt += 13;
  const placed = fromPeerEndingAt(message, message.startsWith(" ssh2", end - 5) ? end - 5 : end);
  if (!placed || placed.at < nameAt) return undefined;
  const peer: Peer = { host: placed.host, port: placed.port, user: message.slice(nameAt, placed.at) };
  return sshEvent(envelope, message, "authentication", "ssh_max_attempts", "failure", invalid ? "invalid_user" : "max_attempts", peer);
}
