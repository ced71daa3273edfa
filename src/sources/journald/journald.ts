import { type ChildProcess, spawn } from "node:child_process";
import type { Batch, Source, SourceNote } from "#contracts/source.ts";
import { sanitize } from "#core/sanitize.ts";
import { createLineSplitter, eachLine } from "../line-splitter.ts";
import { createRecordQueue, type RecordQueue } from "../record-queue.ts";
import { reasonOf, SourceError } from "../source-error.ts";

export interface JournaldSourceOptions {
  /** Units to read (`ssh.service`, `nginx`); none = all. */
  readonly units?: readonly string[];
  /** Directory of journal files instead of this machine's. */
  readonly directory?: string;
  /** Program to run; default `journalctl`. */
  readonly command?: string;
  readonly id?: string;
  /** Milliseconds before the child is started again; doubles to 30 s. Default 1 s. */
  readonly restartAfter?: number;
}

const batchSize = 5_000;
/** Ends without a single line in between, after which it is given up. */
const attempts = 5;

/**
 * The systemd journal through `journalctl -o json -f`, from its beginning. A record's text is the JSON line; the cursor is journald's
 * own. The child is started again where it was when it ends; a `SourceError` is thrown when it cannot be, or keeps ending.
 */
export function journaldSource(options: JournaldSourceOptions = {}): Source {
  const units = options.units ?? [];
  const id = options.id ?? (units.length === 0 ? "journald" : `journald:${units.join(",")}`);
  return { id, read: (cursor, signal) => readJournal(id, options, cursor, signal) };
}

/** Arguments of `journalctl`: all fields whole, everything from `cursor` on. */
export function journalArguments(options: JournaldSourceOptions, cursor: string | undefined): string[] {
  const from = cursor === undefined || cursor === "" ? [] : [`--after-cursor=${cursor}`];
  const directory = options.directory === undefined ? [] : [`--directory=${options.directory}`];
  return [
    "--output=json",
    "--all",
    "--no-pager",
    "--quiet",
    "--follow",
    "--no-tail",
    ...directory,
    ...from,
    ...(options.units ?? []).map((unit) => `--unit=${unit}`),
  ];
}

async function* readJournal(id: string, options: JournaldSourceOptions, cursor: string | undefined, signal: AbortSignal): AsyncGenerator<Batch> {
  if (signal.aborted) return;
  let last = cursor ?? "";
  /** Cursor after the last line that came out of the child: where its successor starts. */
  let reached = last;
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  const notes: SourceNote[] = [];
  const queue: RecordQueue = createRecordQueue({ onDrain: () => child?.stdout?.resume() });

  function start(): void {
    let stderr = "";
    const splitter = createLineSplitter(0, 0);
    const started = spawn(options.command ?? "journalctl", journalArguments(options, reached), { stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    started.stdout.on("data", (bytes: Buffer) => {
      const writtenBy = Date.now();
      for (const chunk of splitter.push(bytes)) {
        if (chunk.cut > 0) notes.push({ kind: "line-cut", detail: `${id}: ${chunk.bytes} bytes` });
        eachLine(chunk, (text) => {
          queue.push({ source: id, text, line: 0, offset: -1, writtenBy });
          reached = cursorOf(text) ?? reached;
        });
        failures = 0;
      }
      if (queue.full) started.stdout.pause();
    });
    started.stderr.on("data", (bytes: Buffer) => (stderr = (stderr + bytes.toString("utf8")).slice(-1_000)));
    started.on("error", (error) => queue.end(failed(reasonOf(error), "", error)));
    started.on("close", (code, killed) => {
      if (signal.aborted) return;
      failures++;
      const reason = killed ?? `exit code ${code}`;
      if (failures >= attempts) {
        queue.end(failed(reason, stderr.trim()));
        return;
      }
      notes.push({ kind: "gap", detail: `${id}: journalctl ended (${reason}) and is started again where it was` });
      queue.wake();
      timer = setTimeout(start, Math.min(30_000, (options.restartAfter ?? 1_000) * 2 ** (failures - 1)));
    });
  }

  try {
    start();
    for (;;) {
      const records = await queue.take(batchSize, signal);
      if (records === undefined) return;
      for (let index = records.length - 1; index >= 0; index--) {
        const found = cursorOf(records[index]!.text);
        if (found === undefined) continue;
        last = found;
        break;
      }
      const noted = notes.splice(0);
      yield { records, cursor: last, ack: () => Promise.resolve(), ...(noted.length > 0 ? { notes: noted } : {}) };
    }
  } finally {
    clearTimeout(timer);
    child?.removeAllListeners("close");
    child?.kill();
  }
}

/** journald's cursor of a JSON line; it always writes the field first or near it, so a search beats a parse. */
function cursorOf(line: string): string | undefined {
  return /"__CURSOR"\s*:\s*"([^"]+)"/.exec(line)?.[1];
}

function failed(reason: string, detail: string, cause?: unknown): SourceError {
  return new SourceError("source-journald-failed", "sources.journaldFailed", { reason, detail: sanitize(detail, 300) || "-" }, { cause });
}
