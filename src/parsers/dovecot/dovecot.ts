import type { LogEvent } from "#core/event.ts";
import { loginEvent, numberAt } from "../login-event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";

const base = { module: "dovecot", dataset: "syslog.mail" } as const;
const services: readonly (readonly [prefix: string, action: string])[] = [
  ["imap-login: ", "imap_login"],
  ["pop3-login: ", "pop3_login"],
  ["managesieve-login: ", "imap_login"],
  ["submission-login: ", "smtp_login"],
];

/**
 * Dovecot 1.x to 2.4. The login processes say what became of a connection (`… (auth failed, 2 attempts in 8 secs): user=<NAME>, method=PLAIN,
 * rip=ADDR, …`): these are the tries. The auth process says why a password was refused (`pam(NAME,ADDR,…): …`, only with `auth_verbose`):
 * `mail_authentication`, which is no try of its own.
 */
export const dovecot: ProgramParser = {
  name: "dovecot",
  programs: ["dovecot", "imap-login", "pop3-login", "managesieve-login", "submission-login", "dovecot-auth", "auth", "auth-worker"],
  parse(message, envelope) {
    for (const [prefix, action] of services) {
      if (message.startsWith(prefix)) return readLogin(message, prefix.length, action, envelope);
      // Where each process is its own program, the tag says it.
      if (envelope.program !== undefined && prefix.startsWith(envelope.program) && prefix.length === envelope.program.length + 2)
        return readLogin(message, 0, action, envelope);
    }
    return readAuth(message, envelope);
  },
};

function readLogin(message: string, start: number, action: string, envelope: Envelope): LogEvent | undefined {
  const at = message.startsWith("Info: ", start) ? start + 6 : start;
  const userAt = message.indexOf("user=<", at);
  const rest = rightFields(message, userAt);
  if (message.startsWith("Login: ", at))
    return loginEvent(envelope, message, { ...base, action, outcome: "success", host: rest.host, user: rest.user, mechanism: rest.method });
  // The words before the fields are dovecot's own.
  const head = message.slice(at, userAt < 0 ? at + 512 : userAt);
  const failed = head.indexOf("(auth failed, ");
  if (failed < 0) return undefined;
  const count = Math.max(1, numberAt(head, failed + 14));
  return loginEvent(envelope, message, {
    ...base,
    action,
    outcome: "failure",
    reason: "bad_password",
    host: rest.host,
    user: rest.user,
    mechanism: rest.method,
    count,
  });
}

/** `NAME>, method=M, rip=ADDR, lip=…`: everything behind the name is dovecot's own, so it is read from the right. */
function rightFields(
  message: string,
  userAt: number,
): { readonly user: string | undefined; readonly host: string | undefined; readonly method: string | undefined } {
  const hostAt = message.lastIndexOf(" rip=");
  if (hostAt < 0 || hostAt < userAt) return { user: undefined, host: undefined, method: undefined };
  const end = endOfValue(message, hostAt + 5);
  const methodAt = message.lastIndexOf(">, method=", hostAt);
  const userEnd = methodAt > userAt ? methodAt : message.lastIndexOf(">,", hostAt);
  return {
    user: userAt >= 0 && userEnd >= userAt + 6 ? message.slice(userAt + 6, userEnd) : undefined,
    host: message.slice(hostAt + 5, end),
    method: methodAt > userAt ? message.slice(methodAt + 10, endOfValue(message, methodAt + 10)) : undefined,
  };
}

function endOfValue(message: string, at: number): number {
  const comma = message.indexOf(",", at);
  return comma < 0 ? message.length : comma;
}

const authFailures: readonly (readonly [text: string, reason: string])[] = [
  ["unknown user", "invalid_user"],
  ["User unknown", "invalid_user"],
  ["Password mismatch", "bad_password"],
  ["password mismatch", "bad_password"],
  ["Authentication failure", "bad_password"],
  ["invalid credentials", "bad_password"],
  ["Unknown user", "invalid_user"],
  ["user disabled", "account_disabled"],
];

/** `auth: pam(NAME,ADDR[,<SESSION>]): TEXT`, `auth-worker(1): sql(…): …`, `auth-worker(1): conn unix:…: auth-worker<2>: passwd-file(…): …`. */
function readAuth(message: string, envelope: Envelope): LogEvent | undefined {
  if (!message.startsWith("auth") && envelope.program !== "auth" && envelope.program !== "auth-worker" && envelope.program !== "dovecot-auth") return undefined;
  const database = /(?:^|[ :])(?:pam|passwd-file|passwd|shadow|sql|ldap|lua|static|bsdauth|oauth2|dict|vpopmail|checkpassword)\(/.exec(message.slice(0, 256));
  if (!database) return undefined;
  const nameAt = database.index + database[0].length;
  // The text is dovecot's own, so the last closing is its own too.
  const close = message.lastIndexOf("): ");
  if (close < nameAt) return undefined;
  const text = message.slice(close + 3);
  const failure = authFailures.find(([words]) => text.includes(words));
  if (!failure) return undefined;
  // With auth_debug_passwords the peer's words end the text as well as the name.
  if (message.includes("given password: "))
    return loginEvent(envelope, message, { ...base, action: "mail_authentication", outcome: "failure", reason: failure[1] });
  let end = close;
  if (message.charCodeAt(end - 1) === 62) end = message.lastIndexOf(",<", end);
  const comma = message.lastIndexOf(",", end - 1);
  if (end < nameAt || comma < nameAt) return undefined;
  return loginEvent(envelope, message, {
    ...base,
    action: "mail_authentication",
    outcome: "failure",
    reason: failure[1],
    host: message.slice(comma + 1, end),
    user: message.slice(nameAt, comma),
  });
}
