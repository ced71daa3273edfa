import { loginEvent, numberAt } from "../login-event.ts";
import type { ProgramParser } from "../program-parser.ts";

const base = { module: "sudo", dataset: "syslog.auth" } as const;
const refusals: readonly (readonly [start: string, reason: string])[] = [
  ["user NOT in sudoers", "not_in_sudoers"],
  ["user NOT authorized on host", "not_on_host"],
  ["command not allowed", "command_not_allowed"],
  ["no tty present", "no_tty"],
  ["sorry, you must have a tty to run sudo", "no_tty"],
];

/**
 * sudo (eventlog.c): `NAME : [REASON ; ][HOST=… ; ]TTY=… ; PWD=… ; USER=… ; [GROUP=… ; ]COMMAND=…`. Without a reason the command ran.
 */
export const sudo: ProgramParser = {
  name: "sudo",
  programs: ["sudo", "sudoedit"],
  parse(message, envelope) {
    const colon = message.indexOf(" : ");
    if (colon < 1 || message.startsWith("pam_")) return undefined;
    let at = 0;
    while (message.charCodeAt(at) === 32) at++;
    const user = message.slice(at, colon);
    if (user === "" || user.length > 256) return undefined;
    const facts = { user, effectiveUser: field(message, " ; USER=", colon), commandLine: command(message, colon) };
    const text = colon + 3;

    if (message.startsWith("TTY=", text) || message.startsWith("HOST=", text) || message.startsWith("PWD=", text)) {
      if (facts.commandLine === undefined) return undefined;
      return loginEvent(envelope, message, { ...base, ...facts, category: "process", action: "sudo_command", outcome: "success" });
    }
    const tries = numberAt(message, text);
    if (tries > 0 && message.slice(text, text + 48).includes(" incorrect password attempt"))
      return loginEvent(envelope, message, { ...base, ...facts, action: "sudo_authentication", outcome: "failure", reason: "bad_password", count: tries });
    // `sudo -n` of a script: nobody tried a password.
    if (message.startsWith("a password is required", text))
      return loginEvent(envelope, message, { ...base, ...facts, action: "sudo_not_allowed", outcome: "failure", reason: "password_required" });
    const refusal = refusals.find(([start]) => message.startsWith(start, text));
    return refusal && loginEvent(envelope, message, { ...base, ...facts, action: "sudo_not_allowed", outcome: "failure", reason: refusal[1] });
  },
};

/** Value of a field up to the next separator. */
function field(message: string, mark: string, from: number): string | undefined {
  const at = message.indexOf(mark, from);
  if (at < 0) return undefined;
  const end = message.indexOf(" ;", at + mark.length);
  return message.slice(at + mark.length, end < 0 ? undefined : end);
}

/** The command is the last field and runs to the end, whatever it holds. */
function command(message: string, from: number): string | undefined {
  const at = message.indexOf(" ; COMMAND=", from);
  return at < 0 ? undefined : message.slice(at + 11);
}
