import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** One run of a program. */
export interface Measured {
  readonly seconds: number;
  /** Largest resident memory seen, megabytes (VmHWM of proc(5)). */
  readonly megabytes: number;
  readonly output: string;
  readonly code: number | null;
}

/** Runs a program to its end, with a file as its input if given, and measures time and memory from outside. */
export function measure(file: string, args: readonly string[], input?: string): Promise<Measured> {
  const stdin = input === undefined ? undefined : openSync(input, "r");
  const started = performance.now();
  const child = spawn(file, args, { stdio: [stdin ?? "ignore", "pipe", "ignore"] });
  let output = "";
  let megabytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    if (output.length < 10_000_000) output += chunk.toString("latin1");
  });
  const look = setInterval(() => {
    try {
      const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1];
      megabytes = Math.max(megabytes, Number(peak ?? 0) / 1_000);
    } catch {
      // It has just ended.
    }
  }, 20);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearInterval(look);
      if (stdin !== undefined) closeSync(stdin);
      resolve({ seconds: (performance.now() - started) / 1_000, megabytes: Math.round(megabytes), output, code });
    });
  });
}

/** A table with aligned columns on standard output. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  for (const row of rows)
    console.log(row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number))).join("  "));
}
