import { cidrSet, parseCidr, type Cidr, type CidrSet } from "#core/ip.ts";
import type { TextKey } from "#core/text/en.ts";

// IANA special-purpose registries (RFC 6890 and its updates), with the text that says what each network is for.
const reservedNetworks: readonly (readonly [string, TextKey])[] = [
  ["0.0.0.0/8", "guard.range.unspecified"],
  ["10.0.0.0/8", "guard.range.private"],
  ["100.64.0.0/10", "guard.range.cgnat"],
  ["127.0.0.0/8", "guard.range.loopback"],
  ["169.254.0.0/16", "guard.range.link_local"],
  ["172.16.0.0/12", "guard.range.private"],
  ["192.0.0.0/24", "guard.range.protocol"],
  ["192.0.2.0/24", "guard.range.documentation"],
  ["192.31.196.0/24", "guard.range.protocol"],
  ["192.52.193.0/24", "guard.range.protocol"],
  ["192.88.99.0/24", "guard.range.protocol"],
  ["192.168.0.0/16", "guard.range.private"],
  ["192.175.48.0/24", "guard.range.protocol"],
  ["198.18.0.0/15", "guard.range.benchmark"],
  ["198.51.100.0/24", "guard.range.documentation"],
  ["203.0.113.0/24", "guard.range.documentation"],
  ["224.0.0.0/4", "guard.range.multicast"],
  ["240.0.0.0/4", "guard.range.reserved"],
  ["255.255.255.255", "guard.range.broadcast"],
  // Everything outside 2000::/3 is not global unicast (RFC 4291); the narrower entries only name it better.
  ["::/3", "guard.range.reserved"],
  ["4000::/2", "guard.range.reserved"],
  ["8000::/1", "guard.range.reserved"],
  ["::", "guard.range.unspecified"],
  ["::1", "guard.range.loopback"],
  ["64:ff9b:1::/48", "guard.range.private"],
  ["100::/64", "guard.range.reserved"],
  ["2001::/23", "guard.range.protocol"],
  ["2001:2::/48", "guard.range.benchmark"],
  ["2001:db8::/32", "guard.range.documentation"],
  ["3fff::/20", "guard.range.documentation"],
  ["2620:4f:8000::/48", "guard.range.protocol"],
  ["5f00::/16", "guard.range.reserved"],
  ["fc00::/7", "guard.range.private"],
  ["fd7a:115c:a1e0::/48", "guard.range.tailscale"],
  ["fe80::/10", "guard.range.link_local"],
  ["fec0::/10", "guard.range.private"],
  ["ff00::/8", "guard.range.multicast"],
];

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (!parsed) throw new TypeError(`not a network: ${text}`);
  return parsed;
};

const sixToFour = cidr("2002::/16");
const teredo = cidr("2001::/32");
const nat64 = cidr("64:ff9b::/96");

const within = (outer: Cidr, inner: Cidr): boolean => outer.version === inner.version && outer.first <= inner.first && inner.last <= outer.last;

/** Networks that no ban may touch, with what each is for. */
export function reservedSet(): CidrSet<TextKey> {
  return cidrSet(reservedNetworks.map(([network, key]) => [cidr(network), key] as const));
}

/**
 * What a reserved network that `target` touches is for; undefined where it touches none. NAT64 (RFC 6052) and Teredo
 * (RFC 4380) networks stand inside reserved space but carry other hosts' IPv4 addresses: those are judged by what they carry.
 */
export function reservedFor(set: CidrSet<TextKey>, target: Cidr): TextKey | undefined {
  if (within(nat64, target) || within(teredo, target)) return undefined;
  return set.touching(target);
}

/**
 * The networks that `target` stands for: itself, and the IPv4 networks embedded in 6to4 (RFC 3056), Teredo (RFC 4380:
 * server and, inverted, client) and NAT64 (RFC 6052) addresses. A ban of one may reach the other, so all are judged.
 */
export function facesOf(target: Cidr): readonly Cidr[] {
  if (target.version === 4) return [target];
  const faces = [target];
  if (within(sixToFour, target)) faces.push(embedded(target, 16));
  else if (within(teredo, target)) faces.push(embedded(target, 32), embedded(target, 96, 0xffffffffn));
  else if (within(nat64, target)) faces.push(embedded(target, 96));
  return faces;
}

/** The IPv4 network in the 32 bits after bit `offset` of `target`: exact bits where the prefix reaches them, else all of them. */
function embedded(target: Cidr, offset: number, invert = 0n): Cidr {
  const prefix = Math.max(0, Math.min(32, target.prefix - offset));
  const value = ((target.first >> BigInt(96 - offset)) & 0xffffffffn) ^ invert;
  const host = (1n << BigInt(32 - prefix)) - 1n;
  const first = (value | host) ^ host;
  return { version: 4, first, last: first | host, prefix };
}
