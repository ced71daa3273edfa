import { covers, parseCidr, type Cidr } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import { isoTime } from "#core/event.ts";
import type { Claim, GuardCheck, Origin } from "#core/decision.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import { text, type Language } from "#core/text/text.ts";
import type { EvidenceRow } from "#contracts/evidence-store.ts";
import type { Release, SignIn } from "#contracts/state-store.ts";
import type { CrawlerClaim } from "./crawlers.ts";
import type { Protection } from "./protection.ts";
import { sharedLook } from "./shared-exit.ts";

/** How far automatic action may go before a person is asked. */
export interface GuardLimits {
  /** Widest network, prefix bits. Default 24 and 48. */
  readonly width4: number;
  readonly width6: number;
  readonly bansPerMinute: number;
  readonly bansPerCycle: number;
  /** Share of the last hour's ordinary (successful) traffic that bans of one hour may cut off, 0 to 1. */
  readonly trafficShare: number;
  /** Browsers that behave well beside the bad requests from which on an address looks shared. */
  readonly sharedAgents: number;
  /** Most events demanded of a claim: the evidence journal keeps no more of one address. */
  readonly mostEvidence: number;
}

export const defaultLimits: GuardLimits = {
  width4: 24,
  width6: 48,
  bansPerMinute: 30,
  bansPerCycle: 60,
  trafficShare: 0.3,
  sharedAgents: 5,
  mostEvidence: 500,
};

/** What has been banned lately, for the caps. Counts are without the target that is judged. */
export interface Load {
  readonly minute: number;
  readonly cycle: number;
  /** Targets banned within the hour. */
  readonly targets: readonly Cidr[];
}

/** Everything the checks look at, gathered before: the checks themselves are pure. */
export interface Facts {
  readonly target: Cidr;
  /** Canonical text of `target`. */
  readonly name: string;
  readonly origin: Origin;
  readonly claim: Claim | undefined;
  readonly protection: Protection;
  readonly limits: GuardLimits;
  readonly language: Language;
  /** Rows of the target inside the claim's time, newest first. */
  readonly rows: readonly EvidenceRow[];
  /** Recent rows of the target whatever the claim. */
  readonly recent: readonly EvidenceRow[];
  /** Addresses of recent successful rows, a sample of the traffic. */
  readonly traffic: readonly Cidr[];
  readonly signIn: SignIn | undefined;
  /** Event time at which its attack began, as far as known: a success after that is no history. */
  readonly attackBegan: number;
  readonly releases: readonly Release[];
  readonly load: Load;
  /** A crawler that its user agent claims it to be. */
  readonly crawler: CrawlerClaim | undefined;
}

type Check = (facts: Facts) => GuardCheck;

const result = (facts: Facts, check: string, ok: boolean, overridable: boolean, key: TextKey, params: TextParams = {}): GuardCheck => ({
  check,
  ok,
  why: text(facts.language, key, { target: facts.name, ...params }),
  overridable,
});

const width: Check = (facts) => {
  const { target, limits } = facts;
  const limit = target.version === 4 ? limits.width4 : limits.width6;
  const ok = target.prefix >= limit;
  return result(facts, "width", ok, false, ok ? "guard.width.ok" : "guard.width.refused", { prefix: target.prefix, limit });
};

const reserved: Check = (facts) => {
  const key = facts.protection.reserved(facts.target);
  return key
    ? result(facts, "reserved", false, false, "guard.reserved.refused", { range: text(facts.language, key) })
    : result(facts, "reserved", true, false, "guard.reserved.ok");
};

const own: Check = (facts) => {
  const touch = facts.protection.own(facts.target);
  if (!touch) return result(facts, "own", true, false, "guard.own.ok");
  return result(facts, "own", false, false, `guard.own.${touch.kind}`, { network: touch.network });
};

const listed = (check: "allowed" | "infrastructure" | "proxy" | "provider" | "operator", overridable: boolean): Check => {
  const keys = { ok: `guard.${check}.ok`, refused: `guard.${check}.refused` } as const;
  return (facts) => {
    const touch = facts.protection[check](facts.target);
    const id = check === "provider" ? "known-network" : check;
    if (!touch) return result(facts, id, true, overridable, keys.ok);
    return result(facts, id, false, overridable, keys.refused, { network: touch.network, name: sanitize(touch.name, 120) });
  };
};

const crawler: Check = (facts) => {
  const { crawler: claim } = facts;
  if (!claim) return result(facts, "crawler", true, true, "guard.crawler.ok");
  const params = { name: sanitize(claim.name, 64), address: claim.address };
  if (claim.outcome === "false") return result(facts, "crawler", true, true, "guard.crawler.false", params);
  if (claim.outcome === "unknown") return result(facts, "crawler-unverified", false, true, "guard.crawler.unknown", params);
  return result(facts, "crawler", false, true, "guard.crawler.refused", params);
};

