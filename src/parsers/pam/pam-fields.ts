import { normalizeAddress } from "#core/ip.ts";

/** Who and where PAM says a failure was. */
export interface PamFields {
  readonly host: string | undefined;
  readonly user: string | undefined;
}

/** Services that hand the name they were given to PAM as `ruser` as well. */
const namedTwice: ReadonlySet<string> = new Set(["vsftpd", "ftp", "ftpd", "dovecot", "dovecot-auth", "imap", "pop3"]);

/**
 * `logname=… uid=… euid=… tty=… ruser=… rhost=…[  user=…]` from `at` on. Nothing in it is escaped, and the person signing in chooses
 * `user` and, with some services, `ruser`; `rhost` stands between the two. sshd never sets `ruser`, so there the first `rhost` is the
 * service's own. Elsewhere every reading that the service could have written is looked at (with a `user` there is either no `ruser`
 * or the same name); where their hosts differ, none is taken.
 */
export function readPamFields(message: string, at: number, service: string | undefined): PamFields {
  const ruserAt = message.indexOf("ruser=", at);
  if (ruserAt < 0) return { host: undefined, user: userAfter(message, at) };
  const nameAt = ruserAt + 6;
  const unknown: PamFields = { host: undefined, user: undefined };
  let split = message.indexOf(" rhost=", nameAt);
  if (split < 0) return unknown;
  const first = reading(message, split);
  const next = message.indexOf(" rhost=", split + 1);
  if (service === "sshd") return split === nameAt ? first : unknown;
  if (next < 0) return first;

  const twice = service !== undefined && namedTwice.has(service);
  let found: PamFields | undefined;
  for (let tries = 0; split >= 0; split = message.indexOf(" rhost=", split + 1), tries++) {
    // More than a name can hold: somebody is playing.
    if (tries > 16) return unknown;
    const { host, user } = reading(message, split);
    const ruser = message.slice(nameAt, split);
    if (user !== undefined && user !== ruser && (twice || ruser !== "")) continue;
    if (found && found.host !== host) return unknown;
    found = { host, user };
  }
  return found ?? unknown;
}

/** The host and the user behind it, when ` rhost=` begins at `split`. */
function reading(message: string, split: number): PamFields {
  const hostAt = split + 7;
  let end = message.indexOf(" ", hostAt);
  if (end < 0) end = message.length;
  const host = message.slice(hostAt, end);
  const user = message.startsWith(" user=", end) ? message.slice(end + 6) : message.startsWith("  user=", end) ? message.slice(end + 7) : undefined;
  return { host: isHost(host) ? host : undefined, user };
}

function userAfter(message: string, at: number): string | undefined {
  const user = message.startsWith("user=", at) ? at : message.indexOf(" user=", at) + 1;
  return user > 0 ? message.slice(user + 5) : undefined;
}

/** An address, or something that can be a host name. */
function isHost(text: string): boolean {
  return text !== "" && text.length <= 255 && (normalizeAddress(text) !== undefined || /^[\w.:%-]+$/.test(text));
}
