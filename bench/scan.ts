import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeAccessLog, makeAuthLog } from "./make-logs.ts";
import { measure, printTable, type Measured } from "./measure.ts";

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const sshguardParser = ["/usr/libexec/sshguard/sshg-parser", "/usr/lib/sshguard/sshg-parser"].find((path) => existsSync(path));
const fail2ban = existsSync("/usr/bin/fail2ban-regex") ? "/usr/bin/fail2ban-regex" : undefined;
/** fail2ban takes a minute for half a million lines: a tenth tells its rate. */
const fail2banShare = 10;

/**
 * `npm run bench -- scan [--lines N] [--long]`: `haechi scan` with the full catalogue, one thread and two, beside sshguard's
 * parser and fail2ban on the same files in the same run. `--long` adds ten million lines, for memory.
 */
export async function benchScan(lines: number, long: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "haechi-bench-"));
  try {
    const logs = [
      { name: "auth", path: join(folder, "auth.log"), make: makeAuthLog, filter: "sshd" },
      { name: "web", path: join(folder, "access.log"), make: makeAccessLog, filter: "nginx-botsearch" },
    ] as const;
    const rows: string[][] = [["", "lines", "lines/s", "× sshg-parser", "peak MB"]];
    for (const { name, path, make, filter } of logs) {
      make(path, lines);
      const peer = sshguardParser === undefined ? undefined : await best(() => measure(sshguardParser, [], path));
      const peerRate = peer && lines / peer.seconds;
      const row = (label: string, count: number, { seconds, megabytes }: Measured): void => {
        rows.push([
          `${name}  ${label}`,
          count.toLocaleString("en"),
          Math.round(count / seconds).toLocaleString("en"),
          peerRate === undefined ? "-" : (count / seconds / peerRate).toFixed(2),
          String(megabytes),
        ]);
      };
      if (peer) row("sshguard sshg-parser (parses only)", lines, peer);
      if (fail2ban !== undefined) {
        const short = join(folder, `short-${name}.log`);
        make(short, Math.ceil(lines / fail2banShare));
        row(`fail2ban-regex ${filter}`, Math.ceil(lines / fail2banShare), await measure(fail2ban, ["--no-check-all", short, filter]));
      }
      for (const threads of [1, 2]) row(`haechi scan, ${threads} thread(s)`, lines, await best(() => scan(path, threads)));
      if (long) {
        make(path, 10_000_000);
        row("haechi scan, 1 thread, 10 M lines", 10_000_000, await scan(path, 1));
      }
      rmSync(path);
    }
    printTable(rows);
    if (sshguardParser === undefined || fail2ban === undefined)
      console.log("Peers are missing: apt-get install sshguard fail2ban (bash scripts/install-bench.sh)");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function scan(path: string, threads: number): Promise<Measured> {
  const run = await measure(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    main,
    "scan",
    path,
    "--threads",
    String(threads),
    "--timezone",
    "UTC",
    "--json",
  ]);
  if (run.code !== 0 && run.code !== 1) throw new Error(`haechi scan ended with ${run.code}`);
  return run;
}

/** The fastest of three runs: what the machine can do when nothing disturbs it. */
async function best(run: () => Promise<Measured>): Promise<Measured> {
  let fastest = await run();
  for (let again = 0; again < 2; again++) {
    const next = await run();
    if (next.seconds < fastest.seconds) fastest = next;
  }
  return fastest;
}
