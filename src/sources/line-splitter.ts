import { isAscii } from "node:buffer";

/** Lines longer than this many bytes are cut to it. */
export const longestLine = 1_048_576;

/** Whole lines that were decoded together. */
export interface LineChunk {
  /** Lines, each ended by `\n` (also the last line of a file that ends without one). A `\r` before it stays: `eachLine` drops it. */
  readonly text: string;
  /** True where every byte was ASCII: one character = one byte, so the offset of a line is `offset + its index in text`. */
  readonly ascii: boolean;
  /** Number of the first line, counted from 1; 0 where unknown. */
  readonly firstLine: number;
  /** How many lines `text` holds. */
  readonly lines: number;
  /** Byte offset of the first line in the (uncompressed) source. */
  readonly offset: number;
  /** Bytes consumed, line ends and cut bytes included: the next chunk starts at `offset + bytes`. */
  readonly bytes: number;
  /** Byte offset of each line relative to `offset`, only where `ascii` is false. */
  readonly starts: Uint32Array | undefined;
  /** How many of the lines were over 1 MiB and cut. */
  readonly cut: number;
}

/** Cuts a stream of bytes into whole lines. Holds at most one unfinished line of at most 1 MiB. */
export interface LineSplitter {
  /** Takes the next bytes (borrowed until it returns), gives the lines they complete. */
  push(bytes: Buffer): LineChunk[];
  /** The last line where the stream ended without a line end. */
  end(): LineChunk[];
  /** Bytes taken in that belong to no given line yet. */
  readonly pending: number;
}

const lineFeed = 10;
/** Non-ASCII input is decoded in runs of about this size, so that the ASCII majority stays one-byte strings. */
const runSize = 65_536;

