/** An IP address or network in numbers. IPv4 values are below 2^32. */
export interface Cidr {
  readonly version: 4 | 6;
  /** First address, host bits zero. */
  readonly first: bigint;
  /** Last address. */
  readonly last: bigint;
  /** Prefix length in bits. */
  readonly prefix: number;
}

const mappedPrefix = 0xffffn << 32n;

/**
 * IPv4 in dotted decimal as a number, or -1. Strict as inet_pton: four decimal parts, none over 255, no leading zeros
 * (they would be octal to some readers).
 */
export function parseIpv4(text: string): number {
  const length = text.length;
  if (length < 7 || length > 15) return -1;
  let value = 0;
  let part = -1;
  let parts = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) {
      if (part === 0) return -1;
      part = part < 0 ? digit : part * 10 + digit;
      if (part > 255) return -1;
    } else if (digit === -2 && part >= 0 && parts < 3) {
      value = value * 256 + part;
      part = -1;
      parts++;
    } else return -1;
  }
  return parts === 3 && part >= 0 ? value * 256 + part : -1;
}

/** IPv6 in any RFC 4291 text form without zone as a number, or undefined. */
function parseIpv6(text: string): bigint | undefined {
  if (text.length < 2 || text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  let tail = text;
  const groups: number[] = [];
  const dot = text.indexOf(".");
  let embedded = -1;
  if (dot >= 0) {
    const colon = text.lastIndexOf(":");
    if (colon < 0 || colon > dot) return undefined;
    embedded = parseIpv4(text.slice(colon + 1));
    if (embedded < 0) return undefined;
    tail = `${text.slice(0, colon + 1)}${(embedded >>> 16).toString(16)}:${(embedded & 0xffff).toString(16)}`;
  }
  const gap = tail.indexOf("::");
  if (gap >= 0 && tail.indexOf("::", gap + 1) >= 0) return undefined;
  const head = gap >= 0 ? tail.slice(0, gap) : tail;
  const rest = gap >= 0 ? tail.slice(gap + 2) : "";
  const read = (side: string): boolean => {
    if (side === "") return true;
    for (const group of side.split(":")) {
      if (group.length < 1 || group.length > 4 || group.includes(".")) return false;
      groups.push(Number.parseInt(group, 16));
    }
    return true;
  };
  if (!read(head)) return undefined;
  const before = groups.length;
  if (!read(rest)) return undefined;
  if (gap >= 0 ? groups.length > 7 : groups.length !== 8) return undefined;
  const fill = 8 - groups.length;
  let value = 0n;
  for (let i = 0; i < 8; i++) {
    const group = gap < 0 || i < before ? groups[i] : i < before + fill ? 0 : groups[i - fill];
    value = (value << 16n) | BigInt(group as number);
  }
  return value;
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** RFC 5952: lower case, longest run of two or more zero groups shortened, the first of equals. */
function formatIpv6(value: bigint): string {
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(((value >> shift) & 0xffffn).toString(16));
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === "0") length++;
    if (length > bestLength) {
      bestStart = i;
      bestLength = length;
    }
    if (length > 0) i += length;
  }
  if (bestStart < 0) return groups.join(":");
  return `${groups.slice(0, bestStart).join(":")}::${groups.slice(bestStart + bestLength).join(":")}`;
}

/** An address value in canonical text. */
export function formatAddress(version: 4 | 6, value: bigint): string {
  return version === 4 ? formatIpv4(Number(value)) : formatIpv6(value);
}

/**
 * Address or network (`192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, `[::1]`, with or without zone) in numbers; host bits
 * are cut off; IPv4-mapped IPv6 becomes IPv4. Undefined where the text is neither.
 */
export function parseCidr(input: string): Cidr | undefined {
  let text = input;
  let prefix: number | undefined;
  const slash = text.indexOf("/");
  if (slash >= 0) {
    const bits = text.slice(slash + 1);
    if (!/^(?:0|[1-9]\d{0,2})$/.test(bits)) return undefined;
    prefix = Number(bits);
    text = text.slice(0, slash);
  }
  if (text.startsWith("[") && text.endsWith("]")) text = text.slice(1, -1);
  const four = parseIpv4(text);
  if (four >= 0) return makeCidr(4, BigInt(four), prefix ?? 32);
  const zone = text.indexOf("%");
  if (zone >= 0) {
    if (prefix !== undefined || !/^%[\w.~-]{1,32}$/.test(text.slice(zone))) return undefined;
    text = text.slice(0, zone);
  }
  const six = parseIpv6(text);
  if (six === undefined) return undefined;
  if (six >> 32n === mappedPrefix >> 32n && (prefix === undefined || prefix >= 96))
    return makeCidr(4, six & 0xffffffffn, prefix === undefined ? 32 : prefix - 96);
  return makeCidr(6, six, prefix ?? 128);
}

