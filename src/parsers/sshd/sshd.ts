import type { LogEvent } from "#core/event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";
import { readAttempt, readInvalidUser, readMaximumAttempts, readUserauthRequest } from "./attempt.ts";
import {
  isProtocolFault,
  readBadVersion,
  readConnection,
  readConnectionError,
  readDisconnected,
  readDisconnecting,
  readLeadingPeer,
  readNegotiation,
  readReceivedDisconnect,
} from "./connection.ts";
import { sshEvent } from "./event.ts";
import { readAccessDenied, readDropped, readKeyRefused, readPam, readReverseMapping, readRootRefused, readUser } from "./refusal.ts";

/**
 * OpenSSH's server, 5.x to 10.x: every message about authentication, with the address that sshd itself wrote. The forms follow
 * auth.c, auth2.c, auth-pam.c, canohost.c, kex.c, monitor.c, packet.c, sshd.c, sshd-session.c and srclimit.c of its releases.
 */
export const sshd: ProgramParser = {
  name: "sshd",
  programs: ["sshd", "sshd-session", "sshd-auth"],
  parse(message, envelope) {
    let end = message.length;
    const preauth = message.charCodeAt(end - 1) === 93 && message.endsWith(" [preauth]");
    if (preauth) end -= 10;
    return readPlain(message, end, preauth, envelope) ?? readPrefixed(message, end, preauth, envelope);
  },
};

/** Messages of the levels info and verbose, which begin with their own words. By first letter, the most frequent first. */
function readPlain(message: string, end: number, preauth: boolean, envelope: Envelope): LogEvent | undefined {
  switch (message.charCodeAt(0)) {
    case 70: // F
      if (message.startsWith("Failed ")) return readAttempt(message, end, "Failed", envelope);
      break;
    case 73: // I
      if (message.startsWith("Invalid user ") || message.startsWith("Illegal user ")) return readInvalidUser(message, end, envelope);
      break;
    case 67: // C
      if (message.startsWith("Connection ")) return readConnection(message, end, envelope);
      if (message.startsWith("Closing connection to ")) return readLeadingPeer(message, 22, "ssh_disconnect", undefined, envelope);
      break;
    case 82: // R
      if (message.startsWith("Received disconnect from ")) return readReceivedDisconnect(message, 0, preauth, envelope);
      if (message.startsWith("ROOT LOGIN REFUSED FROM ")) return readRootRefused(message, envelope);
      break;
    case 68: // D
      if (message.startsWith("Disconnected from ")) return readDisconnected(message, end, preauth, envelope);
      if (message.startsWith("Disconnecting")) return readDisconnecting(message, end, envelope);
      break;
    case 65: // A
      if (message.startsWith("Accepted ")) return readAttempt(message, end, "Accepted", envelope);
      if (message.startsWith("Address ")) return readReverseMapping(message, end, envelope);
      break;
    case 66: // B
      if (message.startsWith("Bad protocol version identification ")) return readBadVersion(message, end, envelope);
      break;
    case 80: // P
      if (message.startsWith("Postponed ")) return readAttempt(message, end, "Postponed", envelope);
      if (message.startsWith("Partial ")) return readAttempt(message, end, "Partial", envelope);
      break;
    case 85: // U
      if (message.startsWith("User ")) return readUser(message, end, envelope);
      break;
    default:
  }
  return undefined;
}

