import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** The real program as a child process. */
export interface RunningHaechi {
  readonly child: ChildProcess;
  /** Everything it has printed. */
  output(): string;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface StartHaechiOptions {
  /** Wait until it says what it watches (default), or go on at once. */
  readonly ready?: boolean;
  /** What stands before the command line: `["ip", "netns", "exec", NAME]`. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `haechi` with these arguments; resolves when it has printed its last line of greeting. */
export async function startHaechi(args: readonly string[], options: StartHaechiOptions = {}): Promise<RunningHaechi> {
  const [file, ...rest] = [...(options.before ?? []), process.execPath, "--disable-warning=ExperimentalWarning", main, ...args];
  const child = spawn(file as string, rest, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, HAECHI_LANG: "en", ...options.env } });
  let printed = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      printed += chunk.toString();
      if (printed.includes("Next: haechi status")) resolve();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("close", (code) => reject(new Error(`haechi ${args.join(" ")} ended with ${code}:\n${printed}`)));
  });
  if (options.ready === false) ready.catch(() => undefined);
  else await ready;
  return {
    child,
    output: () => printed,
    kill: async (signal) => {
      ready.catch(() => undefined);
      child.kill(signal);
      await ended;
    },
  };
}
