import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import type { Signal } from "#core/signal.ts";
import { randomNumbers } from "#app/demo-script.ts";
import { sqliteState } from "#statestores/sqlite/sqlite.ts";
import { startHaechi, type RunningHaechi } from "./start-haechi.ts";

const lines = 1_000_000;
const kills = 20;
const rotations = 12;
const directory = mkdtempSync(join(tmpdir(), "haechi-once-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Line `index` of the log: guesses in bursts from a few hundred addresses, sign-ins between, time moving on as in life. */
function logLine(index: number, random: () => number): string {
  const time = new Date(Date.UTC(2026, 9, 1) + index * 400).toISOString().slice(0, 19);
  const address = `45.${Math.floor(index / 4_000) % 200}.${Math.floor(random() * 3)}.${1 + Math.floor(random() * 3)}`;
  const kind = random();
  const message =
    kind < 0.1
      ? `Accepted publickey for minji from 121.134.22.8 port ${1_024 + (index % 60_000)} ssh2`
      : kind < 0.3
        ? `Connection closed by ${address} port 4242 [preauth]`
        : `Failed password for root from ${address} port ${1_024 + (index % 60_000)} ssh2`;
  return `${time}+00:00 web-1 sshd[${1_000 + (index % 30_000)}]: ${message}`;
}

/** Shifts `log.N` up by one, so that `log.1` is free. */
function shift(log: string): void {
  let last = 1;
  while (existsSync(`${log}.${last}`)) last++;
  for (let n = last; n > 1; n--) renameSync(`${log}.${n - 1}`, `${log}.${n}`);
}

function configure(name: string): { readonly config: string; readonly log: string; readonly state: string } {
  const folder = join(directory, name);
  mkdirSync(folder);
  const [config, log, state] = [join(folder, "haechi.yaml"), join(folder, "auth.log"), join(folder, "state")];
  writeFileSync(config, `mode: watch\ntimezone: UTC\nstate: ${state}\nsources:\n  - file: ${log}\nenforcers:\n  - dry-run: {}\nmetrics: { listen: "off" }\n`);
  return { config, log, state };
}

async function committed(state: string): Promise<{ readonly lines: number; readonly signals: readonly Signal[] }> {
  const store = sqliteState(join(state, "haechi.db"), { readOnly: true });
  try {
    const counters = await store.counters();
    let sum = 0;
    for (const [name, value] of counters) if (name.startsWith("lines ")) sum += value;
    return { lines: sum, signals: await store.signals({ limit: 1_000_000 }) };
  } finally {
    await store.close();
  }
}

async function untilAllRead(state: string, want: number): Promise<void> {
  for (let before = -1; ;) {
    const { lines: now } = existsSync(join(state, "haechi.db")) ? await committed(state).catch(() => ({ lines: 0 })) : { lines: 0 };
    if (now >= want) return;
    if (now !== before) before = now;
    await pause(500);
  }
}

const essence = (signals: readonly Signal[]): string[] =>
  signals.map(({ id, rule, actor, count, first, last, score }) => `${id} ${rule} ${actor.id} ${count} ${first} ${last} ${score}`).sort();

it(`counts each of ${lines} lines once while the log rotates and the guard is killed ${kills} times`, async () => {
  const random = randomNumbers(3);
  const text = randomNumbers(5);
  const disturbed = configure("disturbed");
  const whole = configure("whole");
  let haechi: RunningHaechi = await startHaechi(["up", "--config", disturbed.config]);
  let killed = 0;
  let rotated = 0;
  const perStep = 2_000;
  for (let written = 0; written < lines; written += perStep) {
    const chunk = `${Array.from({ length: perStep }, (_, i) => logLine(written + i, text)).join("\n")}\n`;
    // Torn writes: the reader must wait for the rest of a line.
    const cut = Math.floor(random() * chunk.length);
    appendFileSync(disturbed.log, chunk.slice(0, cut));
    appendFileSync(disturbed.log, chunk.slice(cut));
    appendFileSync(whole.log, chunk);
    await pause(40);
    if (rotated < rotations && random() < (rotations * perStep) / lines) {
      shift(disturbed.log);
      if (rotated++ % 2 === 0) renameSync(disturbed.log, `${disturbed.log}.1`);
      else {
        copyFileSync(disturbed.log, `${disturbed.log}.1`);
        truncateSync(disturbed.log);
      }
    }
    if (killed < kills && random() < (kills * 1.3 * perStep) / lines) {
      killed++;
      await haechi.kill("SIGKILL");
      if (random() < 0.3) await pause(random() * 400);
      haechi = await startHaechi(["up", "--config", disturbed.config], { ready: random() < 0.5 });
    }
  }
  for (; killed < kills; killed++) {
    await pause(random() * 2_000);
    await haechi.kill("SIGKILL");
    haechi = await startHaechi(["up", "--config", disturbed.config]);
  }
  await untilAllRead(disturbed.state, lines);
  await haechi.kill("SIGTERM");
  const quiet = await startHaechi(["up", "--config", whole.config]);
  await untilAllRead(whole.state, lines);
  await quiet.kill("SIGTERM");
  const got = await committed(disturbed.state);
  const expected = await committed(whole.state);
  expect(expected.lines).toBe(lines);
  expect(got.lines).toBe(lines);
  expect(expected.signals.length).toBeGreaterThan(100);
  expect(essence(got.signals)).toEqual(essence(expected.signals));
  console.log(`exactly once: ${got.lines} lines, ${killed} kills, ${rotated} rotations, ${got.signals.length} signals equal`);
}, 600_000);
