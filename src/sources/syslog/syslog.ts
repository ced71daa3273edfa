import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Batch, Source, SourceNote } from "#contracts/source.ts";
import { createRecordQueue } from "../record-queue.ts";
import { reasonOf, SourceError } from "../source-error.ts";
import { createFrameSplitter, longestMessage, oneLine } from "./framing.ts";

export interface SyslogListen {
  /** Default `127.0.0.1`: syslog has no authentication, so who can reach the port can write lines. */
  readonly host?: string | undefined;
  readonly port: number;
}

export interface SyslogSourceOptions {
  readonly udp?: SyslogListen | undefined;
  readonly tcp?: SyslogListen | undefined;
  readonly id?: string;
  /** TCP connections at once; default 256, more are closed at once. */
  readonly connections?: number;
  /** Milliseconds of silence after which a TCP connection is closed; default 10 minutes. */
  readonly idle?: number;
  /** Told the ports once all listen (for port 0). */
  readonly onListening?: (ports: { readonly udp: number | undefined; readonly tcp: number | undefined }) => void;
}

const batchSize = 5_000;
const receiveBuffer = 4_194_304;

/**
 * Listens for syslog (RFC 3164 and RFC 5424 messages; UDP as RFC 5426, TCP as RFC 6587) and gives each message as one record. Its cursor is
 * `""`: nothing can be asked for again. While the consumer is busy TCP senders wait; UDP waits in the kernel's buffer, and what
 * does not fit in ours is dropped and counted in a note. Throws a `SourceError` where it cannot listen.
 */
export function syslogSource(options: SyslogSourceOptions): Source {
  const name = (kind: string, listen: SyslogListen | undefined): string[] =>
    listen === undefined ? [] : [`${kind}:${listen.host ?? "127.0.0.1"}:${listen.port}`];
  const id = options.id ?? `syslog:${[...name("udp", options.udp), ...name("tcp", options.tcp)].join(",")}`;
  return { id, read: (_cursor, signal) => listen(id, options, signal) };
}

async function* listen(id: string, options: SyslogSourceOptions, signal: AbortSignal): AsyncGenerator<Batch> {
  if (signal.aborted) return;
  const notes: SourceNote[] = [];
  const sockets = new Set<Socket>();
  let dropped = 0;
  let cut = 0;
  let refused = 0;
  const queue = createRecordQueue({
    onDrain() {
      for (const socket of sockets) socket.resume();
    },
  });
  const take = (text: string): void => queue.push({ source: id, text, line: 0, offset: -1, writtenBy: Date.now() });

  function onDatagram(message: Buffer): void {
    if (queue.full) {
      dropped++;
      return;
    }
    if (message.length > longestMessage) cut++;
    const text = oneLine(message.subarray(0, longestMessage).toString("utf8"));
    if (text !== "") take(text);
  }

  function onConnection(socket: Socket): void {
    if (sockets.size >= (options.connections ?? 256)) {
      refused++;
      socket.destroy();
      return;
    }
    const frames = createFrameSplitter();
    sockets.add(socket);
    socket.setTimeout(options.idle ?? 600_000, () => socket.destroy());
    socket.on("data", (bytes) => {
      const before = frames.cut;
      try {
        frames.push(bytes, take);
      } catch {
        notes.push({ kind: "gap", detail: `${id}: bad framing from ${socket.remoteAddress ?? "?"}, connection closed` });
        queue.wake();
        socket.destroy();
      }
      cut += frames.cut - before;
      if (queue.full) socket.pause();
    });
    socket.on("end", () => frames.end(take));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  }

  let udp: UdpSocket | undefined;
  let tcp: Server | undefined;
  try {
    udp = options.udp === undefined ? undefined : await bindUdp(options.udp, onDatagram, (error) => queue.end(error));
    tcp = options.tcp === undefined ? undefined : await bindTcp(options.tcp, onConnection, (error) => queue.end(error));
    const bound = tcp?.address();
    options.onListening?.({ udp: udp?.address().port, tcp: typeof bound === "object" ? bound?.port : undefined });
    for (;;) {
      const records = await queue.take(batchSize, signal);
      if (records === undefined) return;
      if (dropped > 0) notes.push({ kind: "gap", detail: `${id}: ${dropped} UDP messages dropped, they came faster than they are read` });
      if (refused > 0) notes.push({ kind: "gap", detail: `${id}: ${refused} connections over the limit refused` });
      if (cut > 0) notes.push({ kind: "line-cut", detail: `${id}: ${cut} messages over ${longestMessage} bytes` });
      dropped = 0;
      refused = 0;
      cut = 0;
      const noted = notes.splice(0);
      yield { records, cursor: "", ack: () => Promise.resolve(), ...(noted.length > 0 ? { notes: noted } : {}) };
    }
  } finally {
    udp?.close();
    tcp?.close();
    for (const socket of sockets) socket.destroy();
  }
}

function bindUdp(address: SyslogListen, onMessage: (message: Buffer) => void, onError: (error: Error) => void): Promise<UdpSocket> {
  const host = address.host ?? "127.0.0.1";
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(host) ? "udp6" : "udp4", recvBufferSize: receiveBuffer });
    const onRefused = (error: Error): void => {
      socket.close();
      reject(refusal("UDP", host, address.port, error));
    };
    socket.once("error", onRefused);
    socket.on("message", onMessage);
    socket.bind(address.port, host, () => {
      socket.off("error", onRefused);
      socket.on("error", (error) => onError(refusal("UDP", host, address.port, error)));
      resolve(socket);
    });
  });
}

function bindTcp(address: SyslogListen, onConnection: (socket: Socket) => void, onError: (error: Error) => void): Promise<Server> {
  const host = address.host ?? "127.0.0.1";
  return new Promise((resolve, reject) => {
    const server = createServer({ keepAlive: true }, onConnection);
    const onRefused = (error: Error): void => reject(refusal("TCP", host, address.port, error));
    server.once("error", onRefused);
    server.listen(address.port, host, () => {
      server.off("error", onRefused);
      server.on("error", (error) => onError(refusal("TCP", host, address.port, error)));
      resolve(server);
    });
  });
}

function refusal(transport: string, host: string, port: number, cause: Error): SourceError {
  return new SourceError("source-listen-failed", "sources.listenFailed", { transport, host, port, reason: reasonOf(cause) }, { cause });
}
