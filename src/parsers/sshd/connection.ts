import type { LogEvent } from "#core/event.ts";
import type { Envelope } from "../program-parser.ts";
import { addressEvent, sshEvent, unescapeVis } from "./event.ts";
import { connectionBefore, connectionBetween, fromHostBefore, fromHostPortBefore, peerAt, portBetween, type Connection } from "./peer.ts";

const usernameChanged = ": Change of username or service not allowed: (";

/** An end of a connection: after sign-in an ordinary one, before it worth counting. */
function ended(message: string, connection: Connection, reason: string | undefined, envelope: Envelope): LogEvent {
  if (connection.stage === "signed_in") return disconnected(message, reason, connection, envelope);
  return preauthClosed(message, connection.stage === "unknown" ? reason : connection.stage, connection, envelope);
}

function preauthClosed(message: string, reason: string | undefined, { address, port, user }: Connection, envelope: Envelope): LogEvent {
  return addressEvent(envelope, message, "authentication", "ssh_preauth_close", "unknown", reason, address, undefined, port, user, undefined);
}

function disconnected(message: string, reason: string | undefined, { address, port, user }: Connection, envelope: Envelope): LogEvent {
  return addressEvent(envelope, message, "session", "ssh_disconnect", undefined, reason, address, undefined, port, user, undefined);
}

function faulty(message: string, reason: string | undefined, { address, port, user }: Connection, envelope: Envelope): LogEvent {
  return addressEvent(envelope, message, "network", "ssh_protocol_error", "failure", reason, address, undefined, port, user, undefined);
}

/** packet.c, sshpkt_vfatal: `Connection closed by`, `Connection reset by`, `Connection from … timed out`; sshd.c: `Connection from ADDR port N on …`. */
export function readConnection(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  if (message.startsWith("closed by ", 11) || message.startsWith("reset by ", 11)) {
    const connection = connectionBetween(message, message.charCodeAt(11) === 99 ? 21 : 20, end);
    return connection && ended(message, connection, undefined, envelope);
  }
  if (!message.startsWith("from ", 11)) return undefined;
  if (message.endsWith(" timed out", end)) {
    const connection = connectionBetween(message, 16, end - 10);
    return connection && ended(message, connection, "timeout", envelope);
  }
  const peer = peerAt(message, 16);
  if (!peer || (peer.end !== end && !message.startsWith(" on ", peer.end))) return undefined;
  return sshEvent(envelope, message, "network", "ssh_connection", undefined, undefined, peer.host, peer.port, undefined, undefined);
}

/** `Disconnected from CONNECTION`. Versions 7.3 and 7.4 name no user after sign-in either: only ` [preauth]` tells. */
export function readDisconnected(message: string, end: number, preauth: boolean, envelope: Envelope): LogEvent | undefined {
  const connection = connectionBetween(message, 18, end);
  if (!connection) return undefined;
  return connection.stage === "unknown" && !preauth ? disconnected(message, undefined, connection, envelope) : ended(message, connection, undefined, envelope);
}

/** packet.c: `Received disconnect from ADDR[ port N]:[ ]CODE: TEXT`. The text is the peer's, so the address is read from the left. */
export function readReceivedDisconnect(message: string, start: number, preauth: boolean, envelope: Envelope): LogEvent | undefined {
  const peer = peerAt(message, start + 25);
  if (!peer || message.charCodeAt(peer.end) !== 58) return undefined;
  if (preauth) return sshEvent(envelope, message, "authentication", "ssh_preauth_close", "unknown", undefined, peer.host, peer.port, undefined, undefined);
  return sshEvent(envelope, message, "session", "ssh_disconnect", undefined, undefined, peer.host, peer.port, undefined, undefined);
}

/**
 * packet.c, ssh_packet_disconnect: `Disconnecting CONNECTION: TEXT`, before 7.5 `Disconnecting: TEXT`. The texts are sshd's own, so the
 * last connection is the real one, but for that of a changed user name, which ends in the peer's words.
 */
