import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { en, type TextKey } from "#core/text/en.ts";
import { parseWardenReply, wardenLimits, type WardenReply, type WardenRequest, type WardenResults } from "#core/warden-message.ts";
import { EnforcerError, reasonOf } from "./enforcer-error.ts";

type Kind = WardenRequest["do"];
/** A request without its id. */
export type WardenCommand = WardenRequest extends infer R ? (R extends WardenRequest ? Omit<R, "id"> : never) : never;

/** The unprivileged end of the warden's socket. */
export interface WardenClient {
  readonly socketPath: string;
  /**
   * Sends one request and gives its result. Connects when needed, again with growing pauses for about 3 s, and sends
   * once more when the connection breaks meanwhile (every request may be repeated). Throws EnforcerError when the
   * warden cannot be reached, answers with an error or not in time; the signal's reason when it aborts.
   */
  request<C extends WardenCommand>(command: C, signal: AbortSignal): Promise<WardenResults[C["do"]]>;
  close(): Promise<void>;
}

export interface WardenClientOptions {
  readonly socketPath: string;
  /** Milliseconds one request may take; 60 s. */
  readonly timeout?: number;
}

const pauses = [0, 50, 100, 200, 400, 800, 1_600];

interface Waiting {
  resolve(reply: WardenReply): void;
  reject(error: Error): void;
}

/** A client for the warden on `socketPath`. Opens nothing before the first request. */
export function wardenClient(options: WardenClientOptions): WardenClient {
  const { socketPath, timeout = 60_000 } = options;
  let connection: Promise<Connection> | undefined;
  let closed = false;
  let lastId = 0;

  const unreachable = (cause: unknown): EnforcerError =>
    new EnforcerError("warden-unreachable", "enforce.wardenUnreachable", { socket: socketPath, reason: reasonOf(cause) }, { cause });

  const connected = async (signal: AbortSignal): Promise<Connection> => {
    let failure: unknown = new Error("closed");
    for (const pause of pauses) {
      if (closed) break;
      if (pause > 0) await delay(pause, undefined, { signal });
      connection ??= openConnection(socketPath);
      const opening = connection;
      try {
        const open = await opening;
        if (!open.ended()) return open;
      } catch (error) {
        failure = error;
      }
      if (connection === opening) connection = undefined;
    }
    throw unreachable(failure);
  };

  const once = async (command: WardenCommand, signal: AbortSignal): Promise<WardenReply> => {
    const open = await connected(signal);
    const id = ++lastId;
    return open.send({ ...command, id } as WardenRequest, signal);
  };

  return {
    socketPath,
    async request(command, signal) {
      signal.throwIfAborted();
      const limit = AbortSignal.timeout(timeout);
      const both = AbortSignal.any([signal, limit]);
      let reply: WardenReply;
      try {
        reply = await once(command, both).catch((error: unknown) => {
          if (!(error instanceof BrokenConnection)) throw error;
          connection = undefined;
          return once(command, both);
        });
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (limit.aborted)
          throw new EnforcerError("warden-timeout", "enforce.wardenTimeout", { socket: socketPath, request: command.do, seconds: timeout / 1_000 });
        throw error instanceof EnforcerError ? error : unreachable(error);
      }
      if (!reply.ok) {
        const { code, key, params } = reply.fault;
        if (!Object.hasOwn(en, key)) throw replyError(socketPath, command.do);
        throw new EnforcerError(code, key as TextKey, params);
      }
      const check = checks[command.do];
      if (!check(reply.result)) throw replyError(socketPath, command.do);
      return reply.result as never;
    },
    async close() {
      closed = true;
      const open = await connection?.catch(() => undefined);
      open?.end();
    },
  };
}

const replyError = (socket: string, request: Kind): EnforcerError => new EnforcerError("warden-reply", "enforce.wardenReply", { socket, request });

const hasNumbers = (value: unknown, names: readonly string[]): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && names.every((name) => typeof (value as Record<string, unknown>)[name] === "number");
const isListOf = (value: unknown, name: string): boolean =>
  typeof value === "object" && value !== null && Array.isArray((value as Record<string, unknown>)[name]);

/** The shape of each result, as far as a mix-up of versions would show. */
const checks: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  block: (value) => hasNumbers(value, ["added", "removed", "kept", "killed"]) && isListOf(value, "failed"),
  release: (value) => hasNumbers(value, ["released"]),
  list: (value) => isListOf(value, "bans"),
  flush: (value) => typeof value === "object" && value !== null,
  kill: (value) => hasNumbers(value, ["killed"]),
  hits: (value) => isListOf(value, "hits"),
};

