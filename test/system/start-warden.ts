import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wardenClient, type WardenClient } from "#enforcers/warden-client.ts";
import type { Namespace } from "./network-namespaces.ts";
import { until, type Running } from "./run-program.ts";

const main = new URL("./warden-program.ts", import.meta.url).pathname;

/** A real warden in a namespace. Its socket is in the shared file system, so the tests reach it from outside. */
export interface TestWarden {
  readonly socketPath: string;
  readonly client: WardenClient;
  /** Kills the process as `kill -9` does. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. */
  restart(): Promise<void>;
  output(): string;
  close(): Promise<void>;
}

export interface TestWardenOptions {
  readonly backend?: "nftables" | "ufw";
  /** Shell commands that run before the warden in its own mount namespace. */
  readonly prepare?: string;
  readonly args?: readonly string[];
}

/** Starts the warden in `namespace` for the user nobody and waits until it listens. */
export async function startTestWarden(namespace: Namespace, options: TestWardenOptions = {}): Promise<TestWarden> {
  const folder = await mkdtemp(join(tmpdir(), "haechi-warden-"));
  // The user nobody must get through to the socket; only root may write here.
  await chmod(folder, 0o711);
  const socketPath = join(folder, "warden.sock");
  const command = [process.execPath, main, "--socket", socketPath, "--user", "nobody", "--backend", options.backend ?? "nftables", ...(options.args ?? [])];
  let running: Running;
  const begin = async (): Promise<void> => {
    running =
      options.prepare === undefined
        ? namespace.start(command[0] as string, command.slice(1))
        : namespace.start("unshare", ["-m", "--propagation", "private", "sh", "-ec", `${options.prepare}\nexec "$@"`, "sh", ...command]);
    await until("the warden listens", () => {
      if (running.child.exitCode !== null) throw new Error(`the warden ended: ${running.output()}`);
      return running.output().includes(socketPath);
    });
  };
  await begin();
  const client = wardenClient({ socketPath });
  return {
    socketPath,
    client,
    kill: () => running.stop("SIGKILL"),
    restart: begin,
    output: () => running.output(),
    async close() {
      await client.close();
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
