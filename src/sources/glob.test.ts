import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expandGlob, globRoot, sortLogs } from "./glob.ts";
import { parseRotatedName } from "./rotated-name.ts";

let directory = "";
beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "haechi-glob-"));
  for (const name of ["a.log", "a.log.1", "a.log.2.gz", "a.log.10.gz", "b2.log", "b10.log", "odd[1].log"]) fs.writeFileSync(join(directory, name), "");
  fs.mkdirSync(join(directory, "sub.log"));
  fs.writeFileSync(join(directory, "sub.log", "c.log"), "");
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

const expand = (pattern: string): string[] => expandGlob(join(directory, pattern)).map((path) => path.slice(directory.length + 1));

test("gives files in natural order, the rotated ones oldest first before their log", () => {
  expect(expand("*")).toEqual(["a.log.10.gz", "a.log.2.gz", "a.log.1", "a.log", "b2.log", "b10.log", "odd[1].log"]);
  expect(expand("{a,b*}.log")).toEqual(["a.log", "b2.log", "b10.log"]);
  expect(expand("**/c.log")).toEqual(["sub.log/c.log"]);
  expect(expand("none*")).toEqual([]);
});

test("gives a path as it is, there or not, with special characters or not", () => {
  expect(expand("missing.log")).toEqual(["missing.log"]);
  expect(expand("odd[1].log")).toEqual(["odd[1].log"]);
});

test("dated files come by date", () => {
  const names = ["/l/m-20240201", "/l/m", "/l/m-20240131.gz", "/l/m-20231231.gz"];
  expect(sortLogs(names)).toEqual(["/l/m-20231231.gz", "/l/m-20240131.gz", "/l/m-20240201", "/l/m"]);
});

test("finds the directory above the first special part", () => {
  expect(globRoot("/var/log/*/x/*.log")).toBe("/var/log");
  expect(globRoot("/var/log/auth.log")).toBe("/var/log");
});

test.each([
  ["auth.log.1", "auth.log"],
  ["auth.log.12.gz", "auth.log"],
  ["auth.log-20240131", "auth.log"],
  ["auth.log-20240131.zst", "auth.log"],
  ["auth.log.2024-01-31", "auth.log"],
  ["access-20240131.log", "access.log"],
  ["app.3.log", "app.log"],
  ["app-2024-01-31.3.log.gz", "app.log"],
  ["messages.old", "messages"],
  ["auth.log-1706659200", "auth.log"],
  ["auth.log", undefined],
  ["web-01.log", undefined],
  ["site-8080.log", undefined],
  ["u_ex240131.log", undefined],
  ["proxy2", undefined],
])("%s is a rotated file of %s", (name, base) => {
  expect(parseRotatedName(name)?.base).toBe(base);
});
