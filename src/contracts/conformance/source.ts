import { describe, expect, test } from "vitest";
import type { Batch, LogRecord, Source } from "../source.ts";

/** What the suite needs to try a source. */
export interface SourceTrial {
  /** A source over the same lines each time it is called; it may be called several times. */
  readonly open: () => Source;
  /** Makes `lines` (no line ends inside) arrive, after what arrived before. */
  readonly write: (lines: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface SourceTraits {
  /** False where what was not read is gone with the process (standard input, sockets): resuming is not tried. */
  readonly resumes: boolean;
}

/** Reads until `enough` says so, acknowledging each batch; gives the records and the last cursor. */
export async function collect(
  source: Source,
  cursor: string | undefined,
  enough: (records: readonly LogRecord[]) => boolean,
  timeout = 10_000,
): Promise<{ records: LogRecord[]; batches: Batch[]; cursor: string | undefined }> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeout);
  const records: LogRecord[] = [];
  const batches: Batch[] = [];
  let last = cursor;
  try {
    if (enough(records)) return { records, batches, cursor };
    for await (const batch of source.read(cursor, stop.signal)) {
      records.push(...batch.records);
      batches.push(batch);
      last = batch.cursor;
      await batch.ack();
      if (enough(records)) break;
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  return { records, batches, cursor: last };
}

const texts = (records: readonly LogRecord[]): string[] => records.map((record) => record.text);
const numbered = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);

/** What every source must hold to. `prepare` makes a fresh trial for each test. */
export function sourceConformance(name: string, traits: SourceTraits, prepare: () => Promise<SourceTrial>): void {
  async function withTrial(body: (trial: SourceTrial) => Promise<void>): Promise<void> {
    const trial = await prepare();
    try {
      await body(trial);
    } finally {
      await trial.close();
    }
  }

  /** Reads while writing: sources that keep nothing need a reader first. */
  async function readWhile(source: Source, cursor: string | undefined, count: number, write: () => Promise<void>) {
    const reading = collect(source, cursor, (records) => records.length >= count);
    if (!traits.resumes) await new Promise((resolve) => setTimeout(resolve, 100));
    await write();
    return reading;
  }

  describe(`${name} is a source`, () => {
    test("has a stable id", () =>
      withTrial(async (trial) => {
        const first = trial.open();
        expect(first.id).not.toBe("");
        expect(trial.open().id).toBe(first.id);
      }));

    test("gives each line once, in order, with whole records", () =>
      withTrial(async (trial) => {
        const { records, batches } = await readWhile(trial.open(), undefined, 300, () => trial.write(numbered(1, 300)));
        expect(texts(records)).toEqual(numbered(1, 300));
        for (const record of records) {
          expect(record.source).not.toBe("");
          expect(record.text).not.toMatch(/[\r\n]/);
          expect(record.line).toBeGreaterThanOrEqual(0);
          expect(record.offset).toBeGreaterThanOrEqual(-1);
          expect(Math.abs(record.writtenBy - Date.now())).toBeLessThan(60_000);
        }
        for (const batch of batches) expect(typeof batch.cursor).toBe("string");
      }));

    test("ends promptly when aborted, idle or busy", () =>
      withTrial(async (trial) => {
        for (const busy of [false, true]) {
          const stop = new AbortController();
          let aborted = 0;
          const reading = (async () => {
            for await (const batch of trial.open().read(undefined, stop.signal)) {
              await batch.ack();
              if (busy && batch.records.length > 0 && aborted === 0) {
                aborted = performance.now();
                stop.abort();
              }
            }
          })();
          await new Promise((resolve) => setTimeout(resolve, 150));
          if (busy) await trial.write(numbered(1, 5));
          else {
            aborted = performance.now();
            stop.abort();
          }
          await reading;
          expect(performance.now() - aborted).toBeLessThan(1_000);
        }
      }));

    test("gives nothing once the signal is aborted already", () =>
      withTrial(async (trial) => {
        for await (const batch of trial.open().read(undefined, AbortSignal.abort())) expect(batch.records).toEqual([]);
      }));

    test.skipIf(!traits.resumes)("goes on after an acknowledged cursor, and again gives what was not acknowledged", () =>
      withTrial(async (trial) => {
        await trial.write(numbered(1, 20));
        const first = await collect(trial.open(), undefined, (records) => records.length >= 20);
        await trial.write(numbered(21, 40));
        // Read, but never acknowledged: as if killed.
        const lost = await collect(trial.open(), first.cursor, (records) => records.length >= 20);
        expect(texts(lost.records)).toEqual(numbered(21, 40));
        const second = await collect(trial.open(), first.cursor, (records) => records.length >= 20);
        expect(texts(second.records)).toEqual(numbered(21, 40));
        await trial.write(numbered(41, 45));
        const third = await collect(trial.open(), second.cursor, (records) => records.length >= 5);
        expect(texts(third.records)).toEqual(numbered(41, 45));
      }),
    );
  });
}
