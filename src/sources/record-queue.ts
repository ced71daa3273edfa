import type { LogRecord } from "#contracts/source.ts";

/** Records between something that pushes (a socket, a pipe) and a consumer that pulls; bounded. */
export interface RecordQueue {
  /** Adds a record. Past the bound the pusher should pause; what it pushes still comes in. */
  push(record: LogRecord): void;
  readonly full: boolean;
  /** No more comes; with a failure, `take` throws it after the last record. */
  end(failure?: Error): void;
  /** Wakes the consumer though there is no record (for a note). */
  wake(): void;
  /** Waits for records and gives up to `limit`; empty when woken for a note, undefined at the end or an abort. */
  take(limit: number, signal: AbortSignal): Promise<LogRecord[] | undefined>;
}

export interface RecordQueueOptions {
  /** Told once the queue is no longer full. */
  readonly onDrain: () => void;
  readonly records?: number;
  /** Characters of text. */
  readonly size?: number;
}

export function createRecordQueue(options: RecordQueueOptions): RecordQueue {
  const most = options.records ?? 10_000;
  const mostSize = options.size ?? 16_777_216;
  let waiting: LogRecord[] = [];
  let size = 0;
  let ended = false;
  let failure: Error | undefined;
  let woken = false;
  let wake: (() => void) | undefined;
  const isFull = (): boolean => waiting.length >= most || size >= mostSize;

  return {
    get full() {
      return isFull();
    },
    push(record) {
      waiting.push(record);
      size += record.text.length;
      wake?.();
    },
    end(error) {
      if (ended) return;
      ended = true;
      failure = error;
      wake?.();
    },
    wake() {
      woken = true;
      wake?.();
    },
    async take(limit, signal) {
      if (signal.aborted) return undefined;
      if (waiting.length === 0 && !ended && !woken) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
        wake = undefined;
        // What arrives together is given together.
        if (!signal.aborted) await new Promise((resolve) => setImmediate(resolve));
      }
      if (signal.aborted) return undefined;
      woken = false;
      if (waiting.length === 0 && ended) {
        if (failure !== undefined) throw failure;
        return undefined;
      }
      const wasFull = isFull();
      const taken = waiting.slice(0, limit);
      waiting = waiting.slice(limit);
      for (const record of taken) size -= record.text.length;
      if (wasFull && !isFull()) options.onDrain();
      return taken;
    },
  };
}