class BrokenConnection extends Error {}

interface Connection {
  send(request: WardenRequest, signal: AbortSignal): Promise<WardenReply>;
  ended(): boolean;
  end(): void;
}

function openConnection(socketPath: string): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(speak(socket));
    });
  });
}

function speak(socket: Socket): Connection {
  const waiting = new Map<number, Waiting>();
  let parts: Buffer[] = [];
  let size = 0;
  let over = false;
  const fail = (reason: string): void => {
    over = true;
    socket.destroy();
    for (const one of waiting.values()) one.reject(new BrokenConnection(reason));
    waiting.clear();
  };
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail("the connection ended"));
  socket.on("data", (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      parts.push(rest.subarray(0, end));
      const reply = parseWardenReply(Buffer.concat(parts).toString("utf8"));
      parts = [];
      size = 0;
      rest = rest.subarray(end + 1);
      if (!reply) return fail("unreadable reply");
      // Id 0 is the warden's answer to what it could not read: it holds for everything that waits.
      const asked = reply.id === 0 ? [...waiting.keys()] : [reply.id];
      for (const id of asked) {
        waiting.get(id)?.resolve(reply);
        waiting.delete(id);
      }
    }
    size += rest.length;
    if (size > wardenLimits.line) return fail("a reply is too long");
    if (rest.length > 0) parts.push(rest);
  });
  // The program may end while it is connected; requests in flight keep it alive by their own timers.
  socket.unref();
  return {
    ended: () => over,
    end: () => fail("closed"),
    send(request, signal) {
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          waiting.delete(request.id);
          reject(signal.reason as Error);
        };
        if (signal.aborted) return abort();
        signal.addEventListener("abort", abort, { once: true });
        const settle = (): void => {
          signal.removeEventListener("abort", abort);
          if (waiting.size === 0) socket.unref();
        };
        waiting.set(request.id, {
          resolve(reply) {
            settle();
            resolve(reply);
          },
          reject(error) {
            settle();
            reject(error);
          },
        });
        socket.ref();
        socket.write(`${JSON.stringify(request)}\n`);
      });
    },
  };
}

export interface StartWardenOptions {
  /** How to run `haechi warden` on this installation, e.g. `[process.execPath, "…/bin/haechi", "warden"]`. */
  readonly command: readonly [string, ...string[]];
  readonly socketPath: string;
  /** Name or id of the user the guard runs as (after it gave up root). */
  readonly user: string;
  readonly backend: "nftables" | "ufw";
  readonly args?: readonly string[];
  /** Gets each line the warden writes. */
  readonly log: (line: string) => void;
}

export interface StartedWarden {
  readonly client: WardenClient;
  /** Settles when the child ends, with its status. */
  readonly exited: Promise<number | null>;
  /** Ends the child by closing its standard input, which works after the guard gave up root too. */
  close(): Promise<void>;
}

/**
 * Starts a warden as a child of a guard that runs as root (`sudo haechi up`). After this the guard may give up root
 * (`process.setgroups`, `setgid`, `setuid`): the child keeps it and ends when the guard's end of the pipe closes, even
 * after `kill -9`. Resolves when the warden answers; throws EnforcerError when it does not come up.
 */
export async function startWarden(options: StartWardenOptions, signal: AbortSignal): Promise<StartedWarden> {
  const [file, ...before] = options.command;
  const args = [...before, "--socket", options.socketPath, "--user", options.user, "--backend", options.backend, "--while-stdin", ...(options.args ?? [])];
  const child = spawn(file, args, { stdio: ["pipe", "ignore", "pipe"] });
  let words = "";
  let pending = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (pending + chunk).split("\n");
    pending = (lines.pop() as string).slice(-4_096);
    for (const line of lines) {
      words = line;
      options.log(line);
    }
  });
  child.stdin.on("error", () => {});
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      words = reasonOf(error);
      resolve(null);
    });
    child.once("close", (status) => resolve(status));
  });
  const client = wardenClient({ socketPath: options.socketPath });
  const close = async (): Promise<void> => {
    await client.close();
    child.stdin.destroy();
    // Only a guard that is still root may signal it; else the end of its standard input must do.
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(timer);
  };
  try {
    const died = exited.then((status) => {
      throw new EnforcerError("warden-unreachable", "enforce.wardenUnreachable", {
        socket: options.socketPath,
        reason: words || `it ended with status ${String(status)}`,
      });
    });
    died.catch(() => {});
    await Promise.race([client.request({ do: "hits" }, signal), died]);
  } catch (error) {
    await close();
    throw error;
  }
  return { client, exited, close };
}
