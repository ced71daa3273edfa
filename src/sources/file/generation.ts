import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { LogRecord, SourceNote } from "#contracts/source.ts";
import { createLineSplitter, type LineChunk, lineText } from "../line-splitter.ts";
import { readLines } from "../read-lines.ts";
import { SourceError } from "../source-error.ts";
import { type Candidate, headMatches, lookAt, readAt, tailMatches } from "./candidates.ts";
import { contentHash, headLength, type Mark, tailLength } from "./mark.ts";

/** Bytes read at once. */
const readSize = 1_048_576;
/** NUL bytes at a file's start that are taken for the hole which a writer without O_APPEND leaves after a truncation. */
const holeSize = 512;

/** `data`: lines may be waiting; `end`: nothing more now; `replaced`: the file no longer holds what was read from it. */
export type Fill = "data" | "end" | "replaced";

/** One file of a log, from its creation until it is read to its end; opened once, so that renaming and deleting do not matter. */
export interface Generation {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  readonly compressed: boolean;
  /** Reads on, at most up to byte `limit`. Only when `take` gave all. */
  fill(limit: number): Fill | Promise<Fill>;
  /** Moves waiting lines into `records`, at most `room`; notes cut lines. */
  take(records: LogRecord[], room: number, notes: SourceNote[]): void;
  /** Gives the last line without a line end up: nobody will finish it. */
  flush(): void;
  /** The place of the next line to give. */
  mark(): Mark;
  /** Goes on in a copy of the same content. */
  moveTo(candidate: Candidate): boolean;
  /** Size now; bytes. */
  size(): number;
  /** Links left: 0 once it is deleted. */
  links(): number;
  /** Bytes not given yet. */
  lag(): number;
  /** Bytes of an unfinished last line. */
  pending(): number;
  /** Tells that the file is no longer the live one: its content is not cut any more, so its beginning may be learned before it is read. */
  settle(): void;
  /** The first bytes as they are now, at most 256. */
  beginning(): Buffer;
  /** Takes `head` for the first bytes: where they are others from here on, the content was replaced. */
  expect(head: Buffer): void;
  /** True where so little of the file was seen that its content cannot tell it from another file. */
  unsure(): boolean;
  /** Epoch milliseconds at which lines last came. */
  readonly grown: number;
  close(): void;
}

export interface GenerationOptions {
  /** Source id of the records: the log's own path. */
  readonly source: string;
  readonly candidate: Candidate;
  /** Where to go on; undefined = the beginning. */
  readonly mark: Mark | undefined;
  /** The first bytes as they were when it was decided to read the file; absent = as they are. */
  readonly head?: Buffer | undefined;
  /** Buffer that all files share for reading, of `readBufferSize` bytes. */
  readonly buffer: Buffer;
  readonly signal: AbortSignal;
}

export const readBufferSize = readSize + tailLength;

