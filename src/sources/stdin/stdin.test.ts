import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { sourceConformance } from "#contracts/conformance/source.ts";
import { stdinSource } from "./stdin.ts";

sourceConformance("stdin", { resumes: false }, async () => {
  const input = new PassThrough();
  return {
    open: () => stdinSource({ input }),
    write: async (lines) => void input.write(lines.map((line) => `${line}\n`).join("")),
    close: async () => void input.destroy(),
  };
});

test("ends with the input, a last line without an end included", async () => {
  const input = new PassThrough();
  input.write("one\r\ntw");
  input.end("o\nthree");
  const texts: string[] = [];
  for await (const batch of stdinSource({ input }).read(undefined, new AbortController().signal)) {
    for (const record of batch.records) texts.push(`${record.line}@${record.offset} ${record.text}`);
  }
  expect(texts).toEqual(["1@0 one", "2@5 two", "3@9 three"]);
});

test("reads no faster than it is read", async () => {
  const input = new PassThrough({ highWaterMark: 65_536 });
  const line = `${"x".repeat(999)}\n`;
  let written = 0;
  const writing = (async () => {
    for (; written < 60_000; written++) if (!input.write(line)) await new Promise((resolve) => input.once("drain", resolve));
    input.end();
  })();
  let count = 0;
  for await (const batch of stdinSource({ input }).read(undefined, new AbortController().signal)) {
    count += batch.records.length;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(written - count).toBeLessThan(25_000);
  }
  await writing;
  expect(count).toBe(60_000);
});
