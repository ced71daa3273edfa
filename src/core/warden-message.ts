import { formatCidr, overlaps, parseCidr, type Cidr } from "./ip.ts";

/**
 * What the guard and its root helper say to each other over the warden's socket: one JSON object a line, UTF-8. Every
 * request has an id and gets exactly one reply with the same id. The warden knows these six requests and nothing else.
 */
export type WardenRequest =
  | {
      readonly id: number;
      readonly do: "block";
      /** At most `wardenLimits.bans`. `until` is epoch milliseconds; what is past already is ignored. */
      readonly bans: readonly WardenBan[];
      /** True: release everything of ours that is not in `bans`, in the same transaction. */
      readonly only: boolean;
    }
  | { readonly id: number; readonly do: "release"; readonly targets: readonly string[] }
  | { readonly id: number; readonly do: "list" | "flush" | "hits" }
  | { readonly id: number; readonly do: "kill"; readonly target: string };

export interface WardenBan {
  /** Canonical address or network. */
  readonly target: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Why the warden itself refuses a target, whatever the guard decided before. */
export type WardenRefusal = "unparsable" | "width" | "reserved" | "own" | "full" | "not-held";

/** Result of `block`: counts of targets, after the firewall was read back. */
export interface WardenBlocked {
  readonly added: number;
  readonly removed: number;
  readonly kept: number;
  /** Live connections that were ended because their peer is newly blocked. */
  readonly killed: number;
  readonly failed: readonly { readonly target: string; readonly why: WardenRefusal }[];
}

/** Results by request. */
export interface WardenResults {
  readonly block: WardenBlocked;
  /** How many rules or set elements went or were cut. */
  readonly release: { readonly released: number };
  readonly list: { readonly bans: readonly WardenBan[] };
  readonly flush: Record<string, never>;
  readonly kill: { readonly killed: number };
  /** Packets dropped per rule or set element. */
  readonly hits: { readonly hits: readonly (readonly [target: string, packets: number])[] };
}

/** An error in a reply: `key` and `params` name a text of `core/text`, so that the reader sees it in their language. */
export interface WardenFault {
  readonly code: string;
  readonly key: string;
  readonly params: Readonly<Record<string, string | number>>;
}

export type WardenReply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly fault: WardenFault };

/** Bounds both sides keep. */
export const wardenLimits = {
  /** Bytes of one line. 50,000 bans of the longest form fit. */
  line: 8 * 1024 * 1024,
  /** Bans or targets in one request. */
  bans: 50_000,
  /** Requests waiting in the warden. */
  waiting: 64,
  /** Connections at once. */
  connections: 16,
  /** Characters of one target: the longest IPv6 form with a prefix length. */
  target: 50,
} as const;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isTarget = (value: unknown): value is string => typeof value === "string" && value.length <= wardenLimits.target;
const hasOnly = (value: object, keys: readonly string[]): boolean => Object.keys(value).every((key) => keys.includes(key));

/** The request in a line, or the words that say why it is none. Never throws; unknown fields are refused. */
export function parseWardenRequest(line: string): WardenRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "not JSON";
  }
  if (!isRecord(value)) return "not an object";
  const { id } = value;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0) return "id is not a whole number";
  switch (value["do"]) {
    case "block": {
      const { bans, only } = value;
      if (!hasOnly(value, ["id", "do", "bans", "only"])) return "unknown field";
      if (typeof only !== "boolean") return "only is not true or false";
      if (!Array.isArray(bans) || bans.length > wardenLimits.bans) return `bans is not a list of at most ${wardenLimits.bans}`;
      const checked: WardenBan[] = [];
      for (const ban of bans as unknown[]) {
        if (!isRecord(ban) || !hasOnly(ban, ["target", "until"])) return "a ban has other fields than target and until";
        const { target, until } = ban;
        if (!isTarget(target) || typeof until !== "number" || !Number.isFinite(until)) return "a ban has no target or no end";
        checked.push({ target, until });
      }
      return { id, do: "block", bans: checked, only };
    }
    case "release": {
      const { targets } = value;
      if (!hasOnly(value, ["id", "do", "targets"])) return "unknown field";
      if (!Array.isArray(targets) || targets.length > wardenLimits.bans || !targets.every(isTarget))
        return `targets is not a list of at most ${wardenLimits.bans} targets`;
      return { id, do: "release", targets };
    }
    case "kill": {
      const { target } = value;
      if (!hasOnly(value, ["id", "do", "target"])) return "unknown field";
      return isTarget(target) ? { id, do: "kill", target } : "no target";
    }
    case "list":
    case "flush":
    case "hits":
      return hasOnly(value, ["id", "do"]) ? { id, do: value["do"] } : "unknown field";
    default:
      return "unknown request";
  }
}

/** The reply in a line, or undefined where the line is none. Never throws. */
export function parseWardenReply(line: string): WardenReply | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { id, ok, fault } = value;
  if (typeof id !== "number" || !Number.isSafeInteger(id)) return undefined;
  if (ok === true) return { id, ok, result: value["result"] };
  if (ok !== false || !isRecord(fault)) return undefined;
  const { code, key, params } = fault;
  if (typeof code !== "string" || typeof key !== "string" || !isRecord(params)) return undefined;
  const safe: Record<string, string | number> = {};
  for (const [name, param] of Object.entries(params)) if (typeof param === "string" || typeof param === "number") safe[name] = param;
  return { id, ok, fault: { code, key, params: safe } };
}

/** What no firewall rule of ours may ever name: this-host, loopback, link-local, multicast and reserved ranges. */
const reserved = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"].map((text) => parseCidr(text) as Cidr);

/** The widest networks the warden blocks, in prefix bits. */
export interface WidestNetwork {
  readonly prefix4: number;
  readonly prefix6: number;
}

/**
 * Last line of defence before the firewall: the target in numbers, or why it is refused. A target that is not in
 * canonical form is refused too, since the guard only ever sends canonical ones.
 * `own` are the addresses of this machine now.
 */
export function checkWardenTarget(target: string, own: readonly Cidr[], widest: WidestNetwork): Cidr | WardenRefusal {
  const cidr = parseCidr(target);
  if (!cidr || formatCidr(cidr) !== target) return "unparsable";
  if (cidr.prefix < (cidr.version === 4 ? widest.prefix4 : widest.prefix6)) return "width";
  if (reserved.some((range) => overlaps(range, cidr))) return "reserved";
  if (own.some((address) => overlaps(address, cidr))) return "own";
  return cidr;
}
