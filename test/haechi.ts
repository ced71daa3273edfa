import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** What a run of the program gave. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Text or bytes for standard input; without it standard input is empty. */
  readonly input?: string | Buffer;
}

export const root = fileURLToPath(new URL("..", import.meta.url));
export const sample = (name: string): string => join(root, "samples", name);

const main = join(root, "src/cli/main.ts");
const flags = ["--disable-warning=ExperimentalWarning", main];

/** A temporary folder that goes when the test file is over. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "haechi-test-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The environment of every run: nothing of this machine's language, zone, configuration or state. */
function environment(state: string, more: RunOptions["env"]): NodeJS.ProcessEnv {
  // Hundreds of starts: what is compiled is kept between them.
  const cache = join(root, "node_modules/.cache/haechi-compile");
  return { PATH: process.env["PATH"], HOME: state, STATE_DIRECTORY: state, USER: "tester", LANG: "C", TZ: "UTC", NODE_COMPILE_CACHE: cache, ...more };
}

/** The program in folders of this test file alone. */
export interface Program {
  readonly home: string;
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  readonly start: (args: readonly string[], options?: RunOptions) => Started;
}

/** Runs the real program; `home` is its working directory and holds its state. */
export function program(): Program {
  const home = folder();
  return {
    home,
    run: (args, { env, cwd = home, input = "" } = {}) =>
      new Promise((resolve) => {
        const child = execFile(
          process.execPath,
          [...flags, ...args],
          { cwd, env: environment(home, env), maxBuffer: 1 << 28, timeout: 60_000 },
          (error, out, err) => {
            resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, out, err });
          },
        );
        child.stdin?.on("error", () => undefined);
        child.stdin?.end(input);
      }),
    start: (args, { env, cwd = home } = {}) =>
      follow(spawn(process.execPath, [...flags, ...args], { cwd, env: environment(home, env), stdio: ["ignore", "pipe", "pipe"] })),
  };
}

/** A run that goes on. */
export interface Started {
  readonly child: ChildProcess;
  /** Everything printed so far, both streams. */
  text(): string;
  /** Resolves once what is printed matches; rejects with all of it after `seconds`. */
  until(pattern: RegExp, seconds?: number): Promise<RegExpExecArray>;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
}

function follow(child: ChildProcess): Started {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (more: string) => (text += more));
  }
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  return {
    child,
    text: () => text,
    until: (pattern, seconds = 15) =>
      eventually(
        () => pattern.exec(text) ?? undefined,
        seconds,
        () => `${String(pattern)} in:\n${text}`,
      ),
    stop: () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Asks again and again until there is an answer; rejects with `what` after `seconds`. */
export async function eventually<T>(ask: () => T | undefined | Promise<T | undefined>, seconds: number, what: () => string): Promise<T> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Writes a file into a folder; gives its path. */
export function file(directory: string, name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** One JSON value a line. */
export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

/** Characters that may move a cursor, colour a screen or reorder text; line feeds are none. */
// oxlint-disable-next-line no-control-regex
export const unsafeCharacters = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** A stack trace or a raw error of Node. */
export const stackTrace = /^\s+at .+:\d+:\d+|node:internal|UnhandledPromise|Node\.js v\d/m;
