import type { LogEvent } from "#core/event.ts";
import type { Envelope } from "../program-parser.ts";
import { sshEvent } from "./event.ts";
import { fromHostBefore, peerAt } from "./peer.ts";

const listed: readonly (readonly [text: string, reason: string])[] = [
  ["listed in DenyUsers", "deny_users"],
  ["not listed in AllowUsers", "allow_users"],
  ["not in any group", "no_group"],
  ["a group is listed in DenyGroups", "deny_groups"],
  ["none of user's groups are listed in AllowGroups", "allow_groups"],
];

function refused(message: string, reason: string, host: string | undefined, port: number | undefined, user: string, envelope: Envelope): LogEvent {
  return sshEvent(envelope, message, "authentication", "ssh_not_allowed", "failure", reason, host, port, user, undefined);
}

/**
 * auth.c, allowed_user: `User NAME from HOST not allowed because …`, `User NAME not allowed because …`, and the expired passwords of
 * auth-shadow.c. HOST is a host name where UseDNS is on.
 */
export function readUser(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  for (const [text, reason] of listed) {
    if (!message.endsWith(text, end)) continue;
    const because = end - text.length - " not allowed because ".length;
    if (because < 5 || !message.startsWith(" not allowed because ", because)) continue;
    const hostAt = fromHostBefore(message, because);
    return hostAt - 6 < 5 ? undefined : refused(message, reason, message.slice(hostAt, because), undefined, message.slice(5, hostAt - 6), envelope);
  }
  const because = message.indexOf(" not allowed because ");
  if (because >= 5) {
    const text = message.slice(because + " not allowed because ".length, end);
    const reason = text.startsWith("shell ") ? "shell" : text === "account is locked" ? "account_locked" : text.endsWith(" exists") ? "nologin" : "account";
    return refused(message, reason, undefined, undefined, message.slice(5, because), envelope);
  }
  const expired = message.indexOf(" password has expired (");
  if (expired < 5) return undefined;
  return refused(message, "password_expired", undefined, undefined, message.slice(5, expired), envelope);
}

/** auth.c, auth_root_allowed: `ROOT LOGIN REFUSED FROM ADDR[ port N]`. */
export function readRootRefused(message: string, envelope: Envelope): LogEvent | undefined {
  const peer = peerAt(message, "ROOT LOGIN REFUSED FROM ".length);
  return peer && refused(message, "root_login", peer.host, peer.port, "root", envelope);
}

/** `Access denied for user NAME by PAM account configuration` (auth2.c, monitor). */
export function readAccessDenied(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  const text = " by PAM account configuration";
  const nameAt = start + "Access denied for user ".length;
  if (!message.endsWith(text, end) || end - text.length < nameAt) return undefined;
  return refused(message, "pam_account", undefined, undefined, message.slice(nameAt, end - text.length), envelope);
}

/** auth-pam.c: `PAM: ERROR for [illegal user ]NAME from HOST`. */
export function readPam(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  const hostAt = fromHostBefore(message, end);
  const forAt = message.indexOf(" for ", start + 4);
  if (forAt < 0) return undefined;
  let nameAt = forAt + 5;
  const invalid = message.startsWith("illegal user ", nameAt) || message.startsWith("invalid user ", nameAt);
  if (invalid) nameAt += 13;
  if (hostAt - 6 < nameAt) return undefined;
  const reason = invalid ? "invalid_user" : undefined;
  const user = message.slice(nameAt, hostAt - 6);
  return sshEvent(envelope, message, "authentication", "pam_authentication", "failure", reason, message.slice(hostAt, end), undefined, user, undefined);
}

/**
 * Keys that sshd would not look at: `Authentication refused: bad ownership …`, `… tried for NAME with correct key but not from a
 * permitted host (host=…, ip=ADDR, …)`, revoked keys, certificates that are not valid, algorithms that are not accepted.
 */
export function readKeyRefused(message: string, start: number, envelope: Envelope): LogEvent | undefined {
  const tried = message.indexOf("Authentication tried for ", start);
  if (tried >= 0) {
    const withAt = message.indexOf(" with ", tried + 25);
    if (withAt < 0) return undefined;
    const user = message.slice(tried + 25, withAt);
    const address = between(message, ", ip=", withAt) ?? between(message, "source address (", withAt);
    return refused(message, "host_not_permitted", address, undefined, user, envelope);
  }
  const known = refusals.find(([text]) => message.startsWith(text, start));
  if (!known) return undefined;
  const nameAt = start + "Authentication refused for ".length;
  const nameEnd = known[0] === "Authentication refused" && message.startsWith(" for ", nameAt - 5) ? message.indexOf(": ", nameAt) : -1;
  const user = nameEnd > 0 ? message.slice(nameAt, nameEnd) : undefined;
  return sshEvent(envelope, message, "authentication", "ssh_key_refused", "failure", known[1], undefined, undefined, user, undefined);
}

