import { readdirSync } from "node:fs";
import { mustRun, run, start, type Running } from "./run-program.ts";

/** A network namespace of its own: no traffic leaves it except over the wire to its partner. */
export interface Namespace {
  readonly name: string;
  /** Main addresses of this end, IPv4 and IPv6. */
  readonly address4: string;
  readonly address6: string;
  /** Runs a program inside; throws unless its status is 0. */
  run(file: string, args: readonly string[], options?: { readonly input?: string; readonly timeout?: number }): Promise<string>;
  /** Starts a program inside. */
  start(file: string, args: readonly string[]): Running;
}

/** Two namespaces on one wire: a server 45.9.20.1, 2a03:4000:6:d06::1 and a client 45.9.20.31, 2a03:4000:6:d06::31. */
export interface NamespacePair {
  readonly server: Namespace;
  readonly client: Namespace;
  /** Gives the client further addresses of the same networks (/24, /64): other attackers. */
  addClientAddresses(addresses: readonly string[]): Promise<void>;
  /** Kills what still runs inside and removes both namespaces. */
  close(): Promise<void>;
}

let made = 0;

/** Makes a pair; public-looking addresses, which are reachable only inside the pair. */
export async function makeNamespacePair(): Promise<NamespacePair> {
  await removeLeftovers();
  const id = `haechi-t${process.pid}-${made++}`;
  const server = namespace(`${id}-s`, "45.9.20.1", "2a03:4000:6:d06::1");
  const client = namespace(`${id}-c`, "45.9.20.31", "2a03:4000:6:d06::31");
  const close = async (): Promise<void> => {
    for (const one of [server, client]) await removeNamespace(one.name);
  };
  try {
    for (const one of [server, client]) await mustRun("ip", ["netns", "add", one.name]);
    await mustRun("ip", ["-n", server.name, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", client.name]);
    for (const one of [server, client]) {
      for (const link of ["lo", "eth0"]) await mustRun("ip", ["-n", one.name, "link", "set", link, "up"]);
      await addAddress(one, one.address4);
      await addAddress(one, one.address6);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    server,
    client,
    close,
    async addClientAddresses(addresses) {
      for (const address of addresses) await addAddress(client, address);
    },
  };
}

function namespace(name: string, address4: string, address6: string): Namespace {
  return {
    name,
    address4,
    address6,
    run: (file, args, options) => mustRun("ip", ["netns", "exec", name, file, ...args], options),
    start: (file, args) => start("ip", ["netns", "exec", name, file, ...args]),
  };
}

/** `nodad`: an IPv6 address works at once, without the second of duplicate address detection. */
async function addAddress(one: Namespace, address: string): Promise<void> {
  const six = address.includes(":");
  await mustRun("ip", ["-n", one.name, "addr", "add", `${address}/${six ? 64 : 24}`, "dev", "eth0", ...(six ? ["nodad"] : [])]);
}

async function removeNamespace(name: string): Promise<void> {
  const pids = (await run("ip", ["netns", "pids", name])).stdout.split("\n").filter((pid) => /^\d+$/.test(pid));
  for (const pid of pids) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // Already gone.
    }
  }
  await run("ip", ["netns", "del", name]);
}

/** Namespaces of test runs that were killed. */
async function removeLeftovers(): Promise<void> {
  const { stdout } = await run("ip", ["netns", "list"]);
  const alive = new Set(readdirSync("/proc"));
  for (const line of stdout.split("\n")) {
    const [, name, pid] = /^(haechi-t(\d+)-\d+-[sc])\b/.exec(line) ?? [];
    if (name !== undefined && pid !== undefined && !alive.has(pid)) await removeNamespace(name);
  }
}
