import { closeSync, openSync, readSync } from "node:fs";
import type { EvidenceRow } from "#contracts/evidence-store.ts";
import type { LogRecord } from "#contracts/source.ts";
import { compressionOf } from "#sources/decompress.ts";
import { longestLine } from "#sources/line-splitter.ts";
import { readLines } from "#sources/read-lines.ts";
import type { LinePlace } from "./address-tally.ts";
import { writtenBy, type ScanInput } from "./event-reader.ts";
import { evidenceRow } from "./evidence-row.ts";

/** A line to read again: its place, and its number where it is known. */
export interface WantedLine extends LinePlace {
  readonly line: number;
  /** The line as it was kept, for inputs that cannot be read twice (standard input). */
  readonly message?: string;
}

const readSize = 4_096;

/**
 * Reads lines again from their files and parses them anew: the proof that what is claimed stands in the log. A line that
 * is not there any more, or holds no address, gives no row. Plain files are read at the offset, packed ones once through.
 */
export async function reread(inputs: readonly ScanInput[], wanted: readonly WantedLine[], now: number): Promise<EvidenceRow[]> {
  const rows: EvidenceRow[] = [];
  const files = Map.groupBy(wanted, ({ file }) => file);
  for (const [file, lines] of files) {
    const input = inputs[file];
    if (!input) continue;
    const until = writtenBy(input.path, now);
    const take = (text: string, { line, offset }: WantedLine): void => {
      const record: LogRecord = { source: input.path, text, line, offset, writtenBy: until };
      const event = input.parser.parse(record);
      const address = event?.["source.ip"];
      if (event && address !== undefined) rows.push(evidenceRow(event, record, address));
    };
    if (input.path === "-") {
      for (const line of lines) if (line.message !== undefined) take(line.message, line);
    } else if (isPacked(input.path)) await takePacked(input.path, lines, take);
    else takePlain(input.path, lines, take);
  }
  return rows;
}

function takePlain(path: string, lines: readonly WantedLine[], take: (text: string, line: WantedLine) => void): void {
  const descriptor = openSync(path, "r");
  let buffer = Buffer.allocUnsafe(readSize);
  try {
    for (const line of lines) {
      let bytes: Buffer;
      let end: number;
      for (;;) {
        const count = readSync(descriptor, buffer, 0, buffer.length, line.offset);
        bytes = buffer.subarray(0, count);
        end = bytes.indexOf(10);
        if (end >= 0 || count < buffer.length || count > longestLine) break;
        buffer = Buffer.allocUnsafe(buffer.length * 8);
      }
      take(withoutReturn(bytes.toString("utf8", 0, end < 0 ? bytes.length : end)), line);
    }
  } finally {
    closeSync(descriptor);
  }
}

async function takePacked(path: string, lines: readonly WantedLine[], take: (text: string, line: WantedLine) => void): Promise<void> {
  const left = lines.toSorted((a, b) => a.offset - b.offset);
  let next = 0;
  for await (const chunk of readLines(path)) {
    const until = chunk.offset + chunk.bytes;
    for (let line = left[next]; line !== undefined && line.offset < until; line = left[++next]) {
      const start = chunk.starts === undefined ? line.offset - chunk.offset : startOf(chunk.text, chunk.starts, line.offset - chunk.offset);
      if (start >= 0) take(withoutReturn(chunk.text.slice(start, chunk.text.indexOf("\n", start))), line);
    }
    if (next >= left.length) return;
  }
}

/** Index in `text` of the line that starts at byte `offset`, or -1. */
function startOf(text: string, starts: Uint32Array, offset: number): number {
  const line = starts.indexOf(offset);
  let at = 0;
  for (let i = 0; i < line; i++) at = text.indexOf("\n", at) + 1;
  return line < 0 ? -1 : at;
}

/** True for a gzip or zstd file. */
export function isPacked(path: string): boolean {
  if (path === "-") return false;
  const descriptor = openSync(path, "r");
  try {
    const magic = Buffer.alloc(4);
    readSync(descriptor, magic, 0, 4, 0);
    return compressionOf(magic) !== "none";
  } finally {
    closeSync(descriptor);
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
