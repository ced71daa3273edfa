import type { EvidenceQuery, EvidenceRow } from "#contracts/evidence-store.ts";
import type { SignIn, StateStore } from "#contracts/state-store.ts";
import type { LogEvent } from "#core/event.ts";
import { covers, isSingle, normalizeTarget, parseCidr } from "#core/ip.ts";
import { ownString } from "#core/own-string.ts";
import type { Signal } from "#core/signal.ts";
import type { AddressTally } from "#pipeline/address-tally.ts";

/** What the guard asks a store for. */
export type GuardStore = Pick<StateStore, "find" | "signIn" | "releases" | "signals" | "list">;

const mostSignIns = 50_000;

/** Remembers the addresses that signed in while files are read. */
export interface SignInMemory {
  add(event: LogEvent): void;
  of(target: string): SignIn | undefined;
}

/** An empty memory; past 50,000 addresses new ones are not remembered. */
export function signInMemory(): SignInMemory {
  const known = new Map<string, { count: number; first: number; last: number; users: Set<string> }>();
  return {
    add(event) {
      if (event["event.outcome"] !== "success" || event["event.category"] !== "authentication") return;
      const address = event["source.ip"];
      if (address === undefined) return;
      const time = event["@timestamp"];
      let entry = known.get(address);
      if (!entry) {
        if (known.size >= mostSignIns) return;
        entry = { count: 0, first: time, last: time, users: new Set() };
        known.set(ownString(address), entry);
      }
      entry.count++;
      entry.first = Math.min(entry.first, time);
      entry.last = Math.max(entry.last, time);
      const user = event["user.name"];
      if (user !== undefined && entry.users.size < 20) entry.users.add(ownString(user));
    },
    of(target) {
      const network = parseCidr(target);
      // A single address stands there by itself or not at all; only a network needs a walk.
      const own = known.get(target);
      if (own) return { address: target, ...own, users: [...own.users] };
      if (!network || isSingle(network)) return undefined;
      let sum: SignIn | undefined;
      for (const [address, entry] of known) {
        const cidr = parseCidr(address);
        if (!cidr || !covers(network, cidr)) continue;
        sum = {
          address: target,
          count: (sum?.count ?? 0) + entry.count,
          first: Math.min(sum?.first ?? entry.first, entry.first),
          last: Math.max(sum?.last ?? entry.last, entry.last),
          users: [...new Set([...(sum?.users ?? []), ...entry.users])],
        };
      }
      return sum;
    },
  };
}

/** The guard's memory during a scan, with the signals by actor id: lines read again from the files themselves, and nothing that is kept on disk. */
export function scanStore(
  rows: readonly EvidenceRow[],
  signals: ReadonlyMap<string, readonly Signal[]>,
  signIns: SignInMemory,
  allow: readonly string[],
  now: number,
): GuardStore {
  const byAddress = Map.groupBy(rows, ({ address }) => address);
  const addresses = [...byAddress.keys()].map((address) => ({ address, cidr: parseCidr(address) }));
  return {
    find: async ({ target, from, to, limit }: EvidenceQuery) => {
      const network = parseCidr(target);
      if (!network) return [];
      const found =
        byAddress.get(target) ?? addresses.flatMap(({ address, cidr }) => (cidr && covers(network, cidr) ? (byAddress.get(address) as EvidenceRow[]) : []));
      return found
        .filter(({ time }) => time >= from && time <= to)
        .sort((a, b) => b.time - a.time)
        .slice(0, limit);
    },
    signIn: async (target) => signIns.of(target),
    releases: async () => [],
    signals: async ({ actor, since, limit }) => (signals.get(actor ?? "") ?? []).filter(({ last }) => since === undefined || last >= since).slice(0, limit),
    list: async (name) => (name === "allow" ? allow.map((target) => ({ target: normalizeTarget(target) ?? target, note: "", by: "", at: now })) : []),
  };
}

/** Lines worth reading again before a ban of `target`: those its signals name, and a sample of all its lines. */
export function linesOf(
  target: string,
  signals: readonly Signal[],
  tally: AddressTally,
  fileOf: ReadonlyMap<string, number>,
): { file: number; offset: number; line: number; message?: string }[] {
  const wanted = new Map<string, { file: number; offset: number; line: number; message?: string }>();
  for (const signal of signals) {
    for (const { source, offset, line, message } of signal.evidence) {
      const file = fileOf.get(source);
      if (file !== undefined && offset >= 0) wanted.set(`${file}:${offset}`, { file, offset, line, message });
    }
  }
  const network = parseCidr(target);
  const addresses = tally.of(target) || !network ? [target] : tally.within(network).slice(0, 256);
  for (const address of addresses) {
    for (const place of tally.samples(address)) {
      const key = `${place.file}:${place.offset}`;
      if (!wanted.has(key)) wanted.set(key, { ...place, line: 0 });
    }
  }
  return [...wanted.values()];
}
