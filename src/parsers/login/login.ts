import type { LogEvent } from "#core/event.ts";
import { loginEvent, type LoginFacts } from "../login-event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";

/**
 * login of util-linux (`FAILED LOGIN 1 FROM HOST FOR NAME, WHY`, `LOGIN ON tty1 BY NAME[ FROM HOST]`, `ROOT LOGIN ON tty1[ FROM HOST]`) and of
 * shadow (`FAILED LOGIN (1) on '/dev/tty1'[ from 'HOST'] FOR 'NAME', WHY`, `ROOT LOGIN  on '/dev/tty1'[ from 'HOST']`).
 * `TOO MANY LOGIN TRIES` and `FAILED LOGIN SESSION` end a row of tries and are one more failure each.
 */
export const login: ProgramParser = {
  name: "login",
  programs: ["login", "rlogind", "in.telnetd"],
  parse(message, envelope) {
    if (message.startsWith("FAILED LOGIN SESSION ")) return failed(message, 20, "max_attempts", envelope);
    if (message.startsWith("FAILED LOGIN ")) return failed(message, 12, undefined, envelope);
    if (message.startsWith("TOO MANY LOGIN TRIES ")) return failed(message, 20, "max_attempts", envelope);
    if (message.startsWith("ROOT LOGIN ")) {
      const from = message.indexOf(" FROM ", 11);
      const host = from > 0 ? message.slice(from + 6) : quoted(message, " from '", 11, message.length);
      return event(message, { outcome: "success", user: "root", host }, envelope);
    }
    if (message.startsWith("LOGIN ON ")) {
      const by = message.indexOf(" BY ", 9);
      if (by < 0) return undefined;
      const from = message.lastIndexOf(" FROM ");
      const remote = from > by;
      return event(
        message,
        { outcome: "success", user: message.slice(by + 4, remote ? from : undefined), host: remote ? message.slice(from + 6) : undefined },
        envelope,
      );
    }
    // shadow, with LOG_OK_LOGINS: `'NAME' logged in[ on 'TTY'][ from 'HOST']`
    const loggedIn = message.startsWith("'") ? message.indexOf("' logged in ") : -1;
    if (loggedIn > 0)
      return event(message, { outcome: "success", user: message.slice(1, loggedIn), host: quoted(message, " from '", loggedIn, message.length) }, envelope);
    return undefined;
  },
};

function event(message: string, facts: Pick<LoginFacts, "outcome" | "user" | "host" | "reason">, envelope: Envelope): LogEvent {
  return loginEvent(envelope, message, { module: "login", dataset: "syslog.auth", action: "login", ...facts });
}

/**
 * A failure. The host stands before `FOR`, the name behind it, so what the name says does not matter: the first `FOR` is login's own
 * (a terminal or host has no spaces).
 */
function failed(message: string, at: number, reason: string | undefined, envelope: Envelope): LogEvent | undefined {
  const forAt = message.indexOf(" FOR ", at);
  if (forAt < 0) return undefined;
  const comma = message.lastIndexOf(", ");
  let user = message.slice(forAt + 5, comma > forAt + 4 ? comma : undefined);
  if (user.length > 1 && user.startsWith("'") && user.endsWith("'")) user = user.slice(1, -1);
  const from = message.indexOf(" FROM ", at);
  const host = from > 0 && from < forAt ? message.slice(from + 6, forAt) : quoted(message, " from '", at, forAt);
  // util-linux writes the terminal where there is no host.
  const terminal = host !== undefined && /^(?:\/dev\/|tty|pts\/|console)/.test(host);
  return event(message, { outcome: "failure", reason, user, host: terminal ? undefined : host }, envelope);
}

/** What stands in quotes behind `mark`, between `from` and `to`. */
function quoted(message: string, mark: string, from: number, to: number): string | undefined {
  const at = message.indexOf(mark, from);
  if (at < 0 || at >= to) return undefined;
  const end = message.indexOf("'", at + mark.length);
  return end > 0 && end <= to ? message.slice(at + mark.length, end) : undefined;
}
