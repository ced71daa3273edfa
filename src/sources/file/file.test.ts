import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { collect, sourceConformance } from "#contracts/conformance/source.ts";
import type { LogRecord, SourceNote } from "#contracts/source.ts";
import { SourceError } from "../source-error.ts";
import { fileSource, type FileSourceOptions } from "./file.ts";

let directory = "";
let log = "";

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "haechi-file-"));
  log = join(directory, "app.log");
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const rows = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => `2026-01-02T03:04:05 row ${from + index}`);
const joined = (from: number, to: number): string =>
  rows(from, to)
    .map((row) => `${row}\n`)
    .join("");
const append = (from: number, to: number, path = log): void => fs.appendFileSync(path, joined(from, to));
const texts = (records: readonly LogRecord[]): string[] => records.map((record) => record.text);
const open = (options: Partial<FileSourceOptions> = {}) => fileSource({ pattern: log, grace: 150, poll: 100, ...options });

/** Reads until `count` records came (then a little longer, to see that no more come); gives them with the last cursor. */
async function take(count: number, cursor?: string, options: Partial<FileSourceOptions> = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 5_000);
  const records: LogRecord[] = [];
  const notes: SourceNote[] = [];
  let last = cursor;
  for await (const batch of open(options).read(cursor, stop.signal)) {
    records.push(...batch.records);
    notes.push(...(batch.notes ?? []));
    last = batch.cursor;
    if (records.length >= count) setTimeout(() => stop.abort(), 60);
  }
  clearTimeout(timer);
  return { texts: texts(records), records, notes, kinds: notes.map((note) => note.kind), cursor: last };
}

/** Follows in the background. */
function follow(options: Partial<FileSourceOptions> = {}, cursor?: string) {
  const stop = new AbortController();
  const records: LogRecord[] = [];
  const notes: SourceNote[] = [];
  const state = { cursor };
  const ended = (async () => {
    for await (const batch of open(options).read(cursor, stop.signal)) {
      records.push(...batch.records);
      notes.push(...(batch.notes ?? []));
      state.cursor = batch.cursor;
    }
  })();
  return {
    records,
    notes,
    state,
    async until(count: number, timeout = 5_000) {
      const end = Date.now() + timeout;
      while (records.length < count && Date.now() < end) await sleep(5);
      await sleep(30);
      return texts(records);
    },
    async stop() {
      stop.abort();
      await ended;
      return state.cursor;
    },
  };
}

const rotations: Record<string, () => void> = {
  "rename and create": () => {
    shift();
    fs.renameSync(log, `${log}.1`);
    fs.writeFileSync(log, "");
  },
  copytruncate: () => {
    shift();
    fs.copyFileSync(log, `${log}.1`);
    fs.truncateSync(log);
  },
  "rename, create and gzip": () => {
    shift();
    fs.writeFileSync(`${log}.1.gz`, gzipSync(fs.readFileSync(log)));
    fs.rmSync(log);
    fs.writeFileSync(log, "");
  },
  "rename, create and zstd": () => {
    shift();
    fs.writeFileSync(`${log}.1.zst`, zstdCompressSync(fs.readFileSync(log)));
    fs.rmSync(log);
    fs.writeFileSync(log, "");
  },
};

/** Makes room for a new `.1`. */
function shift(): void {
  for (let number = 9; number >= 1; number--) {
    for (const extension of ["", ".gz", ".zst"]) {
      const from = `${log}.${number}${extension}`;
      if (fs.existsSync(from)) fs.renameSync(from, `${log}.${number + 1}${extension}`);
    }
  }
}

sourceConformance("file", { resumes: true }, async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), "haechi-file-"));
  const path = join(folder, "x.log");
  return {
    open: () => fileSource({ pattern: path }),
    write: async (lines) => fs.appendFileSync(path, lines.map((line) => `${line}\n`).join("")),
    close: async () => fs.rmSync(folder, { recursive: true }),
  };
});

