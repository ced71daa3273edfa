import { gunzipSync, constants, createGunzip, createZstdDecompress, zstdDecompressSync } from "node:zlib";
import { SourceError, reasonOf } from "./source-error.ts";

export type Compression = "none" | "gzip" | "zstd";

/** How a file is compressed, by its first bytes (RFC 1952; RFC 8878, skippable frames too), whatever its name. */
export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd && head[0] === 0x28) return "zstd";
  if (((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18) return "zstd";
  return "none";
}

/** Bytes of a compressed file that surely decode to its first 256: one whole zstd block (at most 128 KiB) and its headers. */
export const headSize = 140_000;

/** The first bytes of what `head`, the first `headSize` bytes of a file, decodes to; empty where it is damaged. */
export function decompressedHead(head: Buffer, compression: Compression): Buffer {
  try {
    if (compression === "gzip") return gunzipSync(head.subarray(0, 4_096), { finishFlush: constants.Z_SYNC_FLUSH });
    if (compression === "zstd") return zstdDecompressSync(head, { finishFlush: constants.ZSTD_e_flush });
    return head;
  } catch {
    return Buffer.alloc(0);
  }
}

/** Opens the input afresh: damaged gzip is decoded a second time, to give what lies before the damage. */
export type OpenInput = () => AsyncIterable<Buffer>;

/**
 * Decodes gzip or zstd input, members and frames one after the other. Everything before a damage or a cut is given, then
 * it throws a `SourceError` with `name` and the byte of the compressed input at fault. Memory: a few decoded pieces.
 */
export function decompress(input: OpenInput, compression: "gzip" | "zstd", name: string): AsyncGenerator<Buffer> {
  return compression === "gzip" ? gunzip(input, name) : unzstd(input(), name);
}

function damaged(name: string, byte: number, cause: unknown): SourceError {
  return new SourceError("source-archive-damaged", "sources.archiveDamaged", { path: name, byte, reason: reasonOf(cause) }, { cause });
}

interface Decoder {
  /** Decodes one piece whole; gives what came out. */
  write(piece: Buffer): Promise<Buffer[]>;
  /** Tells that there is no more; throws where the data stops in the middle. */
  end(): Promise<Buffer[]>;
  close(): void;
}

/** One decoding run; output comes per piece, so that an error loses no output of the pieces before. */
function decoder(stream: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>): Decoder {
  let out: Buffer[] = [];
  let failure: unknown;
  let ended = false;
  let settle = (): void => undefined;
  stream.on("data", (piece: Buffer) => out.push(piece));
  stream.on("error", (error) => {
    failure ??= error;
    settle();
  });
  // After the last member zlib passes over padding without ever calling back.
  stream.on("end", () => {
    ended = true;
    settle();
  });
  function take(): Buffer[] {
    const taken = out;
    out = [];
    return taken;
  }
  return {
    async write(piece) {
      if (ended) return [];
      await new Promise<void>((resolve) => {
        settle = resolve;
        stream.write(piece, () => resolve());
      });
      if (failure !== undefined) throw failure;
      return take();
    },
    async end() {
      if (failure === undefined && !ended) {
        await new Promise<void>((resolve) => {
          settle = resolve;
          stream.end();
        });
      }
      if (failure !== undefined) throw failure;
      return take();
    },
    close: () => stream.destroy(),
  };
}

const pieceSize = 65_536;
const outputSize = 262_144;

async function* gunzip(input: OpenInput, name: string): AsyncGenerator<Buffer> {
  let read = 0;
  let given = 0;
  const decoding = decoder(createGunzip({ chunkSize: outputSize }));
  try {
    for await (const piece of pieces(input(), pieceSize)) {
      for (const out of await decoding.write(piece)) {
        given += out.length;
        yield out;
      }
      read += piece.length;
    }
    for (const out of await decoding.end()) yield out;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    // zlib drops what it decoded of the piece with the error: decode again, that piece byte by byte.
    const byte = reasonOf(error) === "Z_BUF_ERROR" ? read : yield* beforeDamage(input, read, given);
    throw damaged(name, byte, error);
  } finally {
    decoding.close();
  }
}

/** Gives what follows the first `skip` decoded bytes; returns the byte of the input at which decoding fails. */
async function* beforeDamage(input: OpenInput, whole: number, skip: number): AsyncGenerator<Buffer, number> {
  const decoding = decoder(createGunzip({ chunkSize: outputSize }));
  let read = 0;
  let seen = 0;
  try {
    for await (const piece of pieces(input(), pieceSize)) {
      const steps = read < whole ? piece.length : 1;
      for (let at = 0; at < piece.length; at += steps) {
        for (const out of await decoding.write(piece.subarray(at, at + steps))) {
          if (seen + out.length > skip) yield out.subarray(Math.max(0, skip - seen));
          seen += out.length;
        }
        read += Math.min(steps, piece.length - at);
      }
      if (read > whole) break;
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
  } finally {
    decoding.close();
  }
  return read;
}

/**
 * Walks the frames and blocks of RFC 8878 itself: Node's decoder stops after the first frame without a word, but rotated
 * and appended archives have several.
 */
async function* unzstd(input: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const bytes = byteReader(input);
  let decoding: Decoder | undefined;
  try {
    for (;;) {
      const magic = await bytes.take(4, true);
      if (magic === undefined) return;
      if (compressionOf(magic) !== "zstd") throw new Error("not a zstd frame");
      if (magic[1] === 0x2a) {
        await bytes.skip((await bytes.take(4)).readUInt32LE(0));
        continue;
      }
      const descriptor = await bytes.take(1);
      const flags = descriptor[0] ?? 0;
      const single = (flags >> 5) & 1;
      const contentSize = [single, 2, 4, 8][flags >> 6] ?? 0;
      const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
      const rest = 1 - single + dictionary + contentSize;
      decoding = decoder(createZstdDecompress({ chunkSize: outputSize }));
      yield* await decoding.write(Buffer.concat([magic, descriptor, rest > 0 ? await bytes.take(rest) : Buffer.alloc(0)]));
      for (let last = false; !last;) {
        const header = await bytes.take(3);
        const value = header.readUIntLE(0, 3);
        last = (value & 1) === 1;
        const kind = (value >> 1) & 3;
        const size = kind === 1 ? 1 : value >> 3;
        if (kind === 3 || size > 131_072) throw new Error("not a zstd block");
        const body = size > 0 ? await bytes.take(size) : Buffer.alloc(0);
        yield* await decoding.write(Buffer.concat([header, body]));
      }
      if (((flags >> 2) & 1) === 1) yield* await decoding.write(await bytes.take(4));
      yield* await decoding.end();
      decoding.close();
    }
  } catch (error) {
    if (error instanceof SourceError || (error instanceof Error && "syscall" in error)) throw error;
    throw damaged(name, bytes.position, error);
  } finally {
    decoding?.close();
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && /^(Z_|ZSTD_)/.test(error.code);
}

async function* pieces(input: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  for await (const chunk of input) for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
}

interface ByteReader {
  readonly position: number;
  take(count: number): Promise<Buffer>;
  take(count: number, mayEnd: true): Promise<Buffer | undefined>;
  skip(count: number): Promise<void>;
}

function byteReader(input: AsyncIterable<Buffer>): ByteReader {
  const iterator = input[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);
  let position = 0;

  async function more(): Promise<boolean> {
    const next = await iterator.next();
    if (next.done === true) return false;
    chunk = next.value;
    return true;
  }

  async function take(count: number): Promise<Buffer>;
  async function take(count: number, mayEnd: true): Promise<Buffer | undefined>;
  async function take(count: number, mayEnd?: true): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (chunk.length === 0 && !(await more())) {
        if (mayEnd === true && missing === count) return undefined;
        throw new Error("unexpected end of file");
      }
      const part = chunk.subarray(0, missing);
      chunk = chunk.subarray(part.length);
      missing -= part.length;
      position += part.length;
      if (part.length > 0) parts.push(part);
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  return {
    get position() {
      return position;
    },
    take,
    async skip(count) {
      let left = count;
      while (left > 0) {
        if (chunk.length === 0 && !(await more())) throw new Error("unexpected end of file");
        const part = Math.min(left, chunk.length);
        chunk = chunk.subarray(part);
        left -= part;
        position += part;
      }
    },
  };
}