const refusals: readonly (readonly [text: string, reason: string])[] = [
  ["Authentication refused", "file_modes"],
  ["Authentication key ", "revoked"],
  ["WARNING: authentication attempt with revoked key", "revoked"],
  ["WARNING: revoked key for ", "revoked"],
  ["Certificate invalid: ", "certificate"],
  ["Refusing certificate ID ", "certificate"],
  ["cert: ", "certificate"],
  ["key type ", "algorithm"],
  ["signature algorithm ", "algorithm"],
  ["refusing RSA key", "algorithm"],
  ["Rhosts authentication refused", "rhosts"],
];

function between(message: string, mark: string, from: number): string | undefined {
  const at = message.indexOf(mark, from);
  if (at < 0) return undefined;
  const stop = message.slice(at + mark.length, at + mark.length + 256).search(/[),]/);
  return stop > 0 ? message.slice(at + mark.length, at + mark.length + stop) : undefined;
}

/** canohost.c: names and addresses that do not agree. HOST is the owner of the reverse zone's text; the address stands behind it or first. */
export function readReverseMapping(message: string, end: number, envelope: Envelope): LogEvent | undefined {
  let address: string | undefined;
  if (message.startsWith("Address ")) address = message.slice(8, message.indexOf(" ", 8));
  else if (message.startsWith("Nasty PTR record ")) {
    const placed = message.endsWith(", ignoring", end) ? message.lastIndexOf(" ", end - 11) + 1 : 0;
    if (placed > 0) address = message.slice(placed, end - 10);
  } else {
    const open = message.lastIndexOf("[", end);
    const close = message.lastIndexOf("] failed", end);
    if (open > 0 && close > open) address = message.slice(open + 1, close);
  }
  const host = address === undefined || address.length > 64 ? undefined : address;
  return sshEvent(envelope, message, "network", "ssh_reverse_mapping", "unknown", undefined, host, undefined, undefined, undefined);
}

/**
 * Connections that sshd, or the TCP wrapper in it, would not take: `drop connection #N from [ADDR]:PORT on [ADDR]:PORT …`,
 * `refused connect from HOST[ (ADDR)]`; and the penalties behind them (`srclimit_penalise: …`, from 9.8 on).
 */
export function readDropped(message: string, start: number, end: number, envelope: Envelope): LogEvent | undefined {
  if (message.startsWith("drop connection ", start)) {
    const open = message.indexOf(" from [", start);
    const close = message.indexOf("]:", open);
    if (open < 0 || close < 0) return undefined;
    const port = Number.parseInt(message.slice(close + 2, close + 8), 10);
    const text = message.indexOf(" penalty: ", close);
    const reason = text > 0 ? "penalty" : message.endsWith("past MaxStartups", end) ? "max_startups" : "limit";
    return dropped(message, reason, message.slice(open + 7, close), port >= 0 && port <= 65_535 ? port : undefined, envelope);
  }
  if (message.startsWith("refused connect from ", start)) {
    const at = start + "refused connect from ".length;
    const open = message.lastIndexOf("(", end);
    const host = open > at && message.charCodeAt(end - 1) === 41 ? message.slice(open + 1, end - 1) : message.slice(at, end);
    return dropped(message, "tcp_wrapper", host.length > 255 || host.includes(" ") ? undefined : host, undefined, envelope);
  }
  const network = /\b([0-9a-fA-F.:]{2,45})\/(?:32|128)\b/.exec(message.slice(start, start + 160));
  const forAt = message.indexOf("penalty of ", start);
  if (forAt < 0) return undefined;
  return dropped(message, "penalty", network?.[1], undefined, envelope);
}

function dropped(message: string, reason: string, host: string | undefined, port: number | undefined, envelope: Envelope): LogEvent {
  return sshEvent(envelope, message, "network", "ssh_drop", "unknown", reason, host, port, undefined, undefined);
}
