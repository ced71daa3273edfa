import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";
import { readJournalEntry } from "./journal.ts";
import { stampReader } from "./stamp.ts";
import { readStructuredHeader } from "./structured.ts";

const severityNames = ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];
/** Stands for "no program" where the latest program is kept: no tag looks like it. */
const noProgram = "\n";
const repeatedPrefix = "message repeated ";

/**
 * Syslog in the forms that are found in files and journals: RFC 3164 (as files and with priority), rsyslog's ISO 8601 file
 * format, RFC 5424, journald's JSON export, and kernel lines with nothing but the kernel's own clock. The message goes to the
 * parser of the program that wrote it; what none of `programs` knows becomes an event of the envelope alone (`event.module` "syslog").
 */
export function syslogPlugin(programs: readonly ProgramParser[]): ParserPlugin {
  return {
    name: "syslog",
    recognizes,
    build: (context) => buildParser(context, programs),
  };
}

type MutableEnvelope = { -readonly [K in keyof Envelope]: Envelope[K] };

function buildParser(context: ParserContext, programs: readonly ProgramParser[]): Parser {
  const byProgram = new Map<string, ProgramParser>();
  for (const parser of programs) for (const program of parser.programs) if (program !== "*") byProgram.set(program, parser);
  const anyProgram = programs.filter((parser) => parser.programs.includes("*"));
  const stamp = stampReader(context.timeZone, context.year);
  const envelope: MutableEnvelope = { time: 0, host: undefined, program: undefined, pid: undefined, facility: undefined, severity: undefined };
  // Neighbouring lines mostly come from the same host and program: comparing is cheaper than cutting out and hashing.
  let host = "";
  let hostAndSpace = "\n";
  let program = noProgram;
  let own: ProgramParser | undefined;

  const useProgram = (name: string): void => {
    if (name === program) return;
    program = name === "" ? noProgram : name.length > 128 ? name : ownString(name);
    own = byProgram.get(name) ?? byProgram.get(name.slice(name.lastIndexOf("/") + 1));
  };

  const understand = (message: string): LogEvent | undefined => {
    let event = own?.parse(message, envelope);
    for (let i = 0; event === undefined && i < anyProgram.length; i++) event = (anyProgram[i] as ProgramParser).parse(message, envelope);
    return event;
  };

  /** The event of `message`, whose envelope and program are set. */
  const dispatch = (message: string): LogEvent => {
    if (message.charCodeAt(0) === 109 && message.startsWith(repeatedPrefix)) {
      const repeated = readRepeated(message);
      if (repeated) {
        const event = understand(repeated.message) ?? envelopeEvent(envelope, repeated.message);
        return { ...event, "haechi.count": (event["haechi.count"] ?? 1) * repeated.count };
      }
    }
    return understand(message) ?? envelopeEvent(envelope, message);
  };

  /** Host, tag and message from `at` on, after the time stamp and its space. */
  const readBsd = (text: string, at: number): LogEvent => {
    let tagAt: number;
    if (text.startsWith(hostAndSpace, at)) {
      envelope.host = host;
      tagAt = at + hostAndSpace.length;
    } else {
      const space = text.indexOf(" ", at);
      if (space < 0 || text.charCodeAt(space - 1) === 58) {
        // No host: the line of a program on its own (`Mar  2 10:11:12 sshd[12]: …`), or nothing but a word.
        envelope.host = undefined;
        tagAt = at;
      } else {
        if (space - at <= 255) {
          host = ownString(text.slice(at, space));
          hostAndSpace = `${host} `;
        }
        envelope.host = text.slice(at, space);
        tagAt = space + 1;
      }
    }
    return readTag(text, tagAt);
  };

  /** `TAG[PID]: ` and the message. */
  const readTag = (text: string, at: number): LogEvent => {
    if (text.startsWith(program, at)) {
      // The tag of the line before: nothing to cut out or look up.
      let end = at + program.length;
      envelope.pid = undefined;
      if (text.charCodeAt(end) === 91) end = readPid(text, end);
      if (text.charCodeAt(end) === 58 && text.charCodeAt(end + 1) === 32) {
        envelope.program = program;
        return readMessage(text, end + 2);
      }
    }
    const space = text.indexOf(" ", at);
    let stop = space < 0 ? text.length : space;
    if (text.charCodeAt(stop - 1) === 58) stop--;
    else {
      const colon = text.indexOf(":", at);
      stop = colon > stop ? -1 : colon;
    }
    envelope.pid = undefined;
    if (stop <= at) {
      envelope.program = undefined;
      useProgram("");
      return dispatch(text.slice(at));
    }
    const bracket = text.indexOf("[", at);
    const end = bracket > at && bracket < stop ? bracket : stop;
    if (end < stop) readPid(text, end);
    useProgram(text.slice(at, end));
    envelope.program = program;
    return readMessage(text, text.charCodeAt(stop + 1) === 32 ? stop + 2 : stop + 1);
  };

  /** Takes the process id of `[4242]`, where it is one; index after the bracket, or 0. */
  const readPid = (text: string, at: number): number => {
    let pid = 0;
    let i = at + 1;
    for (let digit = text.charCodeAt(i) - 48; digit >= 0 && digit <= 9 && i < at + 11; digit = text.charCodeAt(++i) - 48) pid = pid * 10 + digit;
    if (i === at + 1 || text.charCodeAt(i) !== 93) return 0;
    envelope.pid = pid;
    return i + 1;
  };

  const readMessage = (text: string, at: number): LogEvent => dispatch(text.slice(program === "kernel" ? afterKernelClock(text, at) : at));

  return {
    name: "syslog",
    parse(record: LogRecord): LogEvent | undefined {
      const text = record.text;
      let at = 0;
      envelope.facility = undefined;
      envelope.severity = undefined;
      const first = text.charCodeAt(0);
      if (first === 123) {
        const entry = readJournalEntry(text);
        if (!entry) return undefined;
        Object.assign(envelope, entry);
        useProgram(entry.program ?? "");
        return dispatch(entry.message);
      }
      if (first === 60) {
        at = afterPriority(text);
        if (at < 0) return undefined;
        const priority = Number(text.slice(1, at - 1));
        envelope.facility = priority >> 3;
        envelope.severity = priority & 7;
        if (text.startsWith("1 ", at)) {
          const header = readStructuredHeader(text, at + 2);
          if (header) {
            envelope.time = stamp.read(text, header.stampAt, record.writtenBy) < 0 ? record.writtenBy : stamp.time;
            envelope.host = header.host;
            envelope.program = header.program;
            envelope.pid = header.pid;
            useProgram(header.program ?? "");
            return dispatch(text.slice(header.messageAt));
          }
        }
      }
      const end = stamp.read(text, at, record.writtenBy);
      if (end > 0 && text.charCodeAt(end) === 32) {
        envelope.time = stamp.time;
        return readBsd(text, end + 1);
      }
      const message = bareKernelMessage(text, at);
      if (message < 0) return undefined;
      // The kernel's clock counts from the boot, which the line does not tell.
      envelope.time = record.writtenBy;
      envelope.host = undefined;
      envelope.program = "kernel";
      envelope.pid = undefined;
      useProgram("kernel");
      return dispatch(text.slice(message));
    },
  };
}