/** Everything else; errors and fatal errors say so in front. */
function readPrefixed(message: string, end: number, preauth: boolean, envelope: Envelope): LogEvent | undefined {
  const start = message.startsWith("error: ") || message.startsWith("fatal: ") ? 7 : 0;
  switch (message.charCodeAt(start)) {
    case 109: // m
      if (message.startsWith("maximum authentication attempts exceeded for ", start)) return readMaximumAttempts(message, start, end, envelope);
      break;
    case 65: // A
      if (message.startsWith("Access denied for user ", start)) return readAccessDenied(message, start, end, envelope);
      break;
    case 66: // B
      if (message.startsWith("Bad remote protocol version identification", start)) return fault(message, "bad_version", envelope);
      break;
    case 67: // C
      // fatal() said so of a connection that ended, before 7.x.
      if (start > 0 && message.startsWith("Connection ", start)) return withMessage(readConnection(message.slice(start), end - start, envelope), message);
      break;
    case 68: // D
      if (message.startsWith("Did not receive identification string from ", start))
        return readLeadingPeer(message, start + 43, "ssh_protocol_error", "no_identification", envelope);
      break;
    case 78: // N
      if (message.startsWith("Nasty PTR record ", start)) return readReverseMapping(message, end, envelope);
      break;
    case 80: // P
      if (message.startsWith("PAM: ", start)) return readPam(message, start, end, envelope);
      if (message.startsWith("Protocol major versions differ for ", start))
        return readLeadingPeer(message, start + 35, "ssh_protocol_error", "bad_version", envelope);
      break;
    case 82: // R
      if (message.startsWith("Received disconnect from ", start)) return readReceivedDisconnect(message, start, preauth, envelope);
      if (message.startsWith("Read error from remote host ", start)) return readLeadingPeer(message, start + 28, "ssh_disconnect", undefined, envelope);
      if (message.startsWith("Read from socket failed: ", start)) return closed(message, preauth, envelope);
      break;
    case 84: // T
      return readTimeout(message, start, end, envelope);
    case 85: // U
      if (message.startsWith("Unable to negotiate with ", start)) return readNegotiation(message, start, envelope);
      if (message.startsWith("Unable to negotiate a key exchange method", start)) return noNegotiation(message, envelope);
      break;
    case 87: // W
      if (message.startsWith("Write failed: ", start)) return closed(message, preauth, envelope);
      break;
    case 98: // b
      if (message.startsWith("banner exchange: Connection from ", start)) return readConnectionError(message, start + 33, end, envelope);
      break;
    case 100: // d
      if (message.startsWith("drop connection ", start)) return readDropped(message, start, end, envelope);
      break;
    case 105: // i
      if (message.startsWith("input_userauth_request: ", start)) return readUserauthRequest(message, start, end, envelope);
      break;
    case 107: // k
      if (message.startsWith("kex_exchange_identification: ", start)) return fault(message, identificationFault(message, start + 29), envelope);
      break;
    case 110: // n
      if (message.startsWith("no matching ", start) || message.startsWith("no kex alg", start) || message.startsWith("no hostkey alg", start))
        return noNegotiation(message, envelope);
      break;
    case 112: // p
      if (message.startsWith("probed from ", start)) return readLeadingPeer(message, start + 12, "ssh_protocol_error", "scanner", envelope);
      break;
    case 114: // r
      if (message.startsWith("reverse mapping checking getaddrinfo for ", start)) return readReverseMapping(message, end, envelope);
      if (message.startsWith("refused connect from ", start)) return readDropped(message, start, end, envelope);
      break;
    case 115: // s
      if (message.startsWith("scanned from ", start)) return readLeadingPeer(message, start + 13, "ssh_protocol_error", "scanner", envelope);
      if (message.startsWith("srclimit_penalise: ", start)) return readDropped(message, start, end, envelope);
      break;
    default:
  }
  return readElsewhere(message, start, end, envelope);
}

/** Messages that name the function or file they come from, and faults that do not name the peer. */
function readElsewhere(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  const head = message.slice(start, start + 96);
  const from = head.indexOf(": Connection from ");
  if (from >= 0 && /^[\w: ]+$/.test(head.slice(0, from))) return readConnectionError(message, start + from + 18, end, envelope);
  if (isProtocolFault(head) || isProtocolFault(head.slice(head.indexOf(": ") + 2)) || head.startsWith("Hm, ")) return fault(message, undefined, envelope);
  // `userauth_pubkey: key type …`, `/home/a/.ssh/authorized_keys:3: Authentication tried …`
  const refused = readKeyRefused(message, start, envelope);
  if (refused) return refused;
  const colon = head.indexOf(": ");
  return colon > 0 && head.startsWith("userauth_") ? readKeyRefused(message, start + colon + 2, envelope) : undefined;
}

/** sshd.c, serverloop.c: grace time over, or a client that answers no more. */
function readTimeout(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  if (message.startsWith("Timeout before authentication for connection from ", start))
    return readLeadingPeer(message, start + 50, "ssh_preauth_close", "timeout", envelope);
  if (message.startsWith("Timeout before authentication for ", start)) return readLeadingPeer(message, start + 34, "ssh_preauth_close", "timeout", envelope);
  if (message.startsWith("Timeout, client not responding from ", start)) {
    // The same words as of a connection that timed out, so that names are read the same way.
    return withMessage(readConnection(`Connection closed by ${message.slice(start + 36, end)}`, end - start - 15, envelope), message);
  }
  return undefined;
}

function withMessage(event: LogEvent | undefined, message: string): LogEvent | undefined {
  return event && { ...event, message };
}

function identificationFault(message: string, at: number): string | undefined {
  if (message.startsWith("client sent invalid protocol identifier", at) || message.startsWith("banner line ", at)) return "bad_version";
  return message.startsWith("Connection closed", at) || message.startsWith("No SSH identification", at) ? "no_identification" : undefined;
}

function fault(message: string, reason: string | undefined, envelope: Envelope): LogEvent {
  return sshEvent(envelope, message, "network", "ssh_protocol_error", "failure", reason, undefined, undefined, undefined, undefined);
}

function noNegotiation(message: string, envelope: Envelope): LogEvent {
  return sshEvent(envelope, message, "network", "ssh_negotiation_failure", "failure", undefined, undefined, undefined, undefined, undefined);
}

/** A connection that broke, without a word on whose it was. */
function closed(message: string, preauth: boolean, envelope: Envelope): LogEvent {
  return preauth
    ? sshEvent(envelope, message, "authentication", "ssh_preauth_close", "unknown", undefined, undefined, undefined, undefined, undefined)
    : sshEvent(envelope, message, "session", "ssh_disconnect", undefined, undefined, undefined, undefined, undefined, undefined);
}
