import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** A listening TCP port, or a bound UDP one, that others can reach. */
export interface OpenPort {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** Name of the process, where this user may know it. */
  readonly process: string | undefined;
}

/** Reads a file of `/proc`; the empty string where it cannot be read. */
export type ReadProc = (path: string) => string;

const readProc: ReadProc = (path) => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};

const listening = "0A";
const unconnected = "07";

/** Ports reachable from outside (not loopback), from `/proc/net/{tcp,tcp6,udp,udp6}` (proc_net(5)), each once, in order. */
export function openPorts(read: ReadProc = readProc, owners: ReadonlyMap<string, string> = socketOwners()): readonly OpenPort[] {
  const found = new Map<string, OpenPort>();
  for (const [table, protocol, state] of [
    ["tcp", "tcp", listening],
    ["tcp6", "tcp", listening],
    ["udp", "udp", unconnected],
    ["udp6", "udp", unconnected],
  ] as const) {
    for (const line of read(`/proc/net/${table}`).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [address, port] = (fields[1] ?? "").split(":");
      if (fields[3] !== state || address === undefined || port === undefined || isLoopback(address)) continue;
      const number = Number.parseInt(port, 16);
      const key = `${protocol}/${number}`;
      if (number > 0 && !found.has(key)) found.set(key, { protocol, port: number, process: owners.get(fields[9] ?? "") });
    }
  }
  return [...found.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

/** Addresses are words in the machine's byte order: 127.0.0.0/8 ends in 7F on the little-endian machines that Node runs on. */
function isLoopback(hex: string): boolean {
  return hex.length === 8
    ? hex.endsWith("7F")
    : hex === "00000000000000000000000001000000" || (hex.startsWith("0000000000000000FFFF0000") && hex.endsWith("7F"));
}

/** Process names by socket inode, of the processes whose descriptors this user may see. */
function socketOwners(): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  let processes: string[] = [];
  try {
    processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return owners;
  }
  for (const id of processes) {
    try {
      for (const descriptor of readdirSync(`/proc/${id}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${id}/fd/${descriptor}`))?.[1];
        if (inode !== undefined && !owners.has(inode)) owners.set(inode, readFileSync(`/proc/${id}/comm`, "utf8").trim());
      }
    } catch {
      // Another user's process, or one that just ended.
    }
  }
  return owners;
}
