import type { Readable } from "node:stream";
import type { Batch, Source, SourceNote } from "#contracts/source.ts";
import { createLineSplitter, eachLine, type LineChunk } from "../line-splitter.ts";
import { createRecordQueue } from "../record-queue.ts";

export interface StdinSourceOptions {
  /** Default `process.stdin`. */
  readonly input?: Readable;
  readonly id?: string;
}

const batchSize = 5_000;

/** Lines of standard input, until it ends. Its cursor is `""`: what was read is gone with the process. */
export function stdinSource(options: StdinSourceOptions = {}): Source {
  const id = options.id ?? "stdin";
  return { id, read: (_cursor, signal) => readInput(id, options.input ?? process.stdin, signal) };
}

async function* readInput(id: string, input: Readable, signal: AbortSignal): AsyncGenerator<Batch> {
  const splitter = createLineSplitter();
  const notes: SourceNote[] = [];
  const queue = createRecordQueue({ onDrain: () => input.resume() });

  function accept(chunks: readonly LineChunk[]): void {
    const writtenBy = Date.now();
    for (const chunk of chunks) {
      if (chunk.cut > 0) notes.push({ kind: "line-cut", detail: `${id}: line ${chunk.firstLine} (${chunk.bytes} bytes)` });
      eachLine(chunk, (text, line, offset) => queue.push({ source: id, text, line, offset, writtenBy }));
    }
  }
  const onData = (bytes: Buffer | string): void => {
    accept(splitter.push(typeof bytes === "string" ? Buffer.from(bytes) : bytes));
    if (queue.full) input.pause();
  };
  const onEnd = (): void => {
    accept(splitter.end());
    queue.end();
  };
  const onError = (error: Error): void => queue.end(error);
  // An aborted reader takes nothing from the input: the next one gets it.
  if (signal.aborted) return;
  input.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onError);
  // A reader before may have left it paused.
  input.resume();
  try {
    for (;;) {
      const records = await queue.take(batchSize, signal);
      if (records === undefined) return;
      const noted = notes.splice(0);
      yield { records, cursor: "", ack: () => Promise.resolve(), ...(noted.length > 0 ? { notes: noted } : {}) };
    }
  } finally {
    input.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onError);
    // Without this an open terminal or pipe would keep the program from ending.
    input.pause();
  }
}