describe("lines", () => {
  test("are numbered, placed and dated; over a restart too", async () => {
    append(1, 3);
    const first = await take(3);
    append(4, 4);
    const second = await take(1, first.cursor);
    const all = [...first.records, ...second.records];
    expect(all.map((record) => record.line)).toEqual([1, 2, 3, 4]);
    expect(all.map((record) => record.offset)).toEqual([0, 26, 52, 78]);
    expect(all.every((record) => record.source === log)).toBe(true);
  });

  test("keep NUL, drop CR before LF, replace what is not UTF-8", async () => {
    fs.writeFileSync(log, Buffer.concat([Buffer.from("a\0b\r\n\r\n한글\n"), Buffer.from([0xff, 0xe2, 0x82, 10]), Buffer.from("plain\n")]));
    const { records } = await take(5);
    expect(texts(records)).toEqual(["a\0b", "", "한글", "��", "plain"]);
    expect(records.map((record) => record.offset)).toEqual([0, 5, 7, 14, 18]);
  });

  test("wait for their line end", async () => {
    fs.writeFileSync(log, "half");
    const reading = follow();
    await sleep(150);
    expect(reading.records).toEqual([]);
    fs.appendFileSync(log, " line\nnext");
    expect(await reading.until(1)).toEqual(["half line"]);
    const cursor = await reading.stop();
    fs.appendFileSync(log, " one\n");
    expect((await take(1, cursor)).texts).toEqual(["next one"]);
  });

  test("over 1 MiB are cut, counted and noted", async () => {
    fs.writeFileSync(log, `before\n${"x".repeat(3_000_000)}\nafter\n`);
    const { records, notes } = await take(3);
    expect(records.map((record) => record.text.length)).toEqual([6, 1_048_576, 5]);
    expect(notes.filter((note) => note.kind === "line-cut")).toHaveLength(1);
    expect(records[2]?.offset).toBe(3_000_008);
  });

  test("come in bounded batches with the bytes that remain", async () => {
    append(1, 12_000);
    const { batches } = await collect(open(), undefined, (records) => records.length >= 12_000);
    // The first is empty: a cursor before the first line.
    expect(batches.map((batch) => batch.records.length)).toEqual([0, 5_000, 5_000, 2_000]);
    expect(batches.at(-1)?.lag).toBe(0);
    expect(batches[1]?.lag).toBeGreaterThan(170_000);
    // Any of the cursors is a place to go on.
    expect((await take(7_000, batches[1]?.cursor)).texts).toEqual(rows(5_001, 12_000));
  });

  test("after a hole that a writer without O_APPEND leaves are found", async () => {
    append(1, 100);
    const reading = follow();
    await reading.until(100);
    fs.truncateSync(log);
    const descriptor = fs.openSync(log, "r+");
    fs.writeSync(descriptor, joined(101, 102), 2_000_000);
    fs.closeSync(descriptor);
    expect(await reading.until(102)).toEqual(rows(1, 102));
    await reading.stop();
  });
});

describe.each(Object.entries(rotations))("%s", (_, rotate) => {
  test("while following", async () => {
    append(1, 10);
    const reading = follow();
    await reading.until(10);
    append(11, 12);
    rotate();
    append(13, 15);
    expect(await reading.until(15)).toEqual(rows(1, 15));
    rotate();
    rotate();
    append(16, 20);
    expect(await reading.until(20)).toEqual(rows(1, 20));
    await reading.stop();
  });

  test("several times while stopped, with lines in each", async () => {
    append(1, 50);
    const first = await take(50);
    append(51, 55);
    rotate();
    append(56, 60);
    rotate();
    append(61, 70);
    rotate();
    append(71, 80);
    const second = await take(30, first.cursor);
    expect(second.texts).toEqual(rows(51, 80));
    append(81, 81);
    expect((await take(1, second.cursor)).texts).toEqual(rows(81, 81));
  });

  test("resumed from every cursor there was", async () => {
    append(1, 30);
    const { batches } = await collect(open({ batchSize: 7 }), undefined, (records) => records.length >= 30);
    append(31, 33);
    rotate();
    append(34, 36);
    for (const [index, batch] of batches.entries()) {
      const from = Math.min(30, index * 7) + 1;
      expect((await take(37 - from, batch.cursor)).texts).toEqual(rows(from, 36));
    }
  });
});

