import { normalizeAddress } from "#core/ip.ts";

/** Who and where PAM says a failure was. */
export interface PamFields {
  readonly host: string | undefined;
  readonly user: string | undefined;
}

/**
 * `logname=… uid=… euid=… tty=… ruser=… rhost=…[  user=…]` from `at` on. Nothing in it is escaped, and the person signing in chooses
 * `user` and, where the service passes it on (vsftpd, dovecot), `ruser`; `rhost` stands between the two. sshd never sets `ruser`,
 * so there the first `rhost` is the service's. Elsewhere each reading is tried: `ruser` and `user` are the same name where both are
 * crafted. Where readings with different hosts are left, none is taken.
 */
export function readPamFields(message: string, at: number, service: string | undefined): PamFields {
  const ruserAt = message.indexOf("ruser=", at);
  if (ruserAt < 0) return { host: undefined, user: userAfter(message, at) };
  const nameAt = ruserAt + 6;
  if (service === "sshd") {
    const rhostAt = message.indexOf("rhost=", nameAt);
    return rhostAt === nameAt + 1 ? reading(message, nameAt, rhostAt - 1) : { host: undefined, user: undefined };
  }
  let first: PamFields | undefined;
  let told: PamFields | undefined;
  let split = message.indexOf(" rhost=", nameAt);
  let ambiguous = false;
  for (let tries = 0; split >= 0; split = message.indexOf(" rhost=", split + 1), tries++) {
    // More than a name can hold: somebody is playing.
    if (tries > 16) return { host: undefined, user: undefined };
    const next = reading(message, nameAt, split);
    if (!first) first = next;
    else ambiguous ||= next.host !== first.host;
    const ruser = message.slice(nameAt, split);
    if (next.user !== undefined && next.user !== ruser) continue;
    if (told && told.host !== next.host) return { host: undefined, user: undefined };
    told = next;
  }
  if (!ambiguous) return first ?? { host: undefined, user: undefined };
  return told ?? { host: undefined, user: undefined };
}

/** The host and the user behind it, when ` rhost=` begins at `split`. */
function reading(message: string, _nameAt: number, split: number): PamFields {
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
