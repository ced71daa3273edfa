import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { HaechiError } from "#core/error.ts";
import { readJsonLines } from "./json-lines-stream.ts";

/** What the running guard can be asked: a method takes and gives plain JSON. */
export type ControlMethods = Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => Promise<unknown>>>;

/** The running guard's ear for other commands of the same user. */
export interface ControlServer {
  close(): Promise<void>;
}

const requestLimit = 1 << 20;

/**
 * Listens on a Unix socket that only this user (and root) may open. A socket file left by a guard that died is replaced;
 * one that still answers is an error: two guards on one state would disturb each other.
 */
export async function serveControl(path: string, methods: ControlMethods): Promise<ControlServer> {
  if (await answers(path)) throw new HaechiError("control.taken", "cli.already-running", { path });
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    readJsonLines(socket, requestLimit, (request) => void answer(socket, request, methods));
  });
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // The umask closes the moment between bind and chmod.
    const before = process.umask(0o177);
    server.listen(path, () => {
      process.umask(before);
      chmodSync(path, 0o600);
      resolve();
    });
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function answer(socket: Socket, request: unknown, methods: ControlMethods): Promise<void> {
  const { id, method, params } = (request ?? {}) as { id?: unknown; method?: unknown; params?: unknown };
  const reply = (body: object): void => void (socket.writable && socket.write(`${JSON.stringify({ id, ...body })}\n`));
  const known = typeof method === "string" && Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!known) return reply({ error: { code: "control.method", message: "unknown method" } });
  try {
    reply({ result: (await known((typeof params === "object" && params !== null ? params : {}) as Record<string, unknown>)) ?? null });
  } catch (error) {
    if (error instanceof HaechiError) reply({ error: { code: error.code, key: error.key, params: error.params } });
    else reply({ error: { code: "control.failed", message: error instanceof Error ? error.message : String(error) } });
  }
}

/** True where a guard listens on `path`. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
