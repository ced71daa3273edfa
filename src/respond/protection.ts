import { cidrSet, parseCidr, type Cidr, type CidrSet } from "#core/ip.ts";
import type { TextKey } from "#core/text/en.ts";
import type { ListEntry } from "#contracts/state-store.ts";
import type { NetworkList } from "./lists.ts";
import type { MachineFacts } from "./machine.ts";
import { facesOf, reservedFor, reservedSet } from "./reserved.ts";

/** What a target touches that is protected: the network as it was listed, and whose it is. */
interface Touch {
  readonly network: string;
  readonly name: string;
}

/** Everything that stands between an address and a ban, asked by network. */
export interface Protection {
  /** Text key of the reserved range it touches. */
  readonly reserved: (target: Cidr) => TextKey | undefined;
  readonly own: (target: Cidr) => (Touch & { readonly kind: "address" | "gateway" | "nameserver" }) | undefined;
  readonly allowed: (target: Cidr) => Touch | undefined;
  readonly infrastructure: (target: Cidr) => Touch | undefined;
  readonly proxy: (target: Cidr) => Touch | undefined;
  /** CDN edges, crawlers and certificate authorities of the shipped lists. */
  readonly provider: (target: Cidr) => Touch | undefined;
  readonly operator: (target: Cidr) => Touch | undefined;
}

export interface ProtectedNetworks {
  readonly machine: MachineFacts;
  readonly lists: readonly NetworkList[];
  readonly allow: readonly ListEntry[];
  readonly infrastructure: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Addresses of operators who are signed in or asking. */
  readonly operators: readonly string[];
}

/** An embedded IPv4 network wider than this says nothing about a single host (a whole 6to4 prefix in a list). */
const widestFace = 16;

/** Builds the sets; texts that are no network are left out (lists and configuration are validated where they are read). */
export function protection(networks: ProtectedNetworks): Protection {
  const { machine } = networks;
  const reserved = reservedSet();
  const own = setOf([
    ...machine.addresses.map((network) => ({ network, name: "", kind: "address" as const })),
    ...machine.gateways.map((network) => ({ network, name: "", kind: "gateway" as const })),
    ...machine.nameservers.map((network) => ({ network, name: "", kind: "nameserver" as const })),
  ]);
  const plain = (texts: readonly string[]): CidrSet<Touch> => setOf(texts.map((network) => ({ network, name: "" })));
  const allowed = setOf(networks.allow.map(({ target, note }) => ({ network: target, name: note })));
  const infrastructure = plain(networks.infrastructure);
  const proxy = plain(networks.trustedProxies);
  const provider = setOf(networks.lists.flatMap((list) => list.networks.map((network) => ({ network, name: list.name }))));
  const operator = plain(networks.operators);
  return {
    reserved: (target) => first(target, (face) => reservedFor(reserved, face)),
    own: (target) => first(target, (face) => own.touching(face)),
    allowed: (target) => first(target, (face) => allowed.touching(face)),
    infrastructure: (target) => first(target, (face) => infrastructure.touching(face)),
    proxy: (target) => first(target, (face) => proxy.touching(face)),
    provider: (target) => first(target, (face) => provider.touching(face)),
    operator: (target) => first(target, (face) => operator.touching(face)),
  };
}

function first<T>(target: Cidr, ask: (face: Cidr) => T | undefined): T | undefined {
  for (const face of facesOf(target)) {
    const found = ask(face);
    if (found !== undefined) return found;
  }
  return undefined;
}

function setOf<T extends Touch>(touches: readonly T[]): CidrSet<T> {
  const entries: [Cidr, T][] = [];
  for (const touch of touches) {
    const cidr = parseCidr(touch.network);
    if (!cidr) continue;
    for (const face of facesOf(cidr)) if (face === cidr || face.prefix >= widestFace) entries.push([face, touch]);
  }
  return cidrSet(entries);
}
