import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sanitize } from "#core/sanitize.ts";
import { reasonOf, WardenError } from "./warden-error.ts";

/** What a finished command left. */
export interface CommandResult {
  /** Exit status; -1 where a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Written to the command's standard input. */
  readonly input?: string;
  /** Milliseconds after which it is killed; 30 s. */
  readonly timeout?: number;
  /** Debian package to name where the command is missing. */
  readonly package: string;
}

/** A fixed search path and the C locale: nothing of the caller's environment reaches a root command. */
const environment = { PATH: "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", LANG: "C" };
const outputLimit = 64 * 1024 * 1024;

/**
 * Runs a program with an argument list (never a shell). Gives its status and output whatever the status is; throws
 * WardenError where it cannot be started, takes too long or prints more than 64 MiB.
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const input = options.input === undefined ? undefined : await namelessFile(options.input);
  try {
    return await spawnCommand(command, args, input, options);
  } finally {
    await input?.close();
  }
}

/**
 * A file that only this process and its children can reach. Node's own pipes are sockets, and `nft -f -` opens
 * `/dev/stdin` anew, which works for a file but not for a socket.
 */
async function namelessFile(content: string): Promise<FileHandle> {
  const path = join(tmpdir(), `haechi-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  try {
    await rm(path);
    await file.writeFile(content);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function spawnCommand(command: string, args: readonly string[], input: FileHandle | undefined, options: CommandOptions): Promise<CommandResult> {
  const timeout = options.timeout ?? 30_000;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment, stdio: [input?.fd ?? "ignore", "pipe", "pipe"], cwd: "/", shell: false });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    let failure: WardenError | undefined;
    const stop = (error: WardenError): void => {
      failure ??= error;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => stop(new WardenError("command-timeout", "enforce.commandTimeout", { command, seconds: timeout / 1_000 })), timeout);
    const collect = (list: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > outputLimit) stop(new WardenError("command-failed", "enforce.commandFailed", { command, reason: "it printed more than 64 MiB" }));
      else list.push(chunk);
    };
    child.stdout?.on("data", collect(out));
    child.stderr?.on("data", collect(err));
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new WardenError("command-missing", "enforce.commandMissing", { command, reason: reasonOf(error), package: options.package }, { cause: error }));
    });
    child.once("close", (status) => {
      clearTimeout(timer);
      if (failure) reject(failure);
      else resolve({ status: status ?? -1, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") });
    });
  });
}

/** As `runCommand`, but any status except 0 is an error with the first lines the command wrote about it. */
export async function mustRun(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const result = await runCommand(command, args, options);
  if (result.status !== 0) throw commandFailed(command, result);
  return result.stdout;
}

/** The error for a command that ended with a bad status. */
export function commandFailed(command: string, result: CommandResult): WardenError {
  const words = (result.stderr.trim() || result.stdout.trim() || `exit status ${result.status}`).split("\n").slice(0, 3).join(" / ");
  return new WardenError("command-failed", "enforce.commandFailed", { command, reason: sanitize(words, 300) });
}