/** Opens a plain file; throws the system's error where it cannot be opened. Undefined where it is another file, or other content, meanwhile. */
export function openPlain(options: GenerationOptions): Generation | undefined {
  const { source, buffer, mark } = options;
  let { path, device, inode } = options.candidate;
  let descriptor = openSync(path, "r");
  let { modified } = options.candidate;
  if (fstatSync(descriptor).ino !== inode) {
    closeSync(descriptor);
    return undefined;
  }
  const start = mark?.offset ?? 0;
  let readTo = start;
  let splitter = createLineSplitter(start, mark?.line ?? 1);
  let inHole = start === 0;
  // Known before anything is read: the file may have to be found again before its turn comes.
  let head: Buffer = readAt(descriptor, 0, headLength);
  const expected = options.head;
  const asExpected = expected === undefined || head.subarray(0, expected.length).equals(expected);
  if (!asExpected || (mark !== undefined && !(headMatches(head, mark) && tailMatches(descriptor, mark)))) {
    closeSync(descriptor);
    return undefined;
  }
  // What was seen at the decision counts, not what came since: an empty file may have been filled, copied and cut.
  if (expected !== undefined && mark === undefined) head = expected;
  let tail: Buffer = start > 0 ? readAt(descriptor, Math.max(0, start - tailLength), Math.min(start, tailLength)) : Buffer.alloc(0);
  const waiting = createWaiting(source, start, mark?.line ?? 1);
  /** Checks for places between lines: `before` holds for the lines that wait, `after` once they are given. */
  let before = { at: start, bytes: tail };
  let after = before;
  let grown = Date.now();
  let writtenBy = 0;
  let settled = false;

  /** The beginning of a young file as it has grown; a cursor that knew it by its inode alone would lose it. */
  function learnHead(): void {
    if (!settled || head.length === headLength) return;
    const now = readAt(descriptor, 0, headLength);
    if (now.subarray(0, head.length).equals(head)) head = now;
  }

  function sameContent(count: number): boolean {
    if (count < tail.length || !buffer.subarray(0, tail.length).equals(tail)) return false;
    const now = readAt(descriptor, 0, headLength);
    if (now.length < head.length || !now.subarray(0, head.length).equals(head)) return false;
    if (now.length > head.length) head = now;
    return true;
  }

  /** Drops a hole at the file's start, in which a line would drown. Gives the bytes that remain. */
  function passHole(bytes: Buffer): Buffer {
    if (!inHole) return bytes;
    let zeros = 0;
    while (zeros < bytes.length && bytes[zeros] === 0) zeros++;
    const hole = waiting.offset;
    if (hole + zeros < holeSize && zeros < bytes.length) zeros = 0;
    if (zeros < bytes.length) inHole = false;
    if (zeros === 0 || hole + zeros < holeSize) return bytes;
    waiting.offset = hole + zeros;
    splitter = createLineSplitter(waiting.offset, 1);
    return bytes.subarray(zeros);
  }

  return {
    get path() {
      return path;
    },
    get device() {
      return device;
    },
    get inode() {
      return inode;
    },
    get grown() {
      return grown;
    },
    compressed: false,

    fill(limit) {
      const length = Math.min(readSize, limit - readTo);
      if (length <= 0) return "end";
      const count = readSync(descriptor, buffer, 0, tail.length + length, readTo - tail.length);
      // Checked after the read: what was cut off and written anew in between must not pass for the continuation.
      if (!sameContent(count)) return "replaced";
      if (count === tail.length) return "end";
      modified = fstatSync(descriptor).mtimeMs;
      // Times of files are up to one tick of the kernel's clock behind it.
      writtenBy = Math.min(Date.now(), Math.ceil(modified) + 10);
      grown = Date.now();
      const all = buffer.subarray(0, count);
      const bytes = passHole(all.subarray(tail.length));
      const chunks = splitter.push(bytes);
      readTo += count - tail.length;
      const lineEnd = readTo - splitter.pending;
      before = after;
      if (chunks.length > 0) {
        const end = count - splitter.pending;
        if (end > 0 && end <= count) after = { at: lineEnd, bytes: Buffer.from(all.subarray(Math.max(0, end - tailLength), end)) };
        waiting.add(chunks);
      }
      tail = Buffer.from(all.subarray(Math.max(0, count - tailLength)));
      return "data";
    },

    take: (records, room, notes) => waiting.take(records, room, notes, writtenBy),
    flush() {
      before = after;
      waiting.add(splitter.end());
    },

    mark() {
      learnHead();
      const checked = waiting.empty ? after : before;
      return {
        device,
        inode,
        headBytes: head.length,
        headHash: contentHash(head),
        tailAt: checked.at,
        tailHash: checked.at === 0 ? "" : contentHash(checked.bytes),
        offset: waiting.offset,
        line: waiting.line,
        modified,
        path: path === source ? "" : path,
      };
    },

    moveTo(candidate) {
      const other = openSync(candidate.path, "r");
      if (fstatSync(other).ino !== candidate.inode) {
        closeSync(other);
        return false;
      }
      closeSync(descriptor);
      descriptor = other;
      modified = candidate.modified;
      ({ path, device, inode } = candidate);
      return true;
    },

    size: () => fstatSync(descriptor).size,
    links: () => fstatSync(descriptor).nlink,
    lag: () => Math.max(0, fstatSync(descriptor).size - waiting.offset),
    pending: () => splitter.pending,
    settle: () => (settled = true),
    beginning: () => readAt(descriptor, 0, headLength),
    expect(seen) {
      if (seen.subarray(0, head.length).equals(head)) head = seen;
    },
    unsure: () => waiting.empty && waiting.offset === 0 && head.length < headLength,
    close: () => closeSync(descriptor),
  };
}

