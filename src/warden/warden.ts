import { chmod, chown, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import type { HaechiError } from "#core/error.ts";
import { wardenLimits, type WidestNetwork } from "#core/warden-message.ts";
import { keepExpiry, type Expiry } from "./keep-expiry.ts";
import { nftablesBackend } from "./nftables-backend.ts";
import { peerUids } from "./peer.ts";
import { requestWork } from "./request-work.ts";
import { serveConnection } from "./serve-connection.ts";
import { claimPath, listenPrivately } from "./socket-path.ts";
import { ufwBackend } from "./ufw-backend.ts";
import { WardenError } from "./warden-error.ts";

export interface WardenOptions {
  /** Path of the Unix socket. Its folder is made if missing, and must be writable by root alone. */
  readonly socketPath: string;
  /** The one user besides root who may talk to the warden. */
  readonly allowUid: number;
  /** Group of that user: it may pass through the folder. */
  readonly allowGid: number;
  readonly backend: "nftables" | "ufw";
  /** Widest networks that may be blocked; /24 and /48. */
  readonly widest?: WidestNetwork;
  /** Told what an operator should see: errors without a requester, refused connections. */
  readonly notice: (error: HaechiError) => void;
}

export interface Warden {
  /** Stops listening and removes the socket. What is blocked stays blocked. */
  close(): Promise<void>;
}

/**
 * Runs the root helper: listens on a Unix socket and does the six requests of `core/warden-message.ts`, one after the
 * other, for one user. It trusts nobody's addresses: each is parsed, must be canonical, not too wide, not reserved and
 * not this machine's own. Throws WardenError where it is not root, the folder is unsafe or another warden listens.
 */
export async function runWarden(options: WardenOptions): Promise<Warden> {
  const { socketPath, allowUid, allowGid, notice } = options;
  if (process.geteuid?.() !== 0) throw new WardenError("warden-not-root", "enforce.wardenNotRoot");
  const backend = options.backend === "ufw" ? ufwBackend() : nftablesBackend();
  const work = requestWork(backend, options.widest ?? { prefix4: 24, prefix6: 48 });
  const sockets = new Set<Socket>();
  let expiry: Expiry | undefined;

  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    if (sockets.size >= wardenLimits.connections) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.pause();
    void (async () => {
      const stranger = [...(await peerUids(socket))].find((uid) => uid !== 0 && uid !== allowUid);
      if (stranger !== undefined) {
        notice(new WardenError("warden-peer", "enforce.wardenRefusedPeer", { uid: stranger, allowed: allowUid }));
        socket.destroy();
        return;
      }
      serveConnection(socket, async (request) => {
        const result = await work.answer(request);
        if (request.do === "block") expiry?.wake();
        return result;
      });
    })();
  });
  await claimPath(socketPath, allowGid);
  await listenPrivately(server, socketPath);
  // The folder belongs to root, so nobody can have put a link in the socket's place.
  await chmod(socketPath, 0o600);
  await chown(socketPath, allowUid, allowGid);
  expiry = keepExpiry(backend, work, notice);

  return {
    async close() {
      expiry?.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(socketPath, { force: true });
      await work.idle();
    },
  };
}