const history: Check = (facts) => {
  const { signIn, attackBegan } = facts;
  if (!signIn) return result(facts, "history", true, false, "guard.history.ok");
  if (signIn.first >= attackBegan) return result(facts, "history", true, false, "guard.history.late");
  const users = signIn.users
    .slice(0, 3)
    .map((user) => sanitize(user, 64))
    .join(", ");
  return result(facts, "history", false, false, "guard.history.refused", { count: signIn.count, users, address: signIn.address, last: isoTime(signIn.last) });
};

/**
 * A certificate authority's validation (RFC 8555, 8.3): Let's Encrypt publishes no addresses, so it is known by its path.
 * A whole token and nothing after it: a path that climbs out of the folder is an attack.
 */
const acmeRequest = /"GET \/\.well-known\/acme-challenge\/[\w-]{1,256}(?: HTTP\/[\d.]+)?"/;

/** Events that count for the claim: of the target, inside its time, no certificate validation, not forgiven by a release. */
function countEvidence(facts: Pick<Facts, "target" | "claim" | "rows" | "releases">): number {
  const { claim } = facts;
  if (!claim) return 0;
  const releases = facts.releases.map(({ target, until }) => ({ network: parseCidr(target), until }));
  let found = 0;
  for (const row of facts.rows) {
    const address = parseCidr(row.address);
    if (!address || !covers(facts.target, address) || row.time < claim.from || row.time > claim.to) continue;
    if (acmeRequest.test(row.message)) continue;
    if (releases.some(({ network, until }) => network && row.time <= until && covers(network, address))) continue;
    found += Number.isFinite(row.count) ? Math.max(1, row.count) : 1;
  }
  return found;
}

const evidence: Check = (facts) => {
  const { claim, origin, limits, releases } = facts;
  if (origin.kind === "feed") {
    const params = { feed: origin.name, id: origin.id, scenario: sanitize(origin.scenario, 80) };
    const unban = releases.at(-1);
    // Lists repeat themselves under new numbers: what a person released stays released until log lines of this machine speak against it.
    if (unban) return result(facts, "evidence", false, false, "guard.evidence.feed_released", { ...params, by: sanitize(unban.by, 64), at: isoTime(unban.at) });
    return result(facts, "evidence", true, false, "guard.evidence.feed", params);
  }
  if (!claim) {
    const person = origin.kind === "person";
    return result(facts, "evidence", person, false, person ? "guard.evidence.person" : "guard.evidence.unclaimed");
  }
  const found = countEvidence(facts);
  const needed = Math.max(1, Math.min(claim.count, limits.mostEvidence));
  if (found >= needed) return result(facts, "evidence", true, false, "guard.evidence.ok", { found, needed });
  const forgiven = releases.filter(({ until }) => until >= claim.from).at(-1);
  if (forgiven)
    return result(facts, "evidence", false, false, "guard.evidence.released", { by: sanitize(forgiven.by, 64), at: isoTime(forgiven.at), found, needed });
  return result(facts, "evidence", false, false, "guard.evidence.refused", { found, needed });
};

const sharedExit: Check = (facts) => {
  const look = sharedLook(facts.recent, facts.limits.sharedAgents);
  return look.shared
    ? result(facts, "shared-exit", false, true, "guard.shared.refused", { agents: look.agents, users: look.users })
    : result(facts, "shared-exit", true, true, "guard.shared.ok");
};

/** Successes in the sample below which a share says nothing. */
const leastTraffic = 50;

const caps: Check = (facts) => {
  const { load, limits, traffic } = facts;
  if (load.minute >= limits.bansPerMinute) return result(facts, "caps", false, true, "guard.caps.minute", { count: load.minute, limit: limits.bansPerMinute });
  if (load.cycle >= limits.bansPerCycle) return result(facts, "caps", false, true, "guard.caps.cycle", { count: load.cycle, limit: limits.bansPerCycle });
  if (traffic.length >= leastTraffic) {
    const of = (networks: readonly Cidr[]): number => traffic.filter((address) => networks.some((network) => covers(network, address))).length;
    const cutOff = of([facts.target]) === 0 ? 0 : of([facts.target, ...load.targets]) / traffic.length;
    if (cutOff > limits.trafficShare)
      return result(facts, "caps", false, true, "guard.caps.share", { share: Math.round(cutOff * 100), limit: Math.round(limits.trafficShare * 100) });
  }
  return result(facts, "caps", true, true, "guard.caps.ok");
};

/** Every check of the guard after the parsing of the address, in the order of the specification. */
export const checks: readonly Check[] = [
  width,
  reserved,
  own,
  listed("allowed", true),
  listed("infrastructure", true),
  listed("proxy", true),
  listed("provider", true),
  crawler,
  history,
  listed("operator", false),
  evidence,
  sharedExit,
  caps,
];

/** Checks whose refusal only asks for a person. */
export const askingChecks: ReadonlySet<string> = new Set(["shared-exit", "caps", "crawler-unverified"]);
/** Checks that a narrower target may pass: what is around the target stood in the way, not the target itself. */
export const narrowingChecks: ReadonlySet<string> = new Set(["width", "reserved", "own", "allowed", "infrastructure", "proxy", "known-network", "shared-exit"]);
