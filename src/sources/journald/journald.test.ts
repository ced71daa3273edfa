import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { collect, sourceConformance } from "#contracts/conformance/source.ts";
import type { LogRecord } from "#contracts/source.ts";
import { SourceError } from "../source-error.ts";
import { journalArguments, journaldSource } from "./journald.ts";

const daemon = "/lib/systemd/systemd-journald";

function reasonToSkip(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root for a mount namespace of its own";
  if (!fs.existsSync(daemon) || !fs.existsSync("/etc/machine-id")) return "systemd-journald is not installed";
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    execFileSync("journalctl", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "mount namespaces or journalctl are not available";
  }
}

const skipped = reasonToSkip();
if (skipped !== undefined) console.warn(`journald tests with a real journald skipped: ${skipped}`);

/** A real journald in a mount namespace of its own, whose journal files are seen from outside. */
async function startJournal() {
  const directory = fs.mkdtempSync(join(tmpdir(), "haechi-journal-"));
  const files = join(directory, "files");
  const script = `
    mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal ${files}/$(cat /etc/machine-id) /var/log/journal &&
    mount --bind ${files} /var/log/journal || exit 1
    echo "[Journal]
RateLimitIntervalSec=0
ReadKMsg=no" > ${directory}/journald.conf && mount --bind ${directory}/journald.conf /etc/systemd/journald.conf
    ${daemon} >/dev/null 2>&1 & daemon=$!
    trap 'kill $daemon; wait $daemon; exit 0' EXIT
    while [ ! -S /run/systemd/journal/stdout ]; do sleep 0.02; done
    kill -USR1 $daemon
    echo ready
    while read -r file; do systemd-cat -t haechi-test cat "$file"; kill -RTMIN+1 $daemon; echo written; done`;
  const shell: ChildProcess = spawn("unshare", ["--mount", "--propagation", "private", "bash", "-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  shell.stdout?.on("data", (part) => (said += String(part)));
  async function heard(word: string): Promise<void> {
    for (let tries = 0; !said.includes(word) && tries < 500; tries++) await sleep(10);
    expect(said).toContain(word);
    said = said.replace(word, "");
  }
  await heard("ready");
  for (let tries = 0; tries < 200 && fs.globSync(join(files, "*", "system.journal")).length === 0; tries++) await sleep(10);
  return {
    files,
    async write(lines: readonly string[]) {
      const path = join(directory, "lines");
      fs.writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
      shell.stdin?.write(`${path}\n`);
      await heard("written");
    },
    async close() {
      const ended = new Promise((resolve) => shell.once("exit", resolve));
      shell.stdin?.end();
      await ended;
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

const messageOf = (record: LogRecord): string => (JSON.parse(record.text) as { MESSAGE: string }).MESSAGE;

describe.skipIf(skipped !== undefined)("with a real journald", () => {
  let journal: Awaited<ReturnType<typeof startJournal>>;
  beforeEach(async () => {
    journal = await startJournal();
  });
  afterEach(() => journal.close());

  /** Reads our own messages: journald writes a few about itself too. */
  async function take(count: number, cursor?: string) {
    const ours = (records: readonly LogRecord[]): LogRecord[] => records.filter((record) => record.text.includes(`"haechi-test"`));
    const { records, cursor: last } = await collect(journaldSource({ directory: journal.files }), cursor, (all) => ours(all).length >= count);
    return { messages: ours(records).map(messageOf), cursor: last };
  }

  test("lines come as JSON, and go on at the cursor", async () => {
    await journal.write(["one", "two"]);
    const first = await take(2);
    expect(first.messages).toEqual(["one", "two"]);
    expect(first.cursor).toMatch(/^s=/);
    await journal.write([`a "__CURSOR":"s=0;i=0" that is none`, "x".repeat(6_000)]);
    const second = await take(2, first.cursor);
    expect(second.messages).toEqual([`a "__CURSOR":"s=0;i=0" that is none`, "x".repeat(6_000)]);
    await journal.write(["three"]);
    expect((await take(1, second.cursor)).messages).toEqual(["three"]);
  });

  test("what comes while following comes at once", async () => {
    const reading = take(3);
    await journal.write(["a"]);
    await sleep(100);
    await journal.write(["b", "c"]);
    expect((await reading).messages).toEqual(["a", "b", "c"]);
  });
});

/** A program in journalctl's place, to end when it is told to. */
function program(body: string): { command: string; directory: string } {
  const directory = fs.mkdtempSync(join(tmpdir(), "haechi-journalctl-"));
  const command = join(directory, "journalctl");
  fs.writeFileSync(command, `#!/bin/bash\n${body}\n`, { mode: 0o755 });
  return { command, directory };
}

describe("when journalctl ends", () => {
  test("it is started again after the last line that came", async () => {
    const { command, directory } = program(`
      after=0; for argument in "$@"; do case "$argument" in --after-cursor=c*) after=\${argument#--after-cursor=c};; esac; done
      for n in 1 2 3; do echo "{\\"__CURSOR\\":\\"c$((after + n))\\",\\"MESSAGE\\":\\"m$((after + n))\\"}"; done; exit 3`);
    const { records, cursor, batches } = await collect(journaldSource({ command, restartAfter: 10 }), undefined, (all) => all.length >= 9);
    expect(records.slice(0, 9).map(messageOf)).toEqual(["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"]);
    expect(cursor).toBe(`c${records.length}`);
    expect(batches.flatMap((batch) => batch.notes ?? [])[0]?.detail).toContain("exit code 3");
    fs.rmSync(directory, { recursive: true });
  });

  test("again and again without a line, or cannot be started, it says why", async () => {
    const { command, directory } = program("echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1");
    for (const [source, says] of [
      [journaldSource({ command, restartAfter: 1 }), "insufficient permissions"],
      [journaldSource({ command: join(directory, "none") }), "ENOENT"],
    ] as const) {
      const error = await collect(source, undefined, () => false).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(SourceError);
      expect((error as Error).message).toContain(says);
    }
    fs.rmSync(directory, { recursive: true });
  });
});

sourceConformance("journald", { resumes: true }, async () => {
  // Follows a file of JSON lines as journalctl does its journal.
  const { command, directory } = program(`
    after=0; for argument in "$@"; do case "$argument" in --after-cursor=c*) after=\${argument#--after-cursor=c};; esac; done
    exec tail -n +$((after + 1)) -f -s 0.05 $(dirname "$0")/lines`);
  const path = join(directory, "lines");
  fs.writeFileSync(path, "");
  let count = 0;
  const inner = () => journaldSource({ command });
  return {
    // The suite compares texts: the message stands for the JSON line here.
    open: () => ({
      id: inner().id,
      async *read(cursor, signal) {
        for await (const batch of inner().read(cursor, signal))
          yield { ...batch, records: batch.records.map((record) => ({ ...record, text: messageOf(record) })) };
      },
    }),
    write: async (lines) => fs.appendFileSync(path, lines.map((line) => `${JSON.stringify({ __CURSOR: `c${++count}`, MESSAGE: line })}\n`).join("")),
    close: async () => fs.rmSync(directory, { recursive: true }),
  };
});

test("units are part of the id and of the arguments", () => {
  expect(journaldSource({ units: ["ssh", "nginx"] }).id).toBe("journald:ssh,nginx");
  expect(journalArguments({ units: ["ssh", "nginx"] }, "s=1")).toEqual(
    expect.arrayContaining(["--after-cursor=s=1", "--unit=ssh", "--unit=nginx", "--follow"]),
  );
});
