import { formatAddress, parseCidr, parseIpv4, type Cidr } from "#core/ip.ts";

/**
 * An address as SQLite sorts it: IPv4 as an integer, IPv6 as 16 bytes. SQLite puts every integer before every blob, so
 * one column holds both and a network of either version is one range of it.
 */
export type SortableAddress = number | NodeJS.NonSharedUint8Array;

/** Sortable form of one address; undefined where the text is no single address. */
export function sortableAddress(text: string): SortableAddress | undefined {
  const four = parseIpv4(text);
  if (four >= 0) return four;
  const cidr = parseCidr(text);
  return cidr && cidr.first === cidr.last ? sortable(cidr.version, cidr.first) : undefined;
}

/** First and last address of a network in sortable form; undefined where the text is neither address nor network. */
export function sortableRange(target: string): { readonly cidr: Cidr; readonly low: SortableAddress; readonly high: SortableAddress } | undefined {
  const cidr = parseCidr(target);
  return cidr && { cidr, low: sortable(cidr.version, cidr.first), high: sortable(cidr.version, cidr.last) };
}

/** Canonical text of a sortable address as SQLite gave it back. */
export function addressText(value: unknown): string {
  if (typeof value === "number") return formatAddress(4, BigInt(value));
  if (!(value instanceof Uint8Array)) return "";
  return formatAddress(6, BigInt(`0x${Buffer.from(value).toString("hex")}`));
}

function sortable(version: 4 | 6, value: bigint): SortableAddress {
  return version === 4 ? Number(value) : Buffer.from(value.toString(16).padStart(32, "0"), "hex");
}