describe("rotation", () => {
  test("late lines of a writer that still holds the renamed file come too", async () => {
    append(1, 5);
    const reading = follow();
    await reading.until(5);
    const writer = fs.openSync(log, "a");
    rotations["rename and create"]!();
    append(8, 9);
    await reading.until(7);
    fs.writeSync(writer, joined(6, 7));
    fs.closeSync(writer);
    expect((await reading.until(9)).toSorted()).toEqual(rows(1, 9));
    await reading.stop();
  });

  test("a rotated file's last line without an end is given after the grace", async () => {
    append(1, 1);
    fs.appendFileSync(log, "no end");
    const reading = follow();
    await reading.until(1);
    rotations["rename and create"]!();
    append(2, 2);
    expect((await reading.until(3)).toSorted()).toEqual([...rows(1, 2), "no end"].toSorted());
    expect(reading.notes.map((note) => note.kind)).toEqual(expect.arrayContaining(["rotated", "finished"]));
    await reading.stop();
  });

  test("by date in the name, compressed later", async () => {
    append(1, 20);
    const first = await take(20);
    append(21, 30);
    fs.renameSync(log, `${log}-20260101`);
    append(31, 40);
    fs.renameSync(log, `${log}-20260102`);
    append(41, 50);
    fs.writeFileSync(`${log}-20260101.gz`, gzipSync(fs.readFileSync(`${log}-20260101`)));
    // Both are there while gzip has not removed the original.
    const copy = await take(30, first.cursor);
    expect(copy.texts).toEqual(rows(21, 50));
    fs.rmSync(`${log}-20260101`);
    expect((await take(30, first.cursor)).texts).toEqual(rows(21, 50));
  });

  test("an archive is resumed in its middle", async () => {
    append(1, 1_000);
    const { batches } = await collect(open({ batchSize: 100 }), undefined, (records) => records.length >= 300);
    rotations["rename, create and gzip"]!();
    const part = await collect(open({ batchSize: 100 }), batches.at(-1)?.cursor, (records) => records.length >= 200);
    expect(texts(part.records)).toEqual(rows(301, 500));
    expect(part.records[0]?.line).toBe(301);
    expect((await take(500, part.cursor)).texts).toEqual(rows(501, 1_000));
  });

  test("a damaged archive gives what can be had, and a note", async () => {
    append(1, 100);
    const first = await take(100);
    append(101, 20_000);
    const packed = gzipSync(fs.readFileSync(log));
    fs.writeFileSync(`${log}.1.gz`, packed.subarray(0, packed.length - 3_000));
    fs.rmSync(log);
    append(20_001, 20_002);
    const second = await take(10_000, first.cursor);
    const got = second.texts.length - 2;
    expect(second.texts).toEqual([...rows(101, 100 + got), ...rows(20_001, 20_002)]);
    expect(second.kinds).toContain("gap");
  });

  test("the rotated file is gone: the new one is read, with a note", async () => {
    append(1, 10);
    const first = await take(10);
    fs.rmSync(log);
    append(20, 25);
    const second = await take(6, first.cursor);
    expect(second.texts).toEqual(rows(20, 25));
    expect(second.kinds).toContain("gap");
  });
});

