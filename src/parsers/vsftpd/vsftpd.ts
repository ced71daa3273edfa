import type { LogEvent } from "#core/event.ts";
import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import { loginEvent, numberAt } from "../login-event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";
import { zonedTime } from "../zoned-time.ts";

const clientMark = ': Client "';
const anonymousMark = ', anon password "';
const months = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** vsftpd through syslog: `[NAME] FAIL LOGIN: Client "ADDR"`, `[NAME] OK LOGIN: Client "ADDR"[, anon password "…"]`, `CONNECT: Client "ADDR"`. */
export const vsftpd: ProgramParser = {
  name: "vsftpd",
  programs: ["vsftpd", "ftpd"],
  parse: (message, envelope) => readMessage(message, 0, envelope),
};

/**
 * vsftpd's own file (logging.c): `Sun Mar  2 10:11:12 2025 [pid 123] [NAME] FAIL LOGIN: Client "ADDR"`. Times are in the zone of the
 * source. Lines about files and commands are events without an action.
 */
export const vsftpdLog: ParserPlugin = { name: "vsftpd", recognizes: (text) => headerEnd(text) > 0, build };

function build(context: ParserContext): Parser {
  const zone = zonedTime(context.timeZone);
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    time: 0,
    host: undefined,
    program: "vsftpd",
    pid: undefined,
    facility: undefined,
    severity: undefined,
  };
  return {
    name: "vsftpd",
    parse(record): LogEvent | undefined {
      const text = record.text;
      const end = headerEnd(text);
      if (end < 0) return undefined;
      const seconds = numberAt(text, 17);
      envelope.time =
        zone.instant(
          Date.UTC(
            numberAt(text, 20),
            months.indexOf(text.slice(4, 7)) / 3,
            numberAt(text, text.charCodeAt(8) === 32 ? 9 : 8),
            numberAt(text, 11),
            numberAt(text, 14),
          ),
        ) +
        seconds * 1_000;
      envelope.pid = numberAt(text, 30);
      const message = text.slice(end);
      return (
        readMessage(message, 0, envelope) ?? {
          "@timestamp": envelope.time,
          "event.module": "vsftpd",
          "event.dataset": "syslog.ftp",
          "process.name": "vsftpd",
          "process.pid": envelope.pid,
          message,
        }
      );
    },
  };
}

const stampShape =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-3]\d [0-2]\d:[0-5]\d:[0-6]\d \d{4} \[pid \d{1,9}\] /;

/** Index after `Sun Mar  2 10:11:12 2025 [pid 123] `, or -1. */
function headerEnd(text: string): number {
  return stampShape.exec(text.slice(0, 48))?.[0].length ?? -1;
}

function readMessage(message: string, at: number, envelope: Envelope): LogEvent | undefined {
  if (message.startsWith('CONNECT: Client "', at)) {
    const address = message.slice(at + 17, message.indexOf('"', at + 17));
    return loginEvent(envelope, message, { module: "vsftpd", dataset: "syslog.ftp", category: "network", action: "ftp_connection", host: address });
  }
  if (message.charCodeAt(at) !== 91) return undefined;
  const failed = message.lastIndexOf("] FAIL LOGIN" + clientMark);
  const succeeded = message.lastIndexOf("] OK LOGIN" + clientMark);
  const mark = Math.max(failed, succeeded);
  if (mark < 0) return undefined;
  const outcome = mark === failed ? "failure" : "success";
  const addressAt = mark + (mark === failed ? 12 : 10) + clientMark.length;
  const quote = message.indexOf('"', addressAt);
  if (quote < 0) return undefined;
  const facts = { module: "vsftpd", dataset: "syslog.ftp", action: "ftp_login", outcome } as const;
  const reason = outcome === "failure" ? "bad_password" : undefined;
  // The last mark is vsftpd's own, unless an anonymous password, which follows the address, holds one too; a name could be crafted to
  // look like that, so then nobody can tell.
  const anonymous = message.indexOf(anonymousMark);
  if (anonymous > 0 && anonymous < mark && /^\[(?:ftp|anonymous)\] OK LOGIN: /i.test(message.slice(at, at + 32))) return loginEvent(envelope, message, facts);
  return loginEvent(envelope, message, { ...facts, reason, host: message.slice(addressAt, quote), user: message.slice(at + 1, mark) });
}
