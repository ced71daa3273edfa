import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { compressionOf, decompress } from "./decompress.ts";
import { createLineSplitter, type LineChunk } from "./line-splitter.ts";
import { reasonOf, SourceError } from "./source-error.ts";

const chunkSize = 4 * 1_048_576;

export interface ReadLinesOptions {
  /** Ends the reading early, without an error. */
  readonly signal?: AbortSignal;
  /** Told the bytes read from the file so far (compressed bytes where it is compressed): for progress bars. */
  readonly onBytes?: (bytes: number) => void;
  /** An open descriptor to read instead of opening the path, which only names it then. It is not closed. */
  readonly descriptor?: number;
}

/**
 * The lines of a plain, gzip or zstd file (told by its content), or of standard input (`-`), in chunks of about 4 MB.
 * Throws a `SourceError` that names the file; a damaged or cut archive gives all lines before the damage first.
 */
export async function* readLines(path: string, options: ReadLinesOptions = {}): AsyncGenerator<LineChunk, void, undefined> {
  const { signal, onBytes } = options;
  const magic = path === "-" ? undefined : magicOf(path, options.descriptor);
  if (magic !== undefined && magic.regular && compressionOf(magic.head) === "none" && options.descriptor === undefined) {
    for (const chunk of readLinesSync(path, onBytes === undefined ? {} : { onBytes })) {
      if (signal?.aborted === true) return;
      yield chunk;
      // The reads are synchronous: without a turn of the event loop no timer, signal or progress bar would run.
      await setImmediate();
    }
    return;
  }
  const splitter = createLineSplitter();
  try {
    for await (const bytes of decodedBytes(path, magic, options)) {
      for (const chunk of splitter.push(bytes)) {
        if (signal?.aborted === true) return;
        yield chunk;
      }
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    // The unfinished line before a damage is dropped: half an address is another address.
    throw error instanceof SourceError ? error : unreadable(path, error);
  }
  yield* splitter.end();
}

/** The lines of a plain file with synchronous reads into one buffer: the fastest way, for work that is bound by the CPU. */
export function* readLinesSync(
  path: string,
  options: { readonly onBytes?: (bytes: number) => void; readonly start?: number } = {},
): Generator<LineChunk, void, undefined> {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    // At least one byte more than the file, so that one read of a small file sees its end.
    const buffer = Buffer.allocUnsafeSlow(Math.max(4_096, Math.min(chunkSize, fstatSync(descriptor).size + 1)));
    let position = options.start ?? 0;
    const splitter = createLineSplitter(position, position === 0 ? 1 : 0);
    for (;;) {
      let count: number;
      try {
        count = readSync(descriptor, buffer, 0, buffer.length, position);
      } catch (error) {
        throw unreadable(path, error);
      }
      if (count === 0) break;
      position += count;
      options.onBytes?.(position);
      yield* splitter.push(buffer.subarray(0, count));
    }
    yield* splitter.end();
  } finally {
    closeSync(descriptor);
  }
}

interface Magic {
  readonly head: Buffer;
  readonly regular: boolean;
}

function magicOf(path: string, given: number | undefined): Magic {
  let descriptor = given;
  try {
    descriptor ??= openSync(path, "r");
    const regular = fstatSync(descriptor).isFile();
    const head = Buffer.alloc(4);
    // A pipe's first bytes cannot be put back: those are looked at in the stream.
    const count = regular ? readSync(descriptor, head, 0, 4, 0) : 0;
    return { head: head.subarray(0, count), regular };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    if (descriptor !== undefined && given === undefined) closeSync(descriptor);
  }
}

async function* decodedBytes(path: string, magic: Magic | undefined, options: ReadLinesOptions): AsyncGenerator<Buffer> {
  const { signal, onBytes, descriptor } = options;
  const raw = async function* (): AsyncGenerator<Buffer> {
    const aborting = signal === undefined ? {} : { signal };
    const stream = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 1_048_576, ...aborting });
    let bytes = 0;
    for await (const piece of stream) {
      const buffer = piece as Buffer;
      bytes += buffer.length;
      onBytes?.(bytes);
      yield buffer;
    }
  };
  if (magic?.regular === true) {
    const compression = compressionOf(magic.head);
    const open = descriptor === undefined ? raw : () => bytesOf(descriptor, signal, onBytes);
    yield* compression === "none" ? open() : decompress(open, compression, path);
    return;
  }
  yield* sniffed(raw(), path);
}

/** The bytes of an open file; a stream would close it. */
async function* bytesOf(descriptor: number, signal: AbortSignal | undefined, onBytes: ((bytes: number) => void) | undefined): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(262_144);
  let position = 0;
  for (;;) {
    if (signal?.aborted === true) return;
    const count = readSync(descriptor, buffer, 0, buffer.length, position);
    if (count === 0) return;
    position += count;
    onBytes?.(position);
    yield buffer.subarray(0, count);
    await setImmediate();
  }
}

/** A stream that is looked at only once: gzip and zstd are told by its first bytes. */
export async function* sniffed(input: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const iterator = input[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  let reopened = false;
  const rest = async function* (): AsyncGenerator<Buffer> {
    if (reopened) return;
    reopened = true;
    yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  };
  const compression = compressionOf(head);
  yield* compression === "none" ? rest() : decompress(rest, compression, name);
}

function unreadable(path: string, cause: unknown): SourceError {
  return new SourceError("source-unreadable", "sources.unreadable", { path, reason: reasonOf(cause) }, { cause });
}
