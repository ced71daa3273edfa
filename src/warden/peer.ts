import { readlink, stat } from "node:fs/promises";
import type { Socket } from "node:net";
import { runCommand } from "./run-command.ts";

/*
 * Node cannot ask the kernel for the peer of a Unix socket (SO_PEERCRED). What keeps others out is the file system: the
 * socket has mode 0600 and belongs to the one user, in a folder only root can write. This is a second look, not the lock:
 * `ss -xp` names the processes that hold the other end. A process may be gone already, have handed the descriptor on, or
 * live in another network namespace, and then nothing is known.
 */

/** User ids of the processes at the other end of a Unix connection; none where that cannot be found out. */
export async function peerUids(socket: Socket): Promise<ReadonlySet<number>> {
  const uids = new Set<number>();
  try {
    const descriptor = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
    if (descriptor === undefined || descriptor < 0) return uids;
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/self/fd/${descriptor}`))?.[1];
    if (inode === undefined) return uids;
    const listing = await runCommand("ss", ["-H", "-x", "-p", "-n"], { package: "iproute2", timeout: 2_000 });
    for (const pid of peerPids(listing.stdout, inode)) uids.add((await stat(`/proc/${pid}`)).uid);
  } catch {
    // Unknown: the file system already decided who may connect.
  }
  return uids;
}

/** Process ids that hold the socket whose peer is `inode`, from `ss -H -x -p -n`. */
export function peerPids(listing: string, inode: string): number[] {
  for (const line of listing.split("\n")) {
    // Netid State Recv-Q Send-Q Local-address Local-inode Peer-address Peer-inode Processes
    const columns = /^\S+\s+\S+\s+\d+\s+\d+\s+(?:.*\s)?(\d+)\s+\*\s+(\d+)\s+(users:.*)$/.exec(line.trim());
    if (columns && columns[2] === inode) return [...(columns[3] as string).matchAll(/pid=(\d+)/g)].map((match) => Number(match[1]));
  }
  return [];
}
