import { Worker } from "node:worker_threads";
import type { Signal } from "#core/signal.ts";
import type { Language } from "#core/text/text.ts";
import type { DetectorName } from "./builtins.ts";
import type { Config } from "./config/schema.ts";

/** What one thread of a scan does; plain data, so that it can be sent. */
export interface ScanWork {
  readonly paths: readonly string[];
  readonly config: Config;
  readonly names: readonly DetectorName[];
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly timeZone: string | undefined;
  readonly year: number | undefined;
  readonly rules: readonly string[];
  readonly now: number;
  readonly language: Language;
}

export interface ScanWorkers {
  /** Signals of all workers; rejects with the first error of one. */
  readonly signals: Promise<readonly Signal[]>;
  close(): Promise<void>;
}

/** Starts a thread for each share of the work. */
export function startScanWorkers(shares: readonly ScanWork[], signal: AbortSignal): ScanWorkers {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const workers = shares.map((share) => {
    // A scan needs no enforcers: secrets, which cannot be sent, stay here.
    const { enforcers: _enforcers, ...config } = share.config;
    return new Worker(new URL(`./scan-worker.${extension}`, import.meta.url), { workerData: { ...share, config } satisfies ScanWork });
  });
  const results = workers.map(
    (worker) =>
      new Promise<readonly Signal[]>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
        worker.once("exit", (code) => reject(new Error(`scan worker ended with ${code}`)));
      }),
  );
  const stop = (): void => void Promise.all(workers.map((worker) => worker.terminate()));
  signal.addEventListener("abort", stop, { once: true });
  const signals = Promise.all(results).then((lists) => lists.flat());
  // Whoever waits hears of it; nobody waiting (the own share failed first) is no crash.
  signals.catch(() => undefined);
  return {
    signals,
    close: async () => {
      signal.removeEventListener("abort", stop);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
