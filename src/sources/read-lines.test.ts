import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachLine } from "./line-splitter.ts";
import { readLines, readLinesSync, type ReadLinesOptions } from "./read-lines.ts";
import { SourceError } from "./source-error.ts";

let directory = "";
const file = (name: string, content: Uint8Array | string): string => {
  const path = join(directory, name);
  fs.writeFileSync(path, content);
  return path;
};
const rows = Array.from({ length: 150_000 }, (_, index) => `row ${index + 1} ${index % 1_000 === 0 ? "한글 é" : "plain"}`);
const whole = Buffer.from(rows.map((row) => `${row}\n`).join(""));
const half = Math.floor(whole.length / 2);

beforeAll(() => (directory = fs.mkdtempSync(join(tmpdir(), "haechi-lines-"))));
afterAll(() => fs.rmSync(directory, { recursive: true }));

async function read(path: string, options?: ReadLinesOptions) {
  const lines: string[] = [];
  let error: unknown;
  let bytes = 0;
  let next = 1;
  try {
    for await (const chunk of readLines(path, options)) {
      expect(chunk.offset).toBe(bytes);
      expect(chunk.firstLine).toBe(next);
      bytes += chunk.bytes;
      next += chunk.lines;
      eachLine(chunk, (text) => lines.push(text));
    }
  } catch (caught) {
    error = caught;
  }
  return { lines, error, bytes };
}

describe("the lines of", () => {
  const packed: Record<string, () => Uint8Array> = {
    "a plain file": () => whole,
    "a gzip file": () => gzipSync(whole),
    "gzip members one after the other, with padding": () =>
      Buffer.concat([gzipSync(whole.subarray(0, half)), gzipSync(whole.subarray(half)), Buffer.alloc(300_000)]),
    "a zstd file": () => zstdCompressSync(whole),
    "zstd frames one after the other, with a skippable one": () =>
      Buffer.concat([
        zstdCompressSync(whole.subarray(0, half)),
        Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]),
        zstdCompressSync(whole.subarray(half)),
        zstdCompressSync(Buffer.alloc(0)),
      ]),
  };
  test.each(Object.entries(packed))("%s", async (name, make) => {
    const path = file(name.replaceAll(" ", "-"), make());
    let told = 0;
    const { lines, error, bytes } = await read(path, { onBytes: (read) => (told = read) });
    expect(error).toBeUndefined();
    expect(lines.length).toBe(rows.length);
    expect(lines).toEqual(rows);
    expect(bytes).toBe(whole.length);
    expect(told).toBe(fs.statSync(path).size);
  });

  test("an empty file, and one without a last line end", async () => {
    expect(await read(file("empty", ""))).toEqual({ lines: [], error: undefined, bytes: 0 });
    expect(await read(file("half", "a\r\nb"))).toEqual({ lines: ["a", "b"], error: undefined, bytes: 4 });
    expect(await read(file("empty.gz", ""))).toEqual({ lines: [], error: undefined, bytes: 0 });
  });

  test("a plain file from a byte on, synchronously", () => {
    const chunks = [...readLinesSync(file("from", "one\ntwo\nthree\n"), { start: 4 })];
    expect(chunks.map((chunk) => [chunk.text, chunk.offset, chunk.firstLine])).toEqual([["two\nthree\n", 4, 0]]);
  });
});

describe("what is damaged gives all before the damage, then names file and byte:", () => {
  const gzip = gzipSync(whole);
  const zstd = zstdCompressSync(whole);
  const spoil = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes);
    for (let index = 0; index < 64; index++) copy[at + index]! ^= 0x5a;
    return copy;
  };
  test.each([
    ["a cut gzip file", gzip.subarray(0, gzip.length - 2_000), 0.9],
    ["a spoilt gzip file", spoil(gzip, gzip.length - 20_000), 0.5],
    ["gzip with something else after it", Buffer.concat([gzip, Buffer.from("something else")]), 1],
    ["a cut zstd file", zstd.subarray(0, zstd.length - 200), 0.5],
    ["a spoilt zstd file", spoil(zstd, zstd.length - 500), 0.3],
    ["zstd with something else after it", Buffer.concat([zstd, Buffer.from("something else")]), 1],
  ])("%s", async (name, bytes, atLeast) => {
    const path = file(name.replaceAll(" ", "_"), bytes);
    const { lines, error } = await read(path);
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ code: "source-archive-damaged", params: { path } });
    const byte = Number((error as SourceError).params["byte"]);
    expect(byte).toBeGreaterThan(bytes.length * 0.3);
    expect(byte).toBeLessThanOrEqual(bytes.length);
    expect(lines.length).toBeGreaterThanOrEqual(Math.floor(rows.length * atLeast));
    // No half line among them: half an address is another address. (Spoilt bytes may decode to anything until the checksum.)
    if (!name.includes("spoilt")) expect(lines).toEqual(rows.slice(0, lines.length));
  });
});

test("a file that is not there is named", async () => {
  const path = join(directory, "nothing");
  expect((await read(path)).error).toMatchObject({ code: "source-unreadable", params: { path, reason: "ENOENT" } });
});

test("reading ends without an error when aborted", async () => {
  for (const name of ["abort.log", "abort.gz"]) {
    const path = file(
      name,
      name.endsWith("gz") ? gzipSync(Buffer.concat(Array.from({ length: 10 }, () => whole))) : Buffer.concat(Array.from({ length: 10 }, () => whole)),
    );
    const stop = new AbortController();
    let chunks = 0;
    for await (const chunk of readLines(path, { signal: stop.signal })) {
      if (chunk.bytes > 0 && ++chunks === 2) stop.abort();
    }
    expect(chunks).toBeLessThan(8);
  }
});

test.each([
  ["plain", whole],
  ["gzip", gzipSync(whole)],
  ["zstd", zstdCompressSync(whole)],
])("standard input, %s", async (_, bytes) => {
  const script = `
    import { readLines } from ${JSON.stringify(new URL("./read-lines.ts", import.meta.url).href)};
    let lines = 0, bytes = 0;
    for await (const chunk of readLines("-")) { lines += chunk.lines; bytes += chunk.bytes; }
    console.log(lines, bytes);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(bytes);
  let out = "";
  for await (const part of child.stdout) out += String(part);
  expect(out.trim()).toBe(`${rows.length} ${whole.length}`);
});