describe("files that come and go", () => {
  test("truncation without a copy", async () => {
    append(1, 10);
    const reading = follow();
    await reading.until(10);
    fs.truncateSync(log);
    append(11, 12);
    expect(await reading.until(12)).toEqual(rows(1, 12));
    expect(reading.notes.map((note) => note.kind)).toContain("truncated");
    const cursor = await reading.stop();
    fs.truncateSync(log);
    append(13, 40);
    expect((await take(28, cursor)).texts).toEqual(rows(13, 40));
  });

  test("truncated and grown past the old place at once", async () => {
    append(1, 10);
    const reading = follow();
    await reading.until(10);
    fs.writeFileSync(log, joined(11, 500));
    expect(await reading.until(500)).toEqual(rows(1, 500));
    await reading.stop();
  });

  test("deletion and re-creation, the same inode number while stopped", async () => {
    append(1, 10);
    const reading = follow();
    await reading.until(10);
    fs.rmSync(log);
    await sleep(150);
    append(11, 13);
    expect(await reading.until(13)).toEqual(rows(1, 13));
    expect(reading.notes.map((note) => note.kind)).toEqual(expect.arrayContaining(["missing", "appeared"]));
    const cursor = await reading.stop();
    fs.rmSync(log);
    append(14, 30);
    expect((await take(17, cursor)).texts).toEqual(rows(14, 30));
  });

  test("not there at first; empty at first", async () => {
    const reading = follow();
    await sleep(120);
    fs.writeFileSync(log, "");
    await sleep(50);
    append(1, 2);
    expect(await reading.until(2)).toEqual(rows(1, 2));
    await reading.stop();
  });

  test("the directory comes later and is replaced", async () => {
    const folder = join(directory, "late");
    const path = join(folder, "app.log");
    const reading = follow({ pattern: path });
    await sleep(120);
    fs.mkdirSync(folder);
    append(1, 2, path);
    await reading.until(2);
    fs.renameSync(folder, join(directory, "gone"));
    fs.mkdirSync(folder);
    append(3, 4, path);
    expect(await reading.until(4)).toEqual(rows(1, 4));
    append(5, 5, path);
    expect(await reading.until(5)).toEqual(rows(1, 5));
    await reading.stop();
  });

  test("a symlink that is re-pointed, live and while stopped", async () => {
    const file = (name: string): string => join(directory, name);
    append(1, 3, file("a.txt"));
    fs.symlinkSync("a.txt", log);
    const reading = follow();
    await reading.until(3);
    append(4, 4, file("a.txt"));
    expect(await reading.until(4)).toEqual(rows(1, 4));
    append(5, 6, file("b.txt"));
    fs.symlinkSync("b.txt", file("new"));
    fs.renameSync(file("new"), log);
    expect(await reading.until(6)).toEqual(rows(1, 6));
    await sleep(300);
    append(7, 8, file("b.txt"));
    await reading.until(8);
    const cursor = await reading.stop();
    append(9, 9, file("b.txt"));
    append(10, 11, file("c.txt"));
    fs.rmSync(log);
    fs.symlinkSync("c.txt", log);
    expect((await take(3, cursor)).texts).toEqual(rows(9, 11));
  });

  test("saved anew by an editor", async () => {
    append(1, 50);
    const reading = follow();
    await reading.until(50);
    fs.copyFileSync(log, `${log}.tmp`);
    fs.renameSync(`${log}.tmp`, log);
    append(51, 52);
    expect(await reading.until(52)).toEqual(rows(1, 52));
    await reading.stop();
  });

  test.skipIf(process.getuid?.() !== 0)("unreadable, then readable", async () => {
    append(1, 2);
    fs.chmodSync(directory, 0o755);
    fs.chmodSync(log, 0o000);
    const script = `
      import { fileSource } from ${JSON.stringify(new URL("./file.ts", import.meta.url).href)};
      process.setgid(65534); process.setuid(65534);
      for await (const batch of fileSource({ pattern: ${JSON.stringify(log)}, poll: 50 }).read(undefined, AbortSignal.timeout(8000))) {
        for (const note of batch.notes ?? []) console.log(note.kind);
        for (const record of batch.records) console.log(record.text);
        if (batch.records.length > 0) process.exit(0);
      }`;
    setTimeout(() => fs.chmodSync(log, 0o644), 700);
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    for await (const part of child.stdout) out += String(part);
    expect(out.trim().split("\n")).toEqual(["unreadable", "appeared", ...rows(1, 2)]);
  });
});

