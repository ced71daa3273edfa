import { chmod, chown, lstat, mkdir, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { WardenError } from "./warden-error.ts";

/** Makes the folder where it is missing, checks it, and removes the socket of a warden that died. */
export async function claimPath(socketPath: string, gid: number): Promise<void> {
  const directory = dirname(socketPath);
  const made = await mkdir(directory, { recursive: true, mode: 0o710 });
  if (made !== undefined) {
    await chmod(directory, 0o710);
    await chown(directory, 0, gid);
  }
  await demandSafeFolder(directory);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(socketPath);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
  if (alive) throw new WardenError("warden-running", "enforce.wardenRunning", { socket: socketPath });
  await rm(socketPath, { force: true });
}

/** Root alone may write the folder, and nobody else may swap it or a folder above it (sticky ones like /tmp are safe). */
async function demandSafeFolder(directory: string): Promise<void> {
  for (let path = directory; ; path = dirname(path)) {
    const info = await lstat(path);
    const open = (info.mode & 0o022) !== 0 && (path === directory || (info.mode & 0o1000) === 0);
    if (!info.isDirectory() || info.uid !== 0 || open) throw new WardenError("warden-directory", "enforce.wardenDirectory", { directory: path });
    if (path === dirname(path)) return;
  }
}

/** Listens on `socketPath`; resolves when connections are taken. */
export function listenPrivately(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Born 0600 and root's, so that nobody connects before it has its owner.
    const umask = process.umask(0o177);
    server.once("error", reject);
    server.listen(socketPath, () => {
      server.off("error", reject);
      resolve();
    });
    process.umask(umask);
  });
}
