import type { LogEvent } from "#core/event.ts";
import type { Envelope } from "../program-parser.ts";
import { nobody, sshEvent, unescapeVis, type Peer } from "./event.ts";
import { connectionBefore, connectionBetween, fromHostEndingAt, fromPeerEndingAt, peerAt, type Connection } from "./peer.ts";

const usernameChanged = ": Change of username or service not allowed: (";

/** An end of a connection: after sign-in an ordinary one, before it worth counting. */
function ended(message: string, connection: Connection, reason: string | undefined, envelope: Envelope): LogEvent {
  if (connection.stage === "signed_in") return sshEvent(envelope, message, "session", "ssh_disconnect", undefined, reason, connection);
  return sshEvent(envelope, message, "authentication", "ssh_preauth_close", "unknown", connection.stage === "unknown" ? reason : connection.stage, connection);
}

/** packet.c, sshpkt_vfatal: `Connection closed by`, `Connection reset by`, `Connection from … timed out`; sshd.c: `Connection from ADDR port N on …`. */
export function readConnection(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  if (message.startsWith("closed by ", 11) || message.startsWith("reset by ", 11)) {
    const at = message.charCodeAt(11) === 99 ? 21 : 20;
    const connection = connectionBetween(message, at, end);
    return connection && ended(message, connection, undefined, envelope);
  }
  if (!message.startsWith("from ", 11)) return undefined;
  if (message.endsWith(" timed out", end)) {
    const connection = connectionBetween(message, 16, end - 10);
    return connection && ended(message, connection, "timeout", envelope);
  }
  const peer = peerAt(message, 16);
  if (!peer || !message.startsWith(" on ", peer.end)) return undefined;
  return sshEvent(envelope, message, "network", "ssh_connection", undefined, undefined, { host: peer.host, port: peer.port, user: undefined });
}

/** `Disconnected from CONNECTION`. Versions 7.3 and 7.4 name no user after sign-in either: only ` [preauth]` tells. */
export function readDisconnected(message: string, end: number, preauth: boolean, envelope: Envelope): LogEvent | undefined {
  const connection = connectionBetween(message, 18, end);
  if (!connection) return undefined;
  if (connection.stage === "unknown" && !preauth) return sshEvent(envelope, message, "session", "ssh_disconnect", undefined, undefined, connection);
  return ended(message, connection, undefined, envelope);
}

/** packet.c: `Received disconnect from ADDR[ port N]:[ ]CODE: TEXT`. The text is the peer's, so the address is read from the left. */
export function readReceivedDisconnect(message: string, start: number, preauth: boolean, envelope: Envelope): LogEvent | undefined {
  const peer = peerAt(message, start + 25);
  if (!peer || message.charCodeAt(peer.end) !== 58) return undefined;
  const from: Peer = { host: peer.host, port: peer.port, user: undefined };
  if (preauth) return sshEvent(envelope, message, "authentication", "ssh_preauth_close", "unknown", undefined, from);
  return sshEvent(envelope, message, "session", "ssh_disconnect", undefined, undefined, from);
}

/**
 * packet.c, ssh_packet_disconnect: `Disconnecting CONNECTION: TEXT`, before 7.5 `Disconnecting: TEXT`. The texts are sshd's own, so the
 * last connection is the real one, but for that of a changed user name, which ends in the peer's words.
 */
export function readDisconnecting(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  let textAt = 13;
  if (message.charCodeAt(13) === 58) return disconnecting(message, message.slice(15, end), { ...nobody, stage: "unknown" }, envelope);
  let found: Connection | undefined;
  let colon = message.lastIndexOf(": ", end);
  for (; found === undefined && colon > 14; colon = message.lastIndexOf(": ", colon - 1)) found = connectionBetween(message, 14, (textAt = colon));
  const changed = message.lastIndexOf(usernameChanged, end);
  if (found && changed > 0 && changed < textAt) {
    const connection = connectionBetween(message, 14, changed);
    // Either the name holds a crafted text, or the text a crafted name: nobody can tell.
    if (connection && isChangeOf(connection.user ?? "", message.slice(changed + usernameChanged.length, end))) found = { ...nobody, stage: found.stage };
  }
  return found && disconnecting(message, message.slice(textAt + 2, end), found, envelope);
}

