import { createLineSplitter, eachLine } from "../line-splitter.ts";

/** Longest message taken in; longer ones are cut. RFC 5424 asks for 2,048 bytes, senders use up to 64 KiB. */
export const longestMessage = 65_536;

/** Messages of one TCP connection, by RFC 6587: octet-counted or ended by LF, told by the first bytes. */
export interface FrameSplitter {
  /** Gives the messages that `bytes` complete. Throws where an octet count makes no sense: the connection cannot go on. */
  push(bytes: Buffer, take: (message: string) => void): void;
  /** The last message where the connection ended without a line end. */
  end(take: (message: string) => void): void;
  /** Messages cut so far. */
  readonly cut: number;
}

const space = 32;
const lessThan = 60;

export function createFrameSplitter(): FrameSplitter {
  let framing: "unknown" | "lines" | "octets" = "unknown";
  let start: Buffer = Buffer.alloc(0);
  const lines = createLineSplitter(0, 0, longestMessage);
  let digits = "";
  let missing = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let cut = 0;

  function takeLines(chunks: ReturnType<typeof lines.push>, take: (message: string) => void): void {
    for (const chunk of chunks) {
      cut += chunk.cut;
      eachLine(chunk, (text) => {
        const message = oneLine(text);
        if (message !== "") take(message);
      });
    }
  }

  function octets(bytes: Buffer, take: (message: string) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (missing === 0) {
        const byte = bytes[at++]!;
        if (byte >= 48 && byte <= 57 && digits.length < 8) digits += String.fromCharCode(byte);
        else if (byte === space && digits !== "") {
          missing = Number(digits);
          digits = "";
          if (missing === 0) continue;
        } else if (byte !== 10 || digits !== "") throw new Error("octet count expected");
        continue;
      }
      const part = bytes.subarray(at, at + missing);
      at += part.length;
      missing -= part.length;
      const room = longestMessage - keptBytes;
      if (room > 0) {
        kept.push(Buffer.from(part.subarray(0, room)));
        keptBytes += Math.min(room, part.length);
      }
      if (part.length > room && room >= 0) cut += keptBytes === longestMessage && room > 0 ? 1 : 0;
      if (kept.length > 256) kept = [Buffer.concat(kept)];
      if (missing > 0) continue;
      const message = oneLine(Buffer.concat(kept).toString("utf8"));
      kept = [];
      keptBytes = 0;
      if (message !== "") take(message);
    }
  }

  return {
    get cut() {
      return cut;
    },
    push(bytes, take) {
      let input = bytes;
      if (framing === "unknown") {
        start = Buffer.concat([start, bytes]);
        const told = framingOf(start);
        if (told === undefined) return;
        framing = told;
        input = start;
        start = Buffer.alloc(0);
      }
      if (framing === "lines") takeLines(lines.push(input), take);
      else octets(input, take);
    },
    end(take) {
      if (framing === "unknown") takeLines(lines.push(start), take);
      takeLines(lines.end(), take);
    },
  };
}

/** `123 <` is an octet count and a message; anything else is lines. Undefined where more bytes are needed. */
function framingOf(bytes: Buffer): "lines" | "octets" | undefined {
  let at = 0;
  while (at < bytes.length && at < 8 && bytes[at]! >= 48 && bytes[at]! <= 57) at++;
  if (at === 0 && bytes.length > 0) return "lines";
  if (at >= bytes.length) return undefined;
  if (bytes[at] !== space || bytes[0] === 48) return "lines";
  if (at + 1 >= bytes.length) return undefined;
  return bytes[at + 1] === lessThan ? "octets" : "lines";
}

/** A message as one line: ends trimmed of line ends and NUL, those inside escaped as rsyslog does (`#012`), so that none can pass for another message. */
export function oneLine(message: string): string {
  // oxlint-disable-next-line no-control-regex
  return message.replace(/[\r\n\0]+$/, "").replaceAll(/[\r\n]/g, (end) => (end === "\n" ? "#012" : "#015"));
}
