import { formatCidr, covers, normalizeAddress, parseCidr, type Cidr } from "#core/ip.ts";
import { mustRun } from "./run-command.ts";

/** Addresses whose connections are ended in one go, and in one `ss` filter. */
const most = 1_024;
const group = 32;

/**
 * Ends the live TCP connections and connected UDP sockets of this network namespace whose peer is in `cidr` (`ss -K`,
 * needs a kernel with CONFIG_INET_DIAG_DESTROY; without it nothing is ended). Both ends see a reset. Gives how many.
 */
export function killConnections(cidr: Cidr): Promise<number> {
  return kill([`dst ${bracketed(cidr)}`]);
}

/**
 * As `killConnections` for many networks: reads the live peers once and ends only connections that are there, since ten
 * thousand bans rarely meet more than a handful of them.
 */
export async function killPeersOf(cidrs: readonly Cidr[]): Promise<number> {
  if (cidrs.length === 0) return 0;
  if (cidrs.length <= group) return kill(cidrs.map((cidr) => `dst ${bracketed(cidr)}`));
  const listing = await mustRun("ss", ["-H", "-n", "-t", "-u", "state", "connected"], { package: "iproute2", timeout: 10_000 });
  const found = new Set<string>();
  const singles = new Set(cidrs.map(formatCidr));
  const networks = cidrs.filter((cidr) => cidr.prefix !== (cidr.version === 4 ? 32 : 128));
  for (const peer of peersOf(listing)) {
    const address = parseCidr(peer);
    if (address && (singles.has(peer) || networks.some((network) => covers(network, address)))) found.add(peer);
    if (found.size >= most) break;
  }
  const filters = [...found].map((peer) => `dst ${bracketed(parseCidr(peer) as Cidr)}`);
  let killed = 0;
  for (let i = 0; i < filters.length; i += group) killed += await kill(filters.slice(i, i + group));
  return killed;
}

/** Canonical peer addresses of an `ss -H -n` listing with a state filter (no state column without one state). */
export function peersOf(listing: string): Set<string> {
  const peers = new Set<string>();
  for (const line of listing.split("\n")) {
    const column = line.trim().split(/\s+/).at(-1);
    const colon = column?.lastIndexOf(":") ?? -1;
    if (!column || colon <= 0) continue;
    const peer = normalizeAddress(column.slice(0, colon));
    if (peer) peers.add(peer);
  }
  return peers;
}

async function kill(filters: readonly string[]): Promise<number> {
  if (filters.length === 0) return 0;
  const filter = filters.flatMap((one, index) => (index === 0 ? one.split(" ") : ["or", ...one.split(" ")]));
  const listing = await mustRun("ss", ["-H", "-n", "-t", "-u", "-K", "state", "connected", "(", ...filter, ")"], { package: "iproute2", timeout: 10_000 });
  return listing.split("\n").filter((line) => line.trim() !== "").length;
}

const bracketed = (cidr: Cidr): string => {
  const text = formatCidr(cidr);
  // ss wants the prefix length inside the brackets.
  return cidr.version === 4 ? text : `[${text}]`;
};
