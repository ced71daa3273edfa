import { Resolver } from "node:dns/promises";
import { normalizeAddress } from "#core/ip.ts";
import type { EvidenceRow } from "#contracts/evidence-store.ts";
import type { NetworkList } from "./lists.ts";

/** What became of a visitor's claim to be a crawler. `unknown` = the name servers did not answer. */
export interface CrawlerClaim {
  readonly name: string;
  readonly address: string;
  readonly outcome: "verified" | "false" | "unknown";
}

/** The two look-ups of a forward-confirmed reverse look-up. Both reject with a `code` as `node:dns` does. */
export interface NameLookup {
  readonly reverse: (address: string) => Promise<readonly string[]>;
  readonly forward: (host: string) => Promise<readonly string[]>;
}

/** Look-ups at the system's name servers, each answered or given up within about a second. */
export function systemLookup(): NameLookup {
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  const none = (error: unknown): readonly string[] => {
    if (absent(error)) return [];
    throw error;
  };
  return {
    reverse: (address) => resolver.reverse(address),
    forward: async (host) => [...(await resolver.resolve4(host).catch(none)), ...(await resolver.resolve6(host).catch(none))],
  };
}

/** Tells, for rows of a target, whether the crawler they claim to be is real. */
export type CrawlerCheck = (rows: readonly EvidenceRow[], lists: readonly NetworkList[], now: number) => Promise<CrawlerClaim | undefined>;

const remembered = 1_000;
const hour = 3_600_000;
/** Addresses of one target that are looked up. */
const mostAddresses = 4;

/**
 * Crawlers whose operators publish no addresses (Naver, Daum, Yandex) are known by a reverse look-up that ends in the
 * operator's domain and whose name leads back to the address, as the operators' own guides say. Names are asked for
 * only where a user agent claims to be a crawler; answers are remembered for an hour.
 */
export function crawlerCheck(lookup: NameLookup): CrawlerCheck {
  const known = new Map<string, { readonly at: number; readonly outcome: CrawlerClaim["outcome"] }>();
  const verify = async (address: string, domains: readonly string[], now: number): Promise<CrawlerClaim["outcome"]> => {
    const key = `${address} ${domains.join()}`;
    const before = known.get(key);
    if (before && Math.abs(now - before.at) < hour) return before.outcome;
    const outcome = await confirm(lookup, address, domains);
    if (known.size >= remembered) known.delete(known.keys().next().value as string);
    if (outcome !== "unknown") known.set(key, { at: now, outcome });
    return outcome;
  };
  return async (rows, lists, now) => {
    const crawlers = lists.filter(({ agents, domains }) => agents && domains && domains.length > 0);
    const claims = new Map<string, NetworkList>();
    for (const { address, userAgent } of rows) {
      if (userAgent === "" || claims.has(address)) continue;
      const list = crawlers.find(({ agents }) => agents?.some((agent) => userAgent.includes(agent)));
      if (list && claims.size < mostAddresses) claims.set(address, list);
    }
    let weakest: CrawlerClaim | undefined;
    for (const [address, { name, domains }] of claims) {
      const claim = { name, address, outcome: await verify(address, domains ?? [], now) };
      if (claim.outcome === "verified") return claim;
      if (!weakest || claim.outcome === "unknown") weakest = claim;
    }
    return weakest;
  };
}

async function confirm(lookup: NameLookup, address: string, domains: readonly string[]): Promise<CrawlerClaim["outcome"]> {
  try {
    const names = (await lookup.reverse(address)).map((name) => name.toLowerCase().replace(/\.$/, ""));
    const host = names.find((name) => domains.some((domain) => name === domain || name.endsWith(`.${domain}`)));
    if (host === undefined) return "false";
    return (await lookup.forward(host)).some((found) => normalizeAddress(found) === address) ? "verified" : "false";
  } catch (error) {
    return absent(error) ? "false" : "unknown";
  }
}

/** The name servers answered that there is nothing, which is an answer. */
function absent(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ENOTFOUND" || code === "ENODATA";
}
