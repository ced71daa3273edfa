import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { fileSource } from "./file.ts";

const total = Number(process.env["HAECHI_STRESS_LINES"] ?? 200_000);
const seed = Number(process.env["HAECHI_STRESS_SEED"] ?? 7);

/** Reads the log while `writer` runs, stops at random (losing what was not acknowledged), and counts what was acknowledged. */
test(`${total} lines come exactly once while the log rotates both ways and the reader is killed at random (seed ${seed})`, async () => {
  const directory = fs.mkdtempSync(join(tmpdir(), "haechi-stress-"));
  const log = join(directory, "app.log");
  const script = new URL("./rotating-writer.mjs", import.meta.url).pathname;
  const writer = spawn(process.execPath, [script, log, String(total), "4000", String(seed)], { stdio: ["ignore", "inherit", "inherit"] });
  let written = false;
  const exited = once(writer, "exit").then(() => (written = true));
  const seen = new Uint8Array(total + 2);
  let count = 0;
  let doubled = 0;
  let cursor: string | undefined;
  let restarts = 0;
  const notes: string[] = [];
  try {
    for (let idle = 0; count < total && idle < 8; restarts++) {
      const stop = new AbortController();
      const life = setTimeout(() => stop.abort(), written ? 1_500 : 5 + Math.random() * 250);
      const before = count;
      const abandonAfter = 1 + Math.floor(Math.random() * 30);
      let batches = 0;
      for await (const batch of fileSource({ pattern: log, grace: 1_000, batchSize: 1_000 }).read(cursor, stop.signal)) {
        // Abandoned without acknowledgement: as if killed while the batch was at work.
        if (++batches > abandonAfter && Math.random() < 0.2) break;
        for (const record of batch.records) {
          const number = Number(/number (\d+) /.exec(record.text)?.[1]);
          if (seen[number] === 1) doubled++;
          else count++;
          seen[number] = 1;
        }
        for (const note of batch.notes ?? []) if (note.kind === "gap") notes.push(note.detail);
        cursor = batch.cursor;
        await batch.ack();
        if (count >= total) break;
      }
      clearTimeout(life);
      stop.abort();
      idle = written && count === before ? idle + 1 : 0;
      if (Math.random() < 0.3) await sleep(Math.random() * 60);
    }
    await exited;
    expect({ count, doubled, notes }).toEqual({ count: total, doubled: 0, notes: [] });
    expect(restarts).toBeGreaterThan(5);
  } finally {
    writer.kill("SIGKILL");
    fs.rmSync(directory, { recursive: true });
  }
}, 120_000);