/** Index after `<NNN>` at the start, or -1. */
function afterPriority(text: string): number {
  const close = text.indexOf(">");
  if (close < 2 || close > 4) return -1;
  for (let i = 1; i < close; i++) if (!(text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57)) return -1;
  return close + 1;
}

/** Index after the kernel's own clock (`[12345.678901] `) at `at`, or `at` where there is none. */
function afterKernelClock(text: string, at: number): number {
  if (text.charCodeAt(at) !== 91) return at;
  let i = at + 1;
  for (; i < at + 24; i++) {
    const code = text.charCodeAt(i);
    if (code === 93) break;
    if (code !== 32 && code !== 46 && !(code >= 48 && code <= 57)) return at;
  }
  if (text.charCodeAt(i) !== 93 || i === at + 1) return at;
  return text.charCodeAt(i + 1) === 32 ? i + 2 : i + 1;
}

/** Start of the message of a line with nothing but the kernel's clock (`kernel: [12.3] …`, `[   12.345678] …`), or -1. */
function bareKernelMessage(text: string, at: number): number {
  const tagged = text.startsWith("kernel: ", at);
  const from = tagged ? at + 8 : at;
  const message = afterKernelClock(text, from);
  return tagged || message > from ? message : -1;
}

/** `message repeated N times: [ … ]` of rsyslog, taken apart. */
function readRepeated(message: string): { readonly count: number; readonly message: string } | undefined {
  const times = message.indexOf(" times: [", repeatedPrefix.length);
  if (times < 0 || times > repeatedPrefix.length + 9 || message.charCodeAt(message.length - 1) !== 93) return undefined;
  const count = Number(message.slice(repeatedPrefix.length, times));
  if (!Number.isSafeInteger(count) || count < 1) return undefined;
  const from = message.charCodeAt(times + 9) === 32 ? times + 10 : times + 9;
  return { count, message: message.slice(from, -1) };
}

/** What is known of a line whose message nobody understands. */
function envelopeEvent(envelope: Envelope, message: string): LogEvent {
  return {
    "@timestamp": envelope.time,
    "event.module": "syslog",
    "host.name": envelope.host,
    "process.name": envelope.program,
    "process.pid": envelope.pid,
    "log.level": envelope.severity === undefined ? undefined : severityNames[envelope.severity],
    message,
  };
}

/**
 * True for a line that is surely syslog. A bare ISO time stamp begins many other logs too, so host and tag must follow it.
 */
function recognizes(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first === 123) return readJournalEntry(text) !== undefined;
  let at = 0;
  if (first === 60) {
    at = afterPriority(text);
    if (at < 0) return false;
    if (text.startsWith("1 ", at)) return readStructuredHeader(text, at + 2) !== undefined;
  }
  const end = stampReader("UTC", undefined).read(text, at, 0);
  if (end < 0) return text.startsWith("kernel: [", at) && bareKernelMessage(text, at) > at + 9;
  if (text.charCodeAt(end) !== 32) return false;
  const digit = text.charCodeAt(at) - 48;
  if (!(digit >= 0 && digit <= 9)) return text.length > end + 1;
  const tagAt = text.indexOf(" ", end + 1) + 1;
  if (tagAt === 0) return false;
  const space = text.indexOf(" ", tagAt);
  return text.charCodeAt((space < 0 ? text.length : space) - 1) === 58 && text.charCodeAt(tagAt - 2) !== 58;
}