/** True where `text` may be `NAME,SERVICE) -> (…`, cut by sshd to 56 bytes (100 with the 44 of its own words before). */
function isChangeOf(name: string, text: string): boolean {
  if (text.length > 4 * 56 || Buffer.byteLength(unescapeVis(text)) > 56) return false;
  return text.startsWith(name.slice(0, 14)) && (text.includes(") -> (") || text.length >= 50);
}

function disconnecting(message: string, text: string, connection: Connection, envelope: Envelope): LogEvent {
  if (connection.stage === "signed_in") return sshEvent(envelope, message, "session", "ssh_disconnect", undefined, undefined, connection);
  if (text.startsWith("Too many authentication failures")) {
    // Up to 6.8 the text goes on with the name, and nothing else names it.
    const user = text.startsWith(" for ", 32) ? text.slice(37) : connection.user;
    const peer: Peer = { host: connection.host, port: connection.port, user };
    return sshEvent(envelope, message, "authentication", "ssh_max_attempts", "failure", connection.stage === "invalid_user" ? "invalid_user" : "max_attempts", peer);
  }
  if (text.startsWith("Change of username or service not allowed"))
    return sshEvent(envelope, message, "authentication", "ssh_protocol_error", "failure", "user_changed", connection);
  if (isProtocolFault(text)) return sshEvent(envelope, message, "network", "ssh_protocol_error", "failure", undefined, connection);
  return ended(message, connection, undefined, envelope);
}

const protocolFaults = [
  "Bad packet length",
  "Bad protocol version",
  "Corrupted ",
  "Invalid ssh",
  "Packet corrupt",
  "Packet integrity error",
  "Protocol error",
  "Protocol major versions differ",
  "connection corrupted",
  "crc32 compensation attack",
  "deattack ",
  "dispatch_protocol_error",
  "invalid packet",
  "kex protocol error",
  "kex_protocol_error",
  "padding error",
  "protocol error",
];

/** True for texts that say the peer broke the protocol. */
export function isProtocolFault(text: string): boolean {
  return protocolFaults.some((start) => text.startsWith(start));
}

/** An error of packet.c that names its connection: `WHERE: Connection from CONNECTION: ERROR`. `at` is where the connection begins. */
export function readConnectionError(message: string, at: number, end: number, envelope: Envelope): LogEvent | undefined {
  const connection = connectionBefore(message, at, ": ", false);
  if (!connection) return undefined;
  if (connection.stage === "signed_in") return sshEvent(envelope, message, "session", "ssh_disconnect", undefined, undefined, connection);
  const error = message.slice(connection.end + 2, end);
  if (/^(?:Connection (?:timed out|reset by peer|closed by remote host)|Broken pipe|Operation timed out)/.test(error)) return ended(message, connection, undefined, envelope);
  return sshEvent(envelope, message, "network", "ssh_protocol_error", "failure", undefined, connection);
}

/** packet.c: `Unable to negotiate with CONNECTION: no matching … found. Their offer: LIST`. */
export function readNegotiation(message: string, start: number, envelope: Envelope): LogEvent | undefined {
  const at = start + "Unable to negotiate with ".length;
  const connection = connectionBefore(message, at, ": no matching ", true);
  return connection && sshEvent(envelope, message, "network", "ssh_negotiation_failure", "failure", undefined, connection);
}

/** sshd.c up to 7.9: `Bad protocol version identification 'TEXT' from ADDR[ port N]`. The text is the peer's. */
export function readBadVersion(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  const placed = fromPeerEndingAt(message, end) ?? fromHostEndingAt(message, end);
  const peer: Peer = placed ? { host: placed.host, port: placed.port, user: undefined } : nobody;
  return sshEvent(envelope, message, "network", "ssh_protocol_error", "failure", "bad_version", peer);
}

/** Messages with the peer right behind their first words: identification, scanners, grace time. `at` is where the peer begins. */
export function readLeadingPeer(
  message: string,
  at: number,
  action: "ssh_protocol_error" | "ssh_preauth_close" | "ssh_disconnect",
  reason: string | undefined,
  envelope: Envelope,
): LogEvent | undefined {
  const placed = peerAt(message, at);
  if (!placed) return undefined;
  const peer: Peer = { host: placed.host, port: placed.port, user: undefined };
  if (action === "ssh_protocol_error") return sshEvent(envelope, message, "network", action, "failure", reason, peer);
  if (action === "ssh_preauth_close") return sshEvent(envelope, message, "authentication", action, "unknown", reason, peer);
  return sshEvent(envelope, message, "session", action, undefined, reason, peer);
}
