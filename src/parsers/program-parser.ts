import type { LogEvent } from "#core/event.ts";

/** What the transport (syslog line, journal entry) says of a message. The object is reused from line to line: read it, never keep it. */
export interface Envelope {
  /** Epoch milliseconds (UTC). */
  readonly time: number;
  readonly host: string | undefined;
  /** The tag as written, without process id and colon: `sshd`, `postfix/smtpd`, `kernel`. */
  readonly program: string | undefined;
  readonly pid: number | undefined;
  /** RFC 5424 numbers, where the line carries a priority. */
  readonly facility: number | undefined;
  readonly severity: number | undefined;
}

/** Understands the messages of some programs. Pure, and never throws, whatever the message. */
export interface ProgramParser {
  /** Becomes `event.module` of its events: what `haechi parse` prints as the parser. */
  readonly name: string;
  /**
   * Tags whose lines it is given, as in syslog; of a tag with slashes (`postfix/submission/smtpd`) its last part will do. `*`: it is asked about every line that the program's own parser did not
   * understand (PAM writes under the name of the program that called it).
   */
  readonly programs: readonly string[];
  /** Undefined where the message is none of those it knows. */
  parse(message: string, envelope: Envelope): LogEvent | undefined;
}