export function readDisconnecting(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  const nobody: Connection = { stage: "unknown", address: undefined, port: undefined, user: undefined };
  if (message.charCodeAt(13) === 58) return disconnecting(message, message.slice(15, end), nobody, envelope);
  let found: Connection | undefined;
  let textAt = 0;
  for (let colon = message.lastIndexOf(": ", end); colon > 14 && !found; colon = message.lastIndexOf(": ", colon - 1)) {
    found = connectionBetween(message, 14, colon);
    textAt = colon;
  }
  if (!found) return undefined;
  const changed = message.lastIndexOf(usernameChanged, end);
  if (changed > 0 && changed < textAt) {
    const connection = connectionBetween(message, 14, changed);
    // Either the name holds a crafted text, or the text a crafted name: nobody can tell.
    if (connection && isChangeOf(connection.user ?? "", message.slice(changed + usernameChanged.length, end))) found = { ...nobody, stage: found.stage };
  }
  return disconnecting(message, message.slice(textAt + 2, end), found, envelope);
}

/** True where `text` may be `NAME,SERVICE) -> (…`, cut by sshd to 56 bytes (100 with the 44 of its own words before). */
function isChangeOf(name: string, text: string): boolean {
  if (text.length > 4 * 56 || Buffer.byteLength(unescapeVis(text)) > 56) return false;
  return text.startsWith(name.slice(0, 14)) && (text.includes(") -> (") || text.length >= 50);
}

function disconnecting(message: string, text: string, connection: Connection, envelope: Envelope): LogEvent {
  const { stage, address, port } = connection;
  if (stage === "signed_in") return disconnected(message, undefined, connection, envelope);
  if (text.startsWith("Too many authentication failures")) {
    // Up to 6.8 the text goes on with the name, and nothing else names it.
    const invalid = text.startsWith(" for invalid user ", 32);
    const user = invalid ? text.slice(50) : text.startsWith(" for ", 32) ? text.slice(37) : connection.user;
    const reason = invalid || stage === "invalid_user" ? "invalid_user" : "max_attempts";
    return addressEvent(envelope, message, "authentication", "ssh_max_attempts", "failure", reason, address, undefined, port, user, undefined);
  }
  if (text.startsWith("Change of username or service not allowed")) return faulty(message, "user_changed", connection, envelope);
  return isProtocolFault(text) ? faulty(message, undefined, connection, envelope) : ended(message, connection, undefined, envelope);
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
  if (connection.stage === "signed_in") return disconnected(message, undefined, connection, envelope);
  const error = message.slice(connection.end + 2, end);
  if (/^(?:Connection (?:timed out|reset by peer|closed by remote host)|Broken pipe|Operation timed out)/.test(error))
    return ended(message, connection, undefined, envelope);
  return faulty(message, undefined, connection, envelope);
}

/** packet.c: `Unable to negotiate with CONNECTION: no matching … found. Their offer: LIST`. The list is the peer's. */
export function readNegotiation(message: string, start: number, envelope: Envelope): LogEvent | undefined {
  const connection = connectionBefore(message, start + "Unable to negotiate with ".length, ": no matching ", true);
  if (!connection) return undefined;
  const { address, port, user } = connection;
  return addressEvent(envelope, message, "network", "ssh_negotiation_failure", "failure", undefined, address, undefined, port, user, undefined);
}

/** sshd.c up to 7.9: `Bad protocol version identification 'TEXT' from ADDR[ port N]`. The text is the peer's. */
export function readBadVersion(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  const withPort = fromHostPortBefore(message, end);
  const hostAt = withPort > 0 ? withPort : fromHostBefore(message, end);
  const stop = withPort > 0 ? message.indexOf(" ", withPort) : end;
  const host = hostAt > 0 ? message.slice(hostAt, stop) : undefined;
  const port = withPort > 0 ? portBetween(message, stop + 6, end) : undefined;
  return sshEvent(envelope, message, "network", "ssh_protocol_error", "failure", "bad_version", host, port, undefined, undefined);
}

/** Messages with the peer right behind their first words: identification, scanners, grace time. `at` is where the peer begins. */
export function readLeadingPeer(
  message: string,
  at: number,
  action: "ssh_protocol_error" | "ssh_preauth_close" | "ssh_disconnect",
  reason: string | undefined,
  envelope: Envelope,
): LogEvent | undefined {
  const peer = peerAt(message, at);
  if (!peer) return undefined;
  const category = action === "ssh_protocol_error" ? "network" : action === "ssh_preauth_close" ? "authentication" : "session";
  const outcome = action === "ssh_protocol_error" ? "failure" : action === "ssh_preauth_close" ? "unknown" : undefined;
  return sshEvent(envelope, message, category, action, outcome, reason, peer.host, peer.port, undefined, undefined);
}