describe("globs", () => {
  test("gain, lose and rename files", async () => {
    const file = (name: string): string => join(directory, name);
    append(1, 2, file("a.log"));
    const reading = follow({ pattern: join(directory, "*.log") });
    await reading.until(2);
    append(3, 4, file("b.log"));
    await reading.until(4);
    fs.renameSync(file("a.log"), file("c.log"));
    append(5, 5, file("c.log"));
    expect(await reading.until(5)).toEqual(rows(1, 5));
    fs.rmSync(file("b.log"));
    await sleep(100);
    append(6, 6, file("b.log"));
    expect(await reading.until(6)).toEqual(rows(1, 6));
    const cursor = await reading.stop();
    append(7, 7, file("c.log"));
    expect((await take(1, cursor, { pattern: join(directory, "*.log") })).texts).toEqual(rows(7, 7));
  });

  test.each(Object.entries(rotations))("that match rotated files too do not read them twice: %s", async (_, rotate) => {
    const pattern = `${log}*`;
    fs.writeFileSync(`${log}.2.gz`, gzipSync(joined(1, 10)));
    append(11, 20, `${log}.1`);
    append(21, 30);
    const reading = follow({ pattern });
    // History first, oldest first.
    expect(await reading.until(30)).toEqual(rows(1, 30));
    rotate();
    append(31, 40);
    expect(await reading.until(40)).toEqual(rows(1, 40));
    await sleep(300);
    expect(reading.records).toHaveLength(40);
    const cursor = await reading.stop();
    append(41, 42);
    rotate();
    append(43, 44);
    expect((await take(4, cursor, { pattern })).texts).toEqual(rows(41, 44));
  });

  test("a link beside its file is the same log", async () => {
    append(1, 3, join(directory, "app-1.log"));
    fs.symlinkSync("app-1.log", join(directory, "current.log"));
    expect((await take(3, undefined, { pattern: join(directory, "*.log") })).texts).toEqual(rows(1, 3));
  });

  test("a log with a dated name that is compressed in place is not read again", async () => {
    const path = join(directory, "app-20260101.log");
    const pattern = join(directory, "app-*");
    append(1, 20, path);
    const first = await take(20, undefined, { pattern });
    fs.writeFileSync(`${path}.gz`, gzipSync(fs.readFileSync(path)));
    fs.rmSync(path);
    append(21, 22, join(directory, "app-20260102.log"));
    expect((await take(2, first.cursor, { pattern })).texts).toEqual(rows(21, 22));
  });
});

test("starts at the end of history where asked, and remembers it", async () => {
  append(1, 5);
  fs.appendFileSync(log, "par");
  const reading = follow({ startAt: "end-of-history" });
  await sleep(100);
  expect(reading.records).toEqual([]);
  const cursor = await reading.stop();
  fs.appendFileSync(log, "tial\n");
  append(6, 6);
  expect((await take(2, cursor, { startAt: "end-of-history" })).texts).toEqual(["partial", ...rows(6, 6)]);
});

test("refuses a cursor that is none, naming the source", async () => {
  const reading = open({ id: "web" }).read("{}", AbortSignal.timeout(1_000))[Symbol.asyncIterator]();
  await expect(reading.next()).rejects.toThrow(SourceError);
  expect(() => fileSource({ pattern: "" })).toThrow(SourceError);
});

test("keeps no file open once it ended", async () => {
  append(1, 5);
  const opened = (): string[] =>
    fs.readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return [fs.readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  const reading = follow();
  await reading.until(5);
  rotations["rename and create"]!();
  append(6, 6);
  await reading.until(6);
  expect(opened().filter((path) => path.startsWith(directory))).toHaveLength(2);
  await reading.stop();
  expect(opened().filter((path) => path.startsWith(directory))).toEqual([]);
});
