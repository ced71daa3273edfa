import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { printTable } from "./measure.ts";

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

/** `npm run bench -- live`: latency from a line written to its signal at `rate` lines a second, and what an idle guard costs. */
export async function benchLive(rate = 5_000, seconds = 30): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "haechi-live-"));
  const log = join(folder, "auth.log");
  writeFileSync(log, "");
  writeFileSync(
    join(folder, "haechi.yaml"),
    `mode: watch\nlanguage: en\ntimezone: UTC\nstate: ${join(folder, "state")}\nsources: [{ file: ${log} }]\nenforcers: [{ dry-run: {} }]\nmetrics: { listen: "off" }\n`,
  );
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1", main, "up", "--json", "--config", join(folder, "haechi.yaml")],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  try {
    const told = new Map<string, number>();
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      rest += chunk.toString();
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const notice = JSON.parse(line) as { kind: string; case?: { actor: { id: string } } };
        if (notice.kind === "case" && notice.case && !told.has(notice.case.actor.id)) told.set(notice.case.actor.id, performance.now());
      }
    });
    await new Promise<void>((resolve) => child.stderr.on("data", (chunk: Buffer) => chunk.includes("haechi status") && resolve()));
    await pause(15_000);
    const before = cpuSeconds(child.pid as number);
    await pause(20_000);
    const idleCpu = ((cpuSeconds(child.pid as number) - before) / 20) * 100;
    const idleMemory = residentMegabytes(child.pid as number);
    const written = new Map<string, number>();
    let line = 0;
    const tick = 10;
    const started = performance.now();
    for (let step = 0; step < (seconds * 1_000) / tick; step++) {
      const stamp = new Date().toISOString().slice(0, 19);
      const part: string[] = [];
      const attacker = `45.9.${20 + Math.floor(step / 5 / 200)}.${1 + (Math.floor(step / 5) % 200)}`;
      for (let i = 0; i < (rate * tick) / 1_000; i++)
        part.push(`${stamp}+00:00 web-1 sshd[${line++ % 60_000}]: Connection closed by 121.134.22.8 port ${1_024 + (line % 60_000)}`);
      part[0] = `${stamp}+00:00 web-1 sshd[1]: Failed password for root from ${attacker} port ${1_024 + (step % 60_000)} ssh2`;
      appendFileSync(log, `${part.join("\n")}\n`);
      if (step % 5 === 4) written.set(attacker, performance.now());
      await pause(Math.max(0, started + (step + 1) * tick - performance.now()));
    }
    await pause(2_000);
    const latencies = [...written].flatMap(([attacker, at]) => (told.has(attacker) ? [(told.get(attacker) as number) - at] : [])).sort((a, b) => a - b);
    const quantile = (share: number): string =>
      `${(latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN).toFixed(1)} ms`;
    printTable([
      ["live", ""],
      ["lines/s written", String(Math.round((line / (performance.now() - started - 2_000)) * 1_000))],
      ["attackers told / planted", `${latencies.length} / ${written.size}`],
      ["line written → notice, p50", quantile(0.5)],
      ["line written → notice, p99", quantile(0.99)],
      ["resident after the load", `${residentMegabytes(child.pid as number)} MB`],
      ["idle resident", `${idleMemory} MB`],
      ["idle CPU", `${idleCpu.toFixed(2)} %`],
    ]);
  } finally {
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("close", resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** User and system time of a process so far; clock ticks are hundredths on Linux (proc_pid_stat(5)). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentMegabytes(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1_000);
}