function makeCidr(version: 4 | 6, value: bigint, prefix: number): Cidr | undefined {
  const width = version === 4 ? 32 : 128;
  if (prefix > width) return undefined;
  const host = (1n << BigInt(width - prefix)) - 1n;
  const first = (value | host) ^ host;
  return { version, first, last: first | host, prefix };
}

/** Canonical text: a single address without prefix length, else `first/prefix`. */
export function formatCidr(cidr: Cidr): string {
  const address = formatAddress(cidr.version, cidr.first);
  return isSingle(cidr) ? address : `${address}/${cidr.prefix}`;
}

/** True for a network of one address. */
export function isSingle(cidr: Cidr): boolean {
  return cidr.prefix === (cidr.version === 4 ? 32 : 128);
}

/**
 * Canonical text of one address: dotted decimal; RFC 5952 without brackets and zone; IPv4-mapped IPv6 as IPv4. Undefined
 * where the text is no address. Fast for IPv4, which is returned as it stands.
 */
export function normalizeAddress(text: string): string | undefined {
  if (parseIpv4(text) >= 0) return text;
  if (text.length < 2 || text.includes("/") || !text.includes(":")) return undefined;
  const cidr = parseCidr(text);
  return cidr && formatCidr(cidr);
}

/** Canonical text of an address or network; undefined where the text is neither. */
export function normalizeTarget(text: string): string | undefined {
  const cidr = parseCidr(text.trim());
  return cidr && formatCidr(cidr);
}

/** Canonical network of `address` with `bits4` or `bits6` prefix bits; undefined for no address. */
export function networkOf(address: string, bits4: number, bits6: number): string | undefined {
  const cidr = parseCidr(address);
  if (!cidr) return undefined;
  const bits = Math.min(cidr.prefix, cidr.version === 4 ? bits4 : bits6);
  const wide = makeCidr(cidr.version, cidr.first, bits);
  return wide && formatCidr(wide);
}

/** True where every address of `inner` is in `outer`. */
export function covers(outer: Cidr, inner: Cidr): boolean {
  return outer.version === inner.version && outer.first <= inner.first && inner.last <= outer.last;
}

/** True where the two share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.version === b.version && a.first <= b.last && b.first <= a.last;
}

/** Networks with labels, asked by address or network. Made once, asked often: sorted, binary search. */
export interface CidrSet<T> {
  /** Label of a network that covers all of `cidr` (the narrowest one), or undefined. */
  covering(cidr: Cidr): T | undefined;
  /** Label of a network that shares an address with `cidr`, or undefined. */
  touching(cidr: Cidr): T | undefined;
  readonly size: number;
}

/** A set from networks and their labels; overlapping and nested networks are allowed. */
export function cidrSet<T>(entries: Iterable<readonly [Cidr, T]>): CidrSet<T> {
  // Networks either nest or are apart, so sorting by start, widest first, and walking up the parents finds every cover.
  interface Node {
    readonly cidr: Cidr;
    readonly label: T;
    readonly parent: number;
  }
  const build = (version: 4 | 6): Node[] => {
    const sorted = all.filter(([cidr]) => cidr.version === version).sort(([a], [b]) => (a.first < b.first ? -1 : a.first > b.first ? 1 : a.prefix - b.prefix));
    const nodes: Node[] = [];
    for (const [cidr, label] of sorted) {
      let parent = nodes.length - 1;
      while (parent >= 0 && !covers((nodes[parent] as Node).cidr, cidr)) parent = (nodes[parent] as Node).parent;
      nodes.push({ cidr, label, parent });
    }
    return nodes;
  };
  const all = [...entries];
  const byVersion = { 4: build(4), 6: build(6) };
  /** Index of the last node that starts at or before `value`. */
  const lastBefore = (nodes: readonly Node[], value: bigint): number => {
    let low = 0;
    let high = nodes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((nodes[middle] as Node).cidr.first <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  const covering = (cidr: Cidr): T | undefined => {
    const nodes = byVersion[cidr.version];
    for (let i = lastBefore(nodes, cidr.first); i >= 0; i = (nodes[i] as Node).parent) {
      if (covers((nodes[i] as Node).cidr, cidr)) return (nodes[i] as Node).label;
    }
    return undefined;
  };
  const touching = (cidr: Cidr): T | undefined => {
    const found = covering(cidr);
    if (found !== undefined) return found;
    const nodes = byVersion[cidr.version];
    const node = nodes[lastBefore(nodes, cidr.last)];
    return node && overlaps(node.cidr, cidr) ? node.label : undefined;
  };
  return { covering, touching, size: all.length };
}
