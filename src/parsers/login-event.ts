import type { EventCategory, LogEvent } from "#core/event.ts";
import { normalizeAddress } from "#core/ip.ts";
import type { Envelope } from "./program-parser.ts";

/** What a program's message says about a sign-in, a session or a refusal. */
export interface LoginFacts {
  readonly module: string;
  /** `syslog.auth`, `syslog.mail`, `syslog.ftp`. */
  readonly dataset: string;
  readonly category?: EventCategory | undefined;
  readonly action: string;
  readonly outcome?: LogEvent["event.outcome"];
  readonly reason?: string | undefined;
  /** The peer as written: address or host name; empty, `?` and `unknown` say that there is none. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  /** On whose behalf (`sudo`, `su`). */
  readonly effectiveUser?: string | undefined;
  /** PAM service. */
  readonly service?: string | undefined;
  /** SASL mechanism. */
  readonly mechanism?: string | undefined;
  readonly commandLine?: string | undefined;
  /** Tries the line stands for, where more than one. */
  readonly count?: number | undefined;
}

/** An event of a program that signs people in: one literal, so that all of them have one shape. */
export function loginEvent(envelope: Envelope, message: string, facts: LoginFacts): LogEvent {
  const host = facts.host === "" || facts.host === "?" || facts.host === "unknown" ? undefined : facts.host;
  const address = host === undefined ? undefined : normalizeAddress(host);
  return {
    "@timestamp": envelope.time,
    "event.module": facts.module,
    "event.dataset": facts.dataset,
    "event.category": facts.category ?? "authentication",
    "event.action": facts.action,
    "event.outcome": facts.outcome,
    "event.reason": facts.reason,
    "source.ip": address,
    "source.port": facts.port,
    "source.domain": address === undefined && host !== undefined && host.length <= 255 && !host.includes(" ") ? host : undefined,
    "user.name": facts.user,
    "user.effective.name": facts.effectiveUser,
    "haechi.pam.service": facts.service,
    "haechi.sasl.mechanism": facts.mechanism,
    "process.command_line": facts.commandLine,
    "haechi.count": facts.count !== undefined && facts.count > 1 ? facts.count : undefined,
    "host.name": envelope.host,
    "process.name": envelope.program,
    "process.pid": envelope.pid,
    message,
  };
}

/** Whole number of the digits from `at` on, at most nine; -1 for none. */
export function numberAt(text: string, at: number): number {
  let value = 0;
  let i = at;
  for (let digit = text.charCodeAt(i) - 48; digit >= 0 && digit <= 9 && i < at + 9; digit = text.charCodeAt(++i) - 48) value = value * 10 + digit;
  return i === at ? -1 : value;
}
