import type { LogEvent } from "#core/event.ts";
import { loginEvent } from "../login-event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";

/**
 * su of util-linux (`(to TARGET) NAME on TTY`, `FAILED SU (to TARGET) NAME on TTY`), of shadow (`Successful su for TARGET by NAME`,
 * `FAILED su for …`, `+ TTY NAME:TARGET`) and of the BSDs (`NAME to TARGET on TTY`, `BAD SU NAME to TARGET on TTY`).
 */
export const su: ProgramParser = {
  name: "su",
  programs: ["su", "su-l", "runuser"],
  parse(message, envelope) {
    if (message.startsWith("(to ")) return toForm(message, 4, "success", envelope);
    if (message.startsWith("FAILED SU (to ")) return toForm(message, 14, "failure", envelope);
    if (message.startsWith("Successful su for ")) return byForm(message, 18, "success", envelope);
    if (message.startsWith("FAILED su for ")) return byForm(message, 14, "failure", envelope);
    if (message.startsWith("+ ") || message.startsWith("- ")) return signForm(message, envelope);
    if (message.startsWith("BAD SU ")) return plainForm(message, 7, "failure", envelope);
    return plainForm(message, 0, "success", envelope);
  },
};

function suEvent(message: string, outcome: "success" | "failure", user: string, effectiveUser: string, envelope: Envelope): LogEvent {
  return loginEvent(envelope, message, { module: "su", dataset: "syslog.auth", action: "su_login", outcome, user, effectiveUser });
}

/** `TARGET) NAME on TTY` */
function toForm(message: string, at: number, outcome: "success" | "failure", envelope: Envelope): LogEvent | undefined {
  const close = message.indexOf(") ", at);
  const on = message.lastIndexOf(" on ");
  if (close < at) return undefined;
  return suEvent(message, outcome, message.slice(close + 2, on > close ? on : undefined), message.slice(at, close), envelope);
}

/** `TARGET by NAME` */
function byForm(message: string, at: number, outcome: "success" | "failure", envelope: Envelope): LogEvent | undefined {
  const by = message.lastIndexOf(" by ");
  return by < at ? undefined : suEvent(message, outcome, message.slice(by + 4), message.slice(at, by), envelope);
}

/** `+ TTY NAME:TARGET` */
function signForm(message: string, envelope: Envelope): LogEvent | undefined {
  const space = message.indexOf(" ", 2);
  const colon = message.lastIndexOf(":");
  if (space < 3 || colon <= space) return undefined;
  return suEvent(message, message.startsWith("+") ? "success" : "failure", message.slice(space + 1, colon), message.slice(colon + 1), envelope);
}

/** `NAME to TARGET on TTY`, where TTY is a path. */
function plainForm(message: string, at: number, outcome: "success" | "failure", envelope: Envelope): LogEvent | undefined {
  const to = message.indexOf(" to ", at);
  const on = message.lastIndexOf(" on /");
  if (to <= at || on < to + 4 || to - at > 64 || message.slice(at, to).includes(" ")) return undefined;
  return suEvent(message, outcome, message.slice(at, to), message.slice(to + 4, on), envelope);
}
