import { execFile, spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Runs a program and gives what it printed, whatever its status; ends it after `timeout` milliseconds (20 s). */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeout?: number } = {},
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      { timeout: options.timeout ?? 20_000, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024, encoding: "utf8" },
      (error, stdout, stderr) => {
        const code = error?.code;
        resolve({ status: error === null ? 0 : typeof code === "number" ? code : -1, stdout, stderr: stderr || (error?.message ?? "") });
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

/** As `run`, but throws unless the status is 0. Gives standard output. */
export async function mustRun(file: string, args: readonly string[], options: { readonly input?: string; readonly timeout?: number } = {}): Promise<string> {
  const result = await run(file, args, options);
  if (result.status !== 0) throw new Error(`${file} ${args.join(" ")}: ${result.stderr.trim() || `status ${result.status}`}`);
  return result.stdout;
}

/** A program that keeps running, and how to end it. */
export interface Running {
  readonly child: ChildProcess;
  /** Both outputs so far. */
  output(): string;
  /** Ends it with `killSignal` (SIGTERM; SIGKILL after 3 s) and waits. */
  stop(killSignal?: NodeJS.Signals): Promise<void>;
}

/** Starts a program in its own process group, so that what it starts ends with it. */
export function start(file: string, args: readonly string[]): Running {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-200_000);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      output += error.message;
      resolve();
    });
    child.once("close", () => resolve());
  });
  const send = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // Already gone.
    }
  };
  return {
    child,
    output: () => output,
    async stop(killSignal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) send(killSignal);
      const timer = setTimeout(() => send("SIGKILL"), 3_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Waits until `condition` gives something true, looking each 25 ms; throws after `timeout` milliseconds. */
export async function until<T>(what: string, condition: () => Promise<T> | T, timeout = 10_000): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`did not happen within ${timeout} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/**
 * Why a system suite cannot run here, or undefined where it can: it needs root and programs. Prints the reason, so that
 * a skipped suite never looks like a passed one.
 */
export function cannotRun(suite: string, programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => !isExecutable(program));
  const why =
    process.geteuid?.() !== 0 ? "needs root" : missing.length > 0 ? `not installed: ${missing.join(", ")} (run scripts/install-system.sh)` : undefined;
  if (why !== undefined) console.info(`skipped: ${suite}: ${why}`);
  return why;
}

function isExecutable(program: string): boolean {
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
