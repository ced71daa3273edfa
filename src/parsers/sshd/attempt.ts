import type { LogEvent } from "#core/event.ts";
import type { Envelope } from "../program-parser.ts";
import { sshEvent, unescapeVis } from "./event.ts";
import { fromHostBefore, fromHostPortBefore, lastFromHostPort, portBetween } from "./peer.ts";

/** sshd cuts names to 100 bytes in these messages (`%.100s`). */
const longestName = 100;

/**
 * auth.c, auth_log: `VERB METHOD for [invalid user ]NAME from ADDR port N ssh2[: KEY]`, VERB being Accepted, Failed, Postponed or
 * Partial. Version 1 of the protocol ends after the port. `end` is where the message ends without ` [preauth]`.
 */
export function readAttempt(message: string, end: number, verb: "Accepted" | "Failed" | "Postponed" | "Partial", envelope: Envelope): LogEvent | undefined {
  const methodAt = verb.length + 1;
  const password = message.startsWith("password for ", methodAt);
  const methodEnd = password ? methodAt + 8 : message.indexOf(" for ", methodAt);
  if (methodEnd < 0) return undefined;
  let nameAt = methodEnd + 5;
  const invalid = saysInvalid(message, nameAt);
  if (invalid) nameAt += 13;

  let peerEnd = message.startsWith(" ssh2", end - 5) ? end - 5 : endBeforePlainKey(message, end);
  let hostAt = peerEnd < 0 ? -1 : lastFromHostPort(message, peerEnd);
  if (hostAt - 6 < nameAt) {
    peerEnd = peerEndBeforeKey(message, nameAt, end);
    if (peerEnd === 0) return undefined;
    hostAt = peerEnd > 0 ? fromHostPortBefore(message, peerEnd) : 0;
  }
  const method = password ? "password" : methodName(message, methodAt, methodEnd);
  let outcome: "success" | "failure" | "unknown" = "unknown";
  let reason: string | undefined = invalid ? "invalid_user" : undefined;
  if (verb === "Accepted") outcome = "success";
  else if (verb === "Failed") {
    if (method !== "none") outcome = "failure";
    if (!invalid && password) reason = "bad_password";
  } else if (!invalid) reason = verb === "Partial" ? "partial" : "postponed";
  if (hostAt === 0) return sshEvent(envelope, message, "authentication", "ssh_login", outcome, reason, undefined, undefined, undefined, method);
  const hostStop = message.indexOf(" ", hostAt);
  const host = message.slice(hostAt, hostStop);
  const port = portBetween(message, hostStop + 6, peerEnd);
  const user = message.slice(nameAt, hostAt - 6);
  return sshEvent(envelope, message, "authentication", "ssh_login", outcome, reason, host, port, user, method);
}

function saysInvalid(message: string, at: number): boolean {
  return message.charCodeAt(at) === 105 && (message.startsWith("invalid user ", at) || message.startsWith("illegal user ", at));
}

/** The method, as a constant where it is a usual one. */
function methodName(message: string, at: number, end: number): string {
  const length = end - at;
  if (length === 9 && message.startsWith("publickey", at)) return "publickey";
  if (length === 4 && message.startsWith("none", at)) return "none";
  return message.slice(at, end);
}

/**
 * Where the peer ends before ` ssh2: TYPE FINGERPRINT`: two words and no more leave no room for anything crafted. `end` where no key
 * follows, -1 where more does.
 */
function endBeforePlainKey(message: string, end: number): number {
  const mark = message.lastIndexOf(" ssh2: ", end);
  if (mark < 0) return message.includes(" ruser ") ? -1 : end;
  const space = message.indexOf(" ", mark + 7);
  return space > 0 && message.indexOf(" ", space + 1) < 0 ? mark : -1;
}

/**
 * Where `from ADDR port N` ends when a key, certificate or client follows (`… ssh2: RSA SHA256:… ID NAME (serial 0) CA …`). A
 * certificate's id and a host-based client's names are the peer's own text, as is the user name: where more than one reading is
 * left, none is taken and the attempt has no address (-1). 0 where there is no reading.
 */
function peerEndBeforeKey(message: string, nameAt: number, end: number): number {
  // ` ruser ` is what version 1 of the protocol wrote of host-based attempts.
  const mark = message.includes(" ssh2: ", nameAt) ? " ssh2: " : " ruser ";
  let found = 0;
  for (let at = message.lastIndexOf(mark, end); at > nameAt; at = message.lastIndexOf(mark, at - 1)) {
    const hostAt = fromHostPortBefore(message, at);
    if (hostAt - 6 < nameAt) continue;
    if (found === 0) found = at;
    else if (isTooLong(message, nameAt, fromHostPortBefore(message, found) - 6)) found = at;
    else return -1;
  }
  return found;
}

/** True where the text cannot be a name, because sshd would have cut it. */
function isTooLong(message: string, at: number, end: number): boolean {
  return end - at > 4 * longestName || Buffer.byteLength(unescapeVis(message.slice(at, end))) > longestName;
}

/** auth.c, getpwnamallow: `Invalid user NAME from ADDR[ port N]`; `Illegal user` before OpenSSH 3.9. */
export function readInvalidUser(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  const nameAt = 13;
  let hostAt = lastFromHostPort(message, end);
  let port: number | undefined;
  let stop = end;
  if (hostAt > 0) {
    stop = message.indexOf(" ", hostAt);
    port = portBetween(message, stop + 6, end);
  } else hostAt = fromHostBefore(message, end);
  if (hostAt - 6 < nameAt) return undefined;
  const user = message.slice(nameAt, hostAt - 6);
  return sshEvent(envelope, message, "authentication", "ssh_invalid_user", "failure", "invalid_user", message.slice(hostAt, stop), port, user, undefined);
}

/** auth2.c before 5.9 and monitor.c: `input_userauth_request: invalid user NAME`; the rest of the message is the name. */
export function readUserauthRequest(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  const nameAt = start + "input_userauth_request: ".length;
  if (!message.startsWith("invalid user ", nameAt) && !message.startsWith("illegal user ", nameAt)) return undefined;
  const user = message.slice(nameAt + 13, end);
  return sshEvent(envelope, message, "authentication", "ssh_invalid_user", "failure", "invalid_user", undefined, undefined, user, undefined);
}

/** auth.c, auth_maxtries_exceeded: `maximum authentication attempts exceeded for [invalid user ]NAME from ADDR port N ssh2`. */
export function readMaximumAttempts(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  let nameAt = start + "maximum authentication attempts exceeded for ".length;
  const invalid = message.startsWith("invalid user ", nameAt);
  if (invalid) nameAt += 13;
  const stop = message.startsWith(" ssh2", end - 5) ? end - 5 : end;
  const hostAt = lastFromHostPort(message, stop);
  if (hostAt - 6 < nameAt) return undefined;
  const hostStop = message.indexOf(" ", hostAt);
  const host = message.slice(hostAt, hostStop);
  const port = portBetween(message, hostStop + 6, stop);
  const user = message.slice(nameAt, hostAt - 6);
  const reason = invalid ? "invalid_user" : "max_attempts";
  return sshEvent(envelope, message, "authentication", "ssh_max_attempts", "failure", reason, host, port, user, undefined);
}