/** A compressed file: complete when it is found, so it is read through once. Errors as `openPlain`. */
export function openCompressed(options: GenerationOptions): Generation | undefined {
  const { source, candidate, mark } = options;
  const start = mark?.offset ?? 0;
  const descriptor = openSync(candidate.path, "r");
  const look = fstatSync(descriptor).ino === candidate.inode ? lookAt(descriptor) : undefined;
  if (look === undefined) {
    closeSync(descriptor);
    return undefined;
  }
  const stopping = new AbortController();
  const chunks = readLines(candidate.path, { signal: AbortSignal.any([options.signal, stopping.signal]), descriptor });
  const waiting = createWaiting(source, start, mark?.line ?? 1);
  let damage: string | undefined;
  let ended = false;
  const { head } = look;

  return {
    path: candidate.path,
    device: candidate.device,
    inode: candidate.inode,
    compressed: true,
    grown: 0,

    async fill() {
      while (!ended) {
        let next: IteratorResult<LineChunk, void>;
        try {
          next = await chunks.next();
        } catch (error) {
          if (!(error instanceof SourceError) || error.code !== "source-archive-damaged") throw error;
          damage = error.message;
          ended = true;
          return "data";
        }
        if (next.done === true) {
          ended = true;
          break;
        }
        const chunk = next.value;
        if (chunk.offset + chunk.bytes <= start) continue;
        waiting.add([chunk], start);
        return "data";
      }
      return "end";
    },

    take(records, room, notes) {
      waiting.take(records, room, notes, candidate.modified);
      if (damage !== undefined) notes.push({ kind: "gap", detail: damage });
      damage = undefined;
    },
    flush: () => undefined,

    mark: () => ({
      device: candidate.device,
      inode: candidate.inode,
      headBytes: mark?.headBytes ?? head.length,
      headHash: mark?.headHash ?? contentHash(head),
      tailAt: 0,
      tailHash: "",
      offset: waiting.offset,
      line: waiting.line,
      modified: candidate.modified,
      path: candidate.path,
    }),

    moveTo: () => false,
    size: () => (ended ? 0 : Number.MAX_SAFE_INTEGER),
    links: () => 1,
    lag: () => (ended ? 0 : candidate.size),
    pending: () => 0,
    settle: () => undefined,
    beginning: () => head,
    expect: () => undefined,
    unsure: () => false,
    close() {
      stopping.abort();
      // The descriptor is ours: closed once no read of it is under way.
      void chunks.return().then(
        () => closeSync(descriptor),
        () => closeSync(descriptor),
      );
    },
  };
}

/** Lines that are read but not given yet, and the place of the first of them. */
function createWaiting(source: string, startOffset: number, startLine: number) {
  let chunks: LineChunk[] = [];
  let from = 0;
  let index = 0;
  const waiting = {
    offset: startOffset,
    line: startLine,
    get empty(): boolean {
      return chunks.length === 0;
    },
    /** Adds chunks; lines of theirs before byte `skip` are passed over. */
    add(more: readonly LineChunk[], skip = 0): void {
      if (chunks.length === 0) {
        from = 0;
        index = 0;
        chunks = [...more];
        const first = chunks[0];
        if (first === undefined) return;
        while (index < first.lines && lineOffset(first) < skip) {
          from = first.text.indexOf("\n", from) + 1;
          index++;
        }
        if (index === first.lines) chunks.shift();
      } else chunks.push(...more);
    },
    take(records: LogRecord[], room: number, notes: SourceNote[], writtenBy: number): void {
      let left = room;
      while (left > 0) {
        const chunk = chunks[0];
        if (chunk === undefined) return;
        if (index === 0 && chunk.cut > 0) notes.push({ kind: "line-cut", detail: `${source}: ${chunk.cut} at byte ${chunk.offset} (${chunk.bytes} bytes)` });
        const { text, lines } = chunk;
        for (; left > 0 && index < lines; left--) {
          const end = text.indexOf("\n", from);
          const line = waiting.line;
          records.push({ source, text: lineText(text, from, end), line, offset: lineOffset(chunk), writtenBy });
          if (line > 0) waiting.line = line + 1;
          from = end + 1;
          index++;
        }
        if (index < lines) {
          waiting.offset = lineOffset(chunk);
          return;
        }
        waiting.offset = chunk.offset + chunk.bytes;
        chunks.shift();
        from = 0;
        index = 0;
      }
    },
  };

  function lineOffset(chunk: LineChunk): number {
    return chunk.offset + (chunk.starts === undefined ? from : (chunk.starts[index] ?? 0));
  }

  return waiting;
}