/** A splitter that starts at byte `offset` with line number `line` (counted from 1; 0 = unknown, and stays so); lines over `longest` bytes are cut. */
export function createLineSplitter(offset = 0, line = 1, longest = longestLine): LineSplitter {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let dropped = 0;
  let at = offset;
  let next = line;

  function emit(chunks: LineChunk[], text: string, ascii: boolean, lines: number, bytes: number, starts: Uint32Array | undefined, cut: number): void {
    chunks.push({ text, ascii, firstLine: next, lines, offset: at, bytes, starts, cut });
    at += bytes;
    if (next > 0) next += lines;
  }

  /** One line whose bytes, the line end left out, are `content`; `bytes` is all it took up in the source. */
  function emitLine(chunks: LineChunk[], content: Buffer, bytes: number): void {
    const cut = content.length > longest;
    const kept = cut ? content.subarray(0, characterEnd(content, longest)) : content;
    const ascii = isAscii(kept);
    const text = ascii ? kept.toString("latin1") : kept.toString("utf8");
    emit(chunks, `${text}\n`, ascii, 1, bytes, ascii ? undefined : new Uint32Array(1), cut ? 1 : 0);
  }

  function emitRun(chunks: LineChunk[], run: Buffer, ascii: boolean): void {
    if (ascii) {
      const text = run.toString("latin1");
      emit(chunks, text, true, countLines(text), run.length, undefined, 0);
      return;
    }
    const starts = lineStarts(run);
    emit(chunks, run.toString("utf8"), false, starts.length, run.length, starts, 0);
  }

  /** Lines of ordinary length; `region` ends with a line end. */
  function emitRegion(chunks: LineChunk[], region: Buffer): void {
    if (region.length === 0) return;
    if (isAscii(region)) {
      emitRun(chunks, region, true);
      return;
    }
    let start = 0;
    let plainFrom = 0;
    while (start < region.length) {
      const end = region.indexOf(lineFeed, Math.min(start + runSize, region.length) - 1) + 1;
      const run = region.subarray(start, end);
      if (!isAscii(run)) {
        if (plainFrom < start) emitRun(chunks, region.subarray(plainFrom, start), true);
        emitRun(chunks, run, false);
        plainFrom = end;
      }
      start = end;
    }
    if (plainFrom < region.length) emitRun(chunks, region.subarray(plainFrom), true);
  }

  function hold(bytes: Buffer): void {
    const room = Math.max(0, longest + 4 - heldBytes);
    const kept = bytes.length > room ? bytes.subarray(0, room) : bytes;
    dropped += bytes.length - kept.length;
    if (kept.length === 0) return;
    held.push(Buffer.from(kept));
    heldBytes += kept.length;
    // A line that grows by a few bytes at a time must not end as a million buffers.
    if (held.length > 512) held = [Buffer.concat(held)];
  }

  function release(): Buffer {
    const content = held.length === 1 ? held[0]! : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    dropped = 0;
    return content;
  }

  return {
    get pending() {
      return heldBytes + dropped;
    },

    push(bytes) {
      const chunks: LineChunk[] = [];
      let start = 0;
      if (heldBytes > 0) {
        const end = bytes.indexOf(lineFeed);
        if (end === -1) {
          hold(bytes);
          return chunks;
        }
        hold(bytes.subarray(0, end));
        const took = heldBytes + dropped + 1;
        emitLine(chunks, release(), took);
        start = end + 1;
      }
      const last = bytes.lastIndexOf(lineFeed);
      const stop = last + 1;
      if (stop > start) {
        let from = start;
        // Looks for an over-long line in steps of its limit, so that ordinary input costs a few searches a chunk.
        let position = start;
        while (stop - position > longest) {
          const end = bytes.lastIndexOf(lineFeed, position + longest);
          if (end >= position) {
            position = end + 1;
            continue;
          }
          emitRegion(chunks, bytes.subarray(from, position));
          const lineEnd = bytes.indexOf(lineFeed, position + longest);
          emitLine(chunks, bytes.subarray(position, lineEnd), lineEnd + 1 - position);
          position = lineEnd + 1;
          from = position;
        }
        emitRegion(chunks, bytes.subarray(from, stop));
      }
      if (Math.max(start, stop) < bytes.length) hold(bytes.subarray(Math.max(start, stop)));
      return chunks;
    },

    end() {
      const chunks: LineChunk[] = [];
      if (heldBytes === 0) return chunks;
      const took = heldBytes + dropped;
      emitLine(chunks, release(), took);
      return chunks;
    },
  };
}

/** Calls `visit` with each line: its text without the line end, its number (0 unknown), its byte offset and the offset after it. */
export function eachLine(chunk: LineChunk, visit: (text: string, line: number, offset: number) => void): void {
  const { text, starts, offset, firstLine } = chunk;
  let from = 0;
  for (let index = 0; index < chunk.lines; index++) {
    const end = text.indexOf("\n", from);
    visit(lineText(text, from, end), firstLine === 0 ? 0 : firstLine + index, offset + (starts === undefined ? from : (starts[index] ?? 0)));
    from = end + 1;
  }
}

/** The line between `from` and its `\n` at `end`, without a carriage return before it. */
export function lineText(text: string, from: number, end: number): string {
  return text.slice(from, end > from && text.charCodeAt(end - 1) === 13 ? end - 1 : end);
}

/** The largest end at or below `limit` that does not fall inside a UTF-8 sequence. */
function characterEnd(bytes: Buffer, limit: number): number {
  let end = limit;
  while (end > limit - 3 && (bytes[end] ?? 0) >> 6 === 0b10) end--;
  return end;
}

function countLines(text: string): number {
  let lines = 0;
  for (let from = text.indexOf("\n"); from !== -1; from = text.indexOf("\n", from + 1)) lines++;
  return lines;
}

function lineStarts(run: Buffer): Uint32Array {
  const starts = [0];
  for (let end = run.indexOf(lineFeed); end !== -1 && end + 1 < run.length; end = run.indexOf(lineFeed, end + 1)) starts.push(end + 1);
  return Uint32Array.from(starts);
}
