import type { LogEvent } from "#core/event.ts";
import { loginEvent, numberAt, type LoginFacts } from "../login-event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";
import { readPamFields } from "./pam-fields.ts";

const base = { module: "pam", dataset: "syslog.auth" } as const;

/**
 * Linux-PAM's modules, under the name of whatever program called them: `pam_unix(sshd:auth): …`, and pam_unix's words without
 * that prefix (`PAM 2 more authentication failures; …`). Failures are `pam_authentication`, which repeats what the program itself says and
 * is no try of its own; sessions (cron's too) are no sign-ins.
 */
export const pam: ProgramParser = {
  name: "pam",
  programs: ["*"],
  parse(message, envelope) {
    if (message.startsWith("pam_")) {
      const open = message.indexOf("(");
      const close = message.indexOf("): ", open);
      if (open < 5 || open > 64 || close < 0 || close > 192) return undefined;
      const colon = message.indexOf(":", open);
      const service = message.slice(open + 1, colon > 0 && colon < close ? colon : close);
      return read(message, close + 3, service, message.slice(0, open), envelope);
    }
    if (message.startsWith("PAM ")) return read(message, 4, serviceOf(envelope.program), "pam_unix", envelope);
    // Before Linux-PAM 1.0 the module stood in the tag: `sshd(pam_unix)[123]: authentication failure; …`
    const program = envelope.program;
    const at = program?.indexOf("(pam_") ?? -1;
    return program !== undefined && at > 0 ? read(message, 0, program.slice(0, at), program.slice(at + 1, -1), envelope) : undefined;
  },
};

function serviceOf(program: string | undefined): string | undefined {
  return program?.startsWith("sshd") ? "sshd" : program;
}

/** The module's own text, from `at` on. */
function read(message: string, at: number, service: string | undefined, module: string, envelope: Envelope): LogEvent | undefined {
  const failure = failureAt(message, at);
  if (failure) {
    const { host, user } = readPamFields(message, failure.fieldsAt, service);
    return loginEvent(envelope, message, { ...base, action: "pam_authentication", outcome: "failure", host, user, service, count: failure.count });
  }
  const opened = "session opened for user ";
  if (message.startsWith(opened, at)) {
    const by = message.lastIndexOf(" by ");
    const user = withoutUid(message.slice(at + opened.length, by > at ? by : message.length));
    return loginEvent(envelope, message, { ...base, category: "session", action: "session_open", outcome: "success", user, service });
  }
  const closed = "session closed for user ";
  if (message.startsWith(closed, at)) {
    const user = withoutUid(message.slice(at + closed.length));
    return loginEvent(envelope, message, { ...base, category: "session", action: "session_close", user, service });
  }
  const refusal = readRefusal(message.slice(at), module);
  return refusal && loginEvent(envelope, message, { ...base, outcome: "failure", service, ...refusal });
}

/** `authentication failure; …` and `2 more authentication failures; …`, in either case. */
function failureAt(message: string, at: number): { readonly fieldsAt: number; readonly count: number } | undefined {
  const semicolon = message.indexOf("; ", at);
  if (semicolon < 0 || semicolon > at + 40) return undefined;
  const head = message.slice(at, semicolon).toLowerCase();
  if (head === "authentication failure") return { fieldsAt: semicolon + 2, count: 1 };
  if (!head.endsWith(" more authentication failure") && !head.endsWith(" more authentication failures")) return undefined;
  return { fieldsAt: semicolon + 2, count: numberAt(head, 0) };
}

function withoutUid(name: string): string {
  const uid = name.lastIndexOf("(uid=");
  return uid > 0 && name.endsWith(")") ? name.slice(0, uid) : name;
}

type Refusal = Pick<LoginFacts, "action" | "reason" | "user" | "host">;

/** Texts of modules other than pam_unix's failure: who may not, and why. Names stand between fixed words, the last of which count. */
function readRefusal(text: string, module: string): Refusal | undefined {
  if (text.startsWith("check pass; user "))
    return { action: "pam_invalid_user", reason: "invalid_user", user: enclosed(text, "check pass; user (", ") unknown") };
  if (text.startsWith("bad username [")) return { action: "pam_invalid_user", reason: "invalid_user", user: enclosed(text, "bad username [", "]") };
  if (text.startsWith("User unknown")) return { action: "pam_invalid_user", reason: "invalid_user", user: enclosed(text, "User unknown: ", "") };
  if (text.startsWith('user "')) {
    const user = enclosed(text, 'user "', '" does not exist in /etc/passwd');
    return user === undefined ? undefined : { action: "pam_invalid_user", reason: "invalid_user", user };
  }
  if (text.startsWith("Consecutive login failures for user "))
    return {
      action: "pam_account_locked",
      reason: "account_locked",
      user: enclosed(text, "Consecutive login failures for user ", " account temporarily locked"),
    };
  if (text.startsWith("service(") && text.includes(") ignoring max retries")) return { action: "pam_max_attempts", reason: "max_attempts" };
  if (text.startsWith("account ")) {
    const user = enclosed(text, "account ", " has expired (");
    return user === undefined ? undefined : { action: "pam_not_allowed", reason: "account_expired", user };
  }
  if (text.startsWith("expired password for user "))
    return { action: "pam_not_allowed", reason: "password_expired", user: enclosed(text, "expired password for user ", " (") };
  if (text.startsWith("access denied for user `")) {
    const from = text.lastIndexOf("' from `");
    if (from < 24) return undefined;
    return { action: "pam_not_allowed", reason: "access", user: text.slice(24, from), host: text.slice(from + 8, text.endsWith("'") ? -1 : undefined) };
  }
  if (text.startsWith("Refused user ")) {
    const user = enclosed(text, "Refused user ", " for service ");
    return user === undefined ? undefined : { action: "pam_not_allowed", reason: "listed", user };
  }
  if (text.startsWith("access denied: tty ")) return { action: "pam_not_allowed", reason: "tty" };
  if (module === "pam_succeed_if" && text.startsWith("requirement ")) {
    const user = text.lastIndexOf('" not met by user "');
    return user < 0 ? undefined : { action: "pam_not_allowed", reason: "requirement", user: text.slice(user + 19, text.endsWith('"') ? -1 : undefined) };
  }
  if (module === "pam_time" && text.startsWith("user ")) return { action: "pam_not_allowed", reason: "time", user: enclosed(text, "user ", " rejected") };
  if (module.startsWith("pam_tally") && text.startsWith("user ") && text.includes(", deny "))
    return { action: "pam_account_locked", reason: "account_locked", user: enclosed(text, "user ", " (") };
  return undefined;
}

/** What stands between `head` at the start and the last `tail`; undefined where they do not enclose anything. */
function enclosed(text: string, head: string, tail: string): string | undefined {
  if (!text.startsWith(head)) return undefined;
  const end = text.lastIndexOf(tail);
  return end >= head.length ? text.slice(head.length, end) : undefined;
}
