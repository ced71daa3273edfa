import type { Piece } from "#core/ban-cover.ts";
import { formatAddress, formatCidr, isSingle, parseCidr, type Cidr } from "#core/ip.ts";
import { WardenError } from "./warden-error.ts";

/*
 * Our part of the kernel's ruleset, as libnftables-json(5) writes it: table `inet haechi`, one interval set with timeouts
 * for each address family, and one chain. The chain hangs at prerouting with priority raw (-300): before connection
 * tracking, before Docker's address translation, so that what is forwarded to containers and what belongs to an
 * established connection is dropped as well. `auto-merge` stays off: with timeouts it fuses unrelated elements.
 */

const at = { family: "inet", table: "haechi" } as const;
const table = { family: "inet", name: "haechi" } as const;
const chain = { ...at, name: "guard", type: "filter", hook: "prerouting", prio: -300, policy: "accept" } as const;
const setName = { 4: "banned4", 6: "banned6" } as const;
const setType = { 4: "ipv4_addr", 6: "ipv6_addr" } as const;
const versions = [4, 6] as const;

const ruleExpression = (version: 4 | 6): readonly unknown[] => [
  { match: { op: "==", left: { payload: { protocol: version === 4 ? "ip" : "ip6", field: "saddr" } }, right: `@${setName[version]}` } },
  { drop: null },
];

/** An element of one of our sets as it is in the kernel. */
export interface Element extends Piece {
  readonly packets: number;
}

/** What the kernel holds of ours. */
export interface Ruleset {
  /** The table, sets, chain and rules are exactly as this program makes them. */
  readonly intact: boolean;
  readonly elements: readonly Element[];
  /** There is no table of ours at all. */
  readonly isAbsent?: boolean;
}

const elementValue = (cidr: Cidr): unknown =>
  isSingle(cidr) ? formatCidr(cidr) : { prefix: { addr: formatAddress(cidr.version, cidr.first), len: cidr.prefix } };

/** Longest timeout given to the kernel: ten years in seconds. */
const longest = 10 * 365 * 86_400;

const addElements = (pieces: readonly Piece[], now: number): unknown[] =>
  versions.flatMap((version) => {
    const mine = pieces.filter((piece) => piece.cidr.version === version);
    if (mine.length === 0) return [];
    // Rounded up: a ban lasts at least as long as was decided, and nft counts whole seconds.
    const elem = mine.map((piece) => ({
      elem: { val: elementValue(piece.cidr), timeout: Math.min(longest, Math.max(1, Math.ceil((piece.until - now) / 1_000))) },
    }));
    return [{ add: { element: { ...at, name: setName[version], elem } } }];
  });

const transaction = (commands: readonly unknown[]): string => JSON.stringify({ nftables: commands });

/** Removes the table if it is there (`add` before `delete` makes that succeed either way). */
const dropTable = [{ add: { table } }, { delete: { table } }];

/** One transaction that throws away what is there of ours and builds everything anew. */
export function rebuildTransaction(pieces: readonly Piece[], now: number): string {
  return transaction([
    ...dropTable,
    { add: { table } },
    ...versions.map((version) => ({
      add: { set: { ...at, name: setName[version], type: setType[version], flags: ["interval", "timeout"], stmt: [{ counter: null }] } },
    })),
    { add: { chain } },
    ...versions.map((version) => ({ add: { rule: { ...at, chain: chain.name, expr: ruleExpression(version) } } })),
    ...addElements(pieces, now),
  ]);
}

/** One transaction that removes our table. */
export function flushTransaction(): string {
  return transaction(dropTable);
}

/** nft 1.0 needs quadratic time to delete elements of an interval set; from here on refilling the set is faster. */
const manyDeletions = 32;

/** One transaction from what is there to what should be; undefined where nothing differs. The structure must be intact. */
export function changeTransaction(current: readonly Element[], remove: readonly Element[], add: readonly Piece[], now: number): string | undefined {
  const commands: unknown[] = [];
  const adding: Piece[] = [...add];
  for (const version of versions) {
    const going = remove.filter((element) => element.cidr.version === version);
    if (going.length === 0) continue;
    if (going.length < manyDeletions) {
      commands.push({ delete: { element: { ...at, name: setName[version], elem: going.map((element) => elementValue(element.cidr)) } } });
      continue;
    }
    const gone = new Set(going);
    commands.push({ flush: { set: { ...at, name: setName[version] } } });
    for (const element of current) if (element.cidr.version === version && !gone.has(element)) adding.push(element);
  }
  commands.push(...addElements(adding, now));
  return commands.length === 0 ? undefined : transaction(commands);
}

type Json = Record<string, unknown>;
const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const unreadable = (reason: string, cause?: unknown): WardenError => new WardenError("nft-unreadable", "enforce.nftUnreadable", { reason }, { cause });

/** Reads `nft -j list table inet haechi`; `now` turns remaining seconds into times. Throws where it is no such listing. */
export function readRuleset(json: string, now: number): Ruleset {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw unreadable("not JSON", error);
  }
  const list = isRecord(value) ? value["nftables"] : undefined;
  if (!Array.isArray(list)) throw unreadable("no list of objects");
  const elements: Element[] = [];
  let tables = 0;
  let sets = 0;
  let chains = 0;
  const rules: string[] = [];
  let foreign = false;
  for (const entry of list as unknown[]) {
    if (!isRecord(entry)) continue;
    const { table: aTable, set, chain: aChain, rule, metainfo } = entry;
    if (isRecord(aTable)) tables += aTable["flags"] === undefined ? 1 : 0;
    else if (isRecord(set)) {
      const version = versions.find((one) => setName[one] === set["name"]);
      const flags = set["flags"];
      if (version === undefined) foreign = true;
      else if (
        set["type"] === setType[version] &&
        Array.isArray(flags) &&
        flags.includes("interval") &&
        flags.includes("timeout") &&
        Array.isArray(set["stmt"])
      ) {
        sets++;
        for (const element of Array.isArray(set["elem"]) ? (set["elem"] as unknown[]) : []) {
          const read = readElement(element, now);
          // An element without an end or with a range of ours never made: not ours to keep, so the set is made anew.
          if (read) elements.push(read);
          else foreign = true;
        }
      }
    } else if (isRecord(aChain)) {
      if (aChain["name"] === chain.name && aChain["hook"] === chain.hook && aChain["prio"] === chain.prio && aChain["policy"] === chain.policy) chains++;
      else foreign = true;
    } else if (isRecord(rule)) rules.push(JSON.stringify(rule["expr"]));
    else if (!isRecord(metainfo)) foreign = true;
  }
  const wanted = versions.map((version) => JSON.stringify(ruleExpression(version)));
  const intact = !foreign && tables === 1 && sets === 2 && chains === 1 && rules.length === 2 && wanted.every((rule) => rules.includes(rule));
  return { intact, elements };
}

function readElement(entry: unknown, now: number): Element | undefined {
  const element = isRecord(entry) && isRecord(entry["elem"]) ? entry["elem"] : undefined;
  if (!element) return undefined;
  const { val, expires, timeout, counter } = element;
  const prefix = isRecord(val) && isRecord(val["prefix"]) ? val["prefix"] : undefined;
  const cidr = parseCidr(prefix ? `${String(prefix["addr"])}/${String(prefix["len"])}` : String(val));
  const left = typeof expires === "number" ? expires : timeout;
  if (!cidr || typeof left !== "number") return undefined;
  const packets = isRecord(counter) ? counter["packets"] : 0;
  return { cidr, until: now + left * 1_000, packets: typeof packets === "number" ? packets : 0 };
}
