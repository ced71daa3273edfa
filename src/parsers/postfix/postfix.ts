import type { LogEvent } from "#core/event.ts";
import { loginEvent } from "../login-event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";

const base = { module: "postfix", dataset: "syslog.mail", action: "smtp_login" } as const;

/**
 * Postfix's smtpd with SASL: `warning: HOST[ADDR]: SASL METHOD authentication failed: TEXT[, sasl_username=NAME]` and, for success,
 * `QUEUEID: client=HOST[ADDR], sasl_method=METHOD, sasl_username=NAME`.
 */
export const postfix: ProgramParser = {
  name: "postfix",
  // `postfix/smtpd`, `postfix/submission/smtpd`, `postfix-out/smtpd`, …
  programs: ["smtpd"],
  parse(message, envelope) {
    return message.startsWith("warning: ") ? readFailure(message, envelope) : readSuccess(message, envelope);
  },
};

function readFailure(message: string, envelope: Envelope): LogEvent | undefined {
  // A verified host name holds no brackets, so the first closing one is postfix's own, and the peer's words come later.
  const open = message.indexOf("[", 9);
  const close = message.indexOf("]: SASL ", open);
  if (open < 0 || close < open || close - open > 64) return undefined;
  const failed = message.indexOf(" authentication failed: ", close);
  if (failed < 0 || failed > close + 72) return undefined;
  const mechanism = message.slice(close + 8, failed);
  const name = message.lastIndexOf(", sasl_username=");
  const user = name > failed ? message.slice(name + 16) : undefined;
  // A server that cannot check is at fault itself.
  const text = message.slice(failed + 24, failed + 88);
  const ours = text.startsWith("Connection lost to authentication server") || text.startsWith("Temporary authentication failure");
  return loginEvent(envelope, message, {
    ...base,
    outcome: ours ? "unknown" : "failure",
    reason: ours ? "server_error" : "bad_password",
    host: message.slice(open + 1, close),
    user,
    mechanism,
  });
}

function readSuccess(message: string, envelope: Envelope): LogEvent | undefined {
  const client = message.indexOf(": client=");
  if (client < 1 || client > 32) return undefined;
  const open = message.indexOf("[", client);
  const close = message.indexOf("], sasl_method=", open);
  if (open < 0 || close < open || close - open > 64) return undefined;
  const name = message.indexOf(", sasl_username=", close);
  if (name < 0) return undefined;
  const sender = message.indexOf(", sasl_sender=", name);
  return loginEvent(envelope, message, {
    ...base,
    outcome: "success",
    host: message.slice(open + 1, close),
    user: message.slice(name + 16, sender < 0 ? undefined : sender),
    mechanism: message.slice(close + 15, name),
  });
}
