import { readFileSync } from "node:fs";
import { endianness, networkInterfaces } from "node:os";
import { formatAddress, normalizeAddress } from "#core/ip.ts";

/** What of the network this machine cannot live without. Canonical addresses. */
export interface MachineFacts {
  readonly addresses: readonly string[];
  /** Next hops of the routing tables, the default gateways above all. */
  readonly gateways: readonly string[];
  readonly nameservers: readonly string[];
  /** Container bridges present: their traffic may pass beside the firewall's input chain. */
  readonly containers: boolean;
}

/** Where the facts come from; replaced in tests. `read` gives undefined where a file cannot be read. */
export interface MachineReaders {
  readonly interfaces: () => Readonly<Record<string, readonly { readonly address: string }[] | undefined>>;
  readonly read: (path: string) => string | undefined;
}

const system: MachineReaders = {
  interfaces: networkInterfaces,
  read: (path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },
};

/**
 * Reads the machine's own addresses, its next hops (`/proc/net/route`, `/proc/net/ipv6_route`) and its name servers
 * (`/etc/resolv.conf`, and the real ones behind systemd-resolved's local stub). Never throws: what cannot be read is absent.
 */
export function machineFacts(readers: MachineReaders = system): MachineFacts {
  const interfaces = readers.interfaces();
  const addresses = Object.values(interfaces).flatMap((entries) => (entries ?? []).map(({ address }) => address));
  const resolvers = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"].flatMap((path) => nameservers(readers.read(path) ?? ""));
  return {
    addresses: canonical(addresses),
    gateways: canonical([...gateways4(readers.read("/proc/net/route") ?? ""), ...gateways6(readers.read("/proc/net/ipv6_route") ?? "")]),
    nameservers: canonical(resolvers),
    containers: Object.keys(interfaces).some((name) => /^(?:docker|br-|podman|cni|veth)/.test(name)),
  };
}

function canonical(texts: readonly string[]): readonly string[] {
  const set = new Set<string>();
  for (const text of texts) {
    const address = normalizeAddress(text);
    if (address) set.add(address);
  }
  return [...set].toSorted();
}

function nameservers(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map(([, address]) => address as string);
}

/** Gateway column of `/proc/net/route`: 32 bits in the machine's own byte order. */
function gateways4(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const [, , gateway] = line.trim().split(/\s+/);
    if (!gateway || !/^[0-9A-Fa-f]{8}$/.test(gateway) || /^0+$/.test(gateway)) return [];
    const bytes = Buffer.from(gateway, "hex");
    return [[...(endianness() === "LE" ? bytes.toReversed() : bytes)].join(".")];
  });
}

/** Next-hop column of `/proc/net/ipv6_route`: 128 bits in network order. */
function gateways6(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const hop = line.trim().split(/\s+/)[4];
    return hop && /^[0-9a-fA-F]{32}$/.test(hop) && !/^0+$/.test(hop) ? [formatAddress(6, BigInt(`0x${hop}`))] : [];
  });
}
