import { cidrSet, normalizeAddress, parseCidr, parseIpv4, type Cidr } from "#core/ip.ts";
import { ownString } from "#core/own-string.ts";

/** Header values that name a client, as a log has them. Absent ones undefined; repeated headers joined by a comma. */
export interface ForwardedValues {
  /** `X-Forwarded-For`. */
  readonly forwardedFor?: string | undefined;
  /** `Forwarded` (RFC 7239). */
  readonly forwarded?: string | undefined;
  /** `CF-Connecting-IP`, `True-Client-IP`: one address. */
  readonly connecting?: string | undefined;
  /** `X-Real-IP`: one address. */
  readonly realIp?: string | undefined;
}

/** Decides whose address an event carries. */
export interface ClientAddresses {
  /** Whether any proxy is trusted: where not, nothing needs to be looked at. */
  readonly any: boolean;
  trusts(address: string): boolean;
  /**
   * The client behind `peer` (canonical address): the peer itself unless it is a trusted proxy. The list headers are read
   * from the right, past trusted proxies; a value that is no address (`unknown`, an obfuscated id, garbage) ends the
   * walk at the last good one. Single-value headers count only where no list header is there, because a proxy that
   * appends to a list may pass a client's own single-value header through. Never throws.
   */
  client(peer: string, headers: ForwardedValues): string;
}

/** Longer chains than this are forgery or a loop. */
const maximumHops = 64;
const cacheSize = 4_096;

/** `trustedProxies` are addresses or networks; what is neither is left out (the configuration check reports it). */
export function clientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const networks = trustedProxies.map((text) => parseCidr(text.trim())).filter((cidr): cidr is Cidr => cidr !== undefined);
  const set = cidrSet(networks.map((cidr) => [cidr, true] as const));
  const any = networks.length > 0;
  const known = new Map<string, boolean>();

  const trusts = (address: string): boolean => {
    if (!any) return false;
    const before = known.get(address);
    if (before !== undefined) return before;
    const cidr = parseCidr(address);
    const answer = cidr !== undefined && set.covering(cidr) === true;
    if (known.size >= cacheSize) known.clear();
    known.set(ownString(address), answer);
    return answer;
  };

  const walk = (peer: string, list: string, read: (element: string) => string | undefined): string => {
    let client = peer;
    let end = list.length;
    for (let hop = 0; hop < maximumHops && end >= 0; hop++) {
      const comma = end === 0 ? -1 : list.lastIndexOf(",", end - 1);
      const address = read(list.slice(comma + 1, end));
      if (address === undefined) return client;
      client = address;
      if (!trusts(address)) return client;
      end = comma;
    }
    return client;
  };

  const client = (peer: string, headers: ForwardedValues): string => {
    if (!trusts(peer)) return peer;
    if (headers.forwardedFor !== undefined) return walk(peer, headers.forwardedFor, addressOf);
    if (headers.forwarded !== undefined) return walk(peer, headers.forwarded, forwardedNode);
    const single = headers.connecting ?? headers.realIp;
    return single === undefined ? peer : (addressOf(single) ?? peer);
  };

  return { any, trusts, client };
}

/**
 * Canonical address of one written form: `1.2.3.4`, `1.2.3.4:5678`, `2a03::1`, `[2a03::1]`, `[2a03::1]:443`, with or without
 * spaces and quotes around it. Undefined for anything else.
 */
export function addressOf(written: string): string | undefined {
  if (written.length > 80) return undefined;
  let text = written.trim();
  if (text.length > 1 && text.startsWith('"') && text.endsWith('"')) text = text.slice(1, -1).trim();
  if (parseIpv4(text) >= 0) return text;
  if (text.startsWith("[")) {
    const close = text.indexOf("]");
    if (close < 0 || !isPortSuffix(text.slice(close + 1))) return undefined;
    return normalizeAddress(text.slice(1, close));
  }
  const colon = text.indexOf(":");
  if (colon > 0 && text.indexOf(":", colon + 1) < 0) {
    const host = text.slice(0, colon);
    return parseIpv4(host) >= 0 && isPortSuffix(text.slice(colon)) ? host : undefined;
  }
  return normalizeAddress(text);
}

/** Port of `1.2.3.4:5678` or `[2a03::1]:443`, undefined where none is written. */
export function portOf(written: string): number | undefined {
  const colon = written.lastIndexOf(":");
  if (colon < 0 || !(written.startsWith("[") ? written.charAt(colon - 1) === "]" : written.indexOf(":") === colon)) return undefined;
  const digits = written.slice(colon + 1);
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return port > 0 && port < 65_536 ? port : undefined;
}

function isPortSuffix(text: string): boolean {
  return text === "" || /^:\d{1,5}$/.test(text);
}

/** Address of the `for` parameter of one element of a `Forwarded` header: `for="[2a03::1]:4711";proto=http`. */
function forwardedNode(element: string): string | undefined {
  if (element.length > 1_024) return undefined;
  for (const pair of element.split(";")) {
    const equals = pair.indexOf("=");
    if (equals < 0 || pair.slice(0, equals).trim().toLowerCase() !== "for") continue;
    const value = pair.slice(equals + 1).trim();
    // An unbalanced quote means that the element does not begin where the comma is.
    return value.startsWith('"') === value.endsWith('"') ? addressOf(value) : undefined;
  }
  return undefined;
}

/** Canonical texts of IPv6 and other slow forms, remembered: parsing them costs microseconds, and clients come back. */
export function addressReader(): (written: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (written) => {
    if (parseIpv4(written) >= 0) return written;
    if (written.length > 80) return undefined;
    if (known.has(written)) return known.get(written);
    const address = addressOf(written);
    if (known.size >= cacheSize) known.clear();
    known.set(ownString(written), address === undefined ? undefined : ownString(address));
    return address;
  };
}
