import { parentPort, workerData } from "node:worker_threads";
import { detectFiles } from "#pipeline/detect-files.ts";
import { detectorsOf, scanInputs } from "./scan-files.ts";
import type { ScanWork } from "./scan-workers.ts";

/** A thread of a scan: reads the files for itself and sends what its share of the detectors found. */
const work = workerData as ScanWork;
const { signals } = await detectFiles(scanInputs(work), {
  detectors: detectorsOf(work),
  since: work.since,
  until: work.until,
  now: work.now,
  signal: new AbortController().signal,
});
parentPort?.postMessage(signals);
