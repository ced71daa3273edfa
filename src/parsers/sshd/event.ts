import type { EventCategory, LogEvent } from "#core/event.ts";
import { normalizeAddress } from "#core/ip.ts";
import type { Envelope } from "../program-parser.ts";

/**
 * An event of sshd. One literal for every message, so that all events of the program have one shape; positional, because it runs
 * on every line. `address` is canonical, `user` the name as logged, still escaped.
 */
export function addressEvent(
  envelope: Envelope,
  message: string,
  category: EventCategory,
  action: string,
  outcome: LogEvent["event.outcome"],
  reason: string | undefined,
  address: string | undefined,
  domain: string | undefined,
  port: number | undefined,
  user: string | undefined,
  method: string | undefined,
): LogEvent {
  return {
    "@timestamp": envelope.time,
    "event.module": "sshd",
    "event.dataset": "syslog.auth",
    "event.category": category,
    "event.action": action,
    "event.outcome": outcome,
    "event.reason": reason,
    "source.ip": address,
    "source.port": port,
    "source.domain": domain,
    "user.name": user === undefined || !user.includes("\\") ? user : unescapeVis(user),
    "haechi.ssh.method": method,
    "host.name": envelope.host,
    "process.name": "sshd",
    "process.pid": envelope.pid,
    message,
  };
}

/** As `addressEvent`, with the peer as written: an address, a host name (`UseDNS`), or `UNKNOWN` of a peer that is gone. */
export function sshEvent(
  envelope: Envelope,
  message: string,
  category: EventCategory,
  action: string,
  outcome: LogEvent["event.outcome"],
  reason: string | undefined,
  host: string | undefined,
  port: number | undefined,
  user: string | undefined,
  method: string | undefined,
): LogEvent {
  const address = host === undefined ? undefined : normalizeAddress(host);
  const domain = address === undefined && host !== "UNKNOWN" ? host : undefined;
  return addressEvent(envelope, message, category, action, outcome, reason, address, domain, port, user, method);
}

const cStyle: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, a: 7, b: 8, v: 11, f: 12, s: 32, "0": 0 };

/**
 * Undoes what sshd does to a message before it logs it: strnvis with VIS_CSTYLE and VIS_OCTAL (log.c), so `\303\251` is é in
 * UTF-8 and `\\` a backslash. Bytes that are not UTF-8 become U+FFFD. A backslash that begins no escape stays (names of other modules).
 */
export function unescapeVis(text: string): string {
  if (!text.includes("\\")) return text;
  const bytes = Buffer.from(text, "utf8");
  let out = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    let value = byte;
    if (byte === 92) {
      const next = bytes[i + 1];
      const octal = octalAt(bytes, i + 1);
      const simple = next === undefined ? undefined : cStyle[String.fromCharCode(next)];
      if (octal >= 0) {
        value = octal;
        i += 3;
      } else if (next === 92) i++;
      else if (simple !== undefined) {
        value = simple;
        i++;
      }
    }
    bytes[out++] = value;
  }
  return bytes.toString("utf8", 0, out);
}

function octalAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 7) return -1;
    value = value * 8 + digit;
  }
  return value <= 255 ? value : -1;
}
