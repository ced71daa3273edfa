import { expect, test } from "vitest";
import * as fc from "fast-check";
import { createLineSplitter, eachLine, longestLine, type LineChunk } from "./line-splitter.ts";

interface Line {
  text: string;
  line: number;
  offset: number;
}

/** Every line by the plainest means there are. */
function reference(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(10, start);
    const end = found === -1 ? bytes.length : found;
    let stop = end;
    if (found !== -1 && stop > start && bytes[stop - 1] === 13) stop--;
    if (found === -1 && stop > start && bytes[stop - 1] === 13) stop--;
    lines.push({ text: bytes.subarray(start, stop).toString("utf8"), line: lines.length + 1, offset: start });
    start = end + 1;
  }
  return lines;
}

function split(pieces: readonly Buffer[]): { lines: Line[]; chunks: LineChunk[] } {
  const splitter = createLineSplitter();
  const chunks: LineChunk[] = [];
  for (const piece of pieces) {
    const borrowed = Buffer.from(piece);
    chunks.push(...splitter.push(borrowed));
    // The bytes are only borrowed: nothing given may change with them.
    borrowed.fill(0x58);
  }
  chunks.push(...splitter.end());
  const lines: Line[] = [];
  for (const chunk of chunks) eachLine(chunk, (text, line, offset) => lines.push({ text, line, offset }));
  return { lines, chunks };
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const points = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return points.slice(1).map((point, index) => bytes.subarray(points[index], point));
}

const content = fc
  .array(
    fc.oneof(
      fc.constantFrom("\n", "\r\n", "\r", "\0", "Failed password for root", "한글 로그 줄", "é", "🐉", "\ufeff").map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
      // Cut sequences: the line end after them must survive.
      fc.constantFrom([0xe2, 0x82, 0x0a], [0xf0, 0x9f, 0x0a], [0xff, 0x0a], [0xc3]).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.concat(parts));

test("gives the lines of the naive reference, wherever the bytes are cut", () => {
  fc.assert(
    fc.property(content, fc.array(fc.nat(), { maxLength: 12 }), (bytes, cuts) => {
      const { lines, chunks } = split(pieces(bytes, cuts));
      expect(lines).toEqual(reference(bytes));
      expect(chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)).toBe(bytes.length);
      for (const chunk of chunks) expect(chunk.text.endsWith("\n")).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("keeps ASCII runs one-byte around lines that are not", () => {
  const plain = "GET / HTTP/1.1 200\n".repeat(20_000);
  const bytes = Buffer.from(`${plain}한글\n${plain}`);
  const { lines, chunks } = split([bytes]);
  expect(lines).toEqual(reference(bytes));
  expect(chunks.filter((chunk) => !chunk.ascii).reduce((sum, chunk) => sum + chunk.bytes, 0)).toBeLessThan(70_000);
});

test.each([
  ["in one piece", [] as number[]],
  ["in pieces", [500_000, 1_000_000, 1_500_000, 2_500_001]],
])("cuts lines over 1 MiB and counts them, %s", (_, cuts) => {
  const long = "a".repeat(longestLine * 2);
  const exact = "b".repeat(longestLine);
  const bytes = Buffer.from(`first\n${long}\nnext\n${exact}\nlast\n`);
  const { lines, chunks } = split(pieces(bytes, cuts));
  expect(lines.map((line) => line.text.length)).toEqual([5, longestLine, 4, longestLine, 4]);
  expect(lines.map((line) => line.offset)).toEqual([0, 6, 6 + long.length + 1, 6 + long.length + 6, 6 + long.length + 6 + exact.length + 1]);
  expect(chunks.reduce((sum, chunk) => sum + chunk.cut, 0)).toBe(1);
});

test("does not cut inside a character", () => {
  const { lines } = split([Buffer.from(`${"a".repeat(longestLine - 1)}한\n`)]);
  expect(lines[0]?.text).toBe("a".repeat(longestLine - 1));
});

test("an endless line takes bounded memory and is given once it ends", () => {
  const splitter = createLineSplitter();
  const piece = Buffer.alloc(65_536, 97);
  for (let count = 0; count < 64; count++) expect(splitter.push(piece)).toEqual([]);
  expect(splitter.pending).toBe(64 * 65_536);
  const chunks = splitter.push(Buffer.from("\nnext\n"));
  expect(chunks.map((chunk) => [chunk.cut, chunk.bytes])).toEqual([
    [1, 64 * 65_536 + 1],
    [0, 5],
  ]);
});
