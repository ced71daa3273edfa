import { covers, formatCidr, isSingle, parseCidr, type Cidr } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import type { Claim, GuardCheck, GuardVerdict, Origin } from "#core/decision.ts";
import { text, type Language } from "#core/text/text.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { askingChecks, checks, narrowingChecks, type Facts, type GuardLimits, type Load } from "./checks.ts";
import { crawlerCheck, type NameLookup } from "./crawlers.ts";
import type { NetworkList } from "./lists.ts";
import type { MachineFacts } from "./machine.ts";
import { protection, type Protection } from "./protection.ts";

/** What the guard is told of the installation; the functions are asked again every few seconds. */
export interface GuardInputs {
  readonly machine: () => MachineFacts;
  readonly lists: () => readonly NetworkList[];
  /** Declared infrastructure and trusted proxies: canonical addresses or networks. */
  readonly infrastructure: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Addresses from which operators are signed in right now. */
  readonly operators: () => readonly string[];
  readonly limits: GuardLimits;
  /** Name look-ups for crawlers that publish no addresses; without them such claims are not believed. */
  readonly lookup?: NameLookup | undefined;
}

/** A question to the guard: may this be banned? */
export interface GuardRequest {
  /** Any text. */
  readonly target: string;
  readonly origin: Origin;
  readonly claim?: Claim | undefined;
  /** Address of the person who asks, where known. */
  readonly asker?: string | undefined;
  /** Checks a person knowingly overrides; `true` = every one that may be overridden. Counts for persons only. */
  readonly override?: boolean | readonly string[] | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Stands before every ban, whoever asks. */
export interface Guard {
  /** Evaluates every check and says all of them in words. Never throws for a target, whatever its text; rejects when the store fails. */
  judge(request: GuardRequest): Promise<GuardVerdict>;
  /** Reads lists, machine and allow list afresh at the next question. */
  refresh(): void;
}

type GuardStore = Pick<StateStore, "find" | "signIn" | "releases" | "signals" | "list">;

const fresh = 5_000;
const hour = 3_600_000;
const day = 86_400_000;
/** Rows looked at: of the target lately, and of everybody as a sample of the traffic. */
const recentRows = 1_000;
const trafficRows = 2_000;
/** Share of the harm from which on one address stands for a whole network. */
const mostlyOne = 0.8;

/** A guard over the store's evidence. `load` tells what was banned lately. */
export function guard(store: GuardStore, inputs: GuardInputs, language: Language, load: (now: number) => Load): Guard {
  let known: { readonly at: number; readonly protection: Protection; readonly asker: string | undefined } | undefined;
  let sample: { readonly at: number; readonly addresses: readonly Cidr[] } | undefined;

  const crawlers = inputs.lookup && crawlerCheck(inputs.lookup);

  const protectionAt = async (now: number, asker: string | undefined): Promise<Protection> => {
    if (known && known.asker === asker && Math.abs(now - known.at) < fresh) return known.protection;
    const built = protection({
      machine: inputs.machine(),
      lists: inputs.lists(),
      allow: await store.list("allow"),
      infrastructure: inputs.infrastructure,
      trustedProxies: inputs.trustedProxies,
      operators: asker === undefined ? inputs.operators() : [...inputs.operators(), asker],
    });
    known = { at: now, protection: built, asker };
    return built;
  };

  const trafficAt = async (now: number): Promise<readonly Cidr[]> => {
    if (sample && Math.abs(now - sample.at) < fresh) return sample.addresses;
    const query = { from: now - hour, to: now + hour, limit: trafficRows };
    const rows = [...(await store.find({ ...query, target: "0.0.0.0/0" })), ...(await store.find({ ...query, target: "::/0" }))];
    const addresses = rows.flatMap(({ outcome, address }) => (outcome === "success" ? (parseCidr(address) ?? []) : []));
    sample = { at: now, addresses };
    return addresses;
  };

  const gather = async (target: Cidr, request: GuardRequest, around: Protection): Promise<Facts> => {
    const { origin, now, claim } = request;
    const name = formatCidr(target);
    const releases = await store.releases(name);
    const released = releases.reduce((latest, { until }) => Math.max(latest, until), -Infinity);
    let attackBegan = claim?.from ?? now;
    const named = request.target.trim();
    for (const actor of named === name ? [name] : [name, named]) {
      const signals = await store.signals({ actor, limit: 100 });
      for (const signal of signals) if (signal.actionable && signal.last > released) attackBegan = Math.min(attackBegan, signal.first);
    }
    const span = { from: Math.min(claim?.from ?? now, now) - day, to: Math.max(claim?.to ?? now, now + hour) };
    const recent = await store.find({ ...span, target: name, limit: recentRows });
    return {
      target,
      name,
      origin,
      claim,
      protection: around,
      limits: inputs.limits,
      language,
      rows: claim ? await store.find({ target: name, from: claim.from, to: claim.to, limit: recentRows }) : [],
      recent,
      traffic: await trafficAt(now),
      signIn: await store.signIn(name),
      attackBegan,
      releases,
      load: load(now),
      crawler: await crawlers?.(recent, inputs.lists(), now),
    };
  };

  const verdictOf = (facts: Facts, request: GuardRequest): GuardVerdict => {
    const overridden = (check: GuardCheck): boolean =>
      check.overridable &&
      request.origin.kind === "person" &&
      // Past a cap a person is asked: this is the person.
      (check.check === "caps" || request.override === true || (Array.isArray(request.override) && request.override.includes(check.check)));
    const by = request.origin.kind === "person" ? sanitize(request.origin.name, 64) : "";
    const refusals: GuardCheck[] = [];
    const all: GuardCheck[] = [{ check: "address", ok: true, why: text(language, "guard.address.ok", { target: facts.name }), overridable: false }];
    for (const run of checks) {
      const check = run(facts);
      if (check.ok) all.push(check);
      else if (overridden(check)) all.push({ ...check, why: text(language, "guard.overridden", { why: check.why, by }) });
      else {
        all.push(check);
        refusals.push(check);
      }
    }
    const allowed = refusals.length === 0;
    return { allowed, needsPerson: !allowed && refusals.every(({ check }) => askingChecks.has(check)), target: facts.name, checks: all };
  };

  const judge = async (request: GuardRequest): Promise<GuardVerdict> => {
    const asked = parseCidr(request.target.trim());
    if (!asked) {
      const target = sanitize(request.target.trim(), 64);
      const why = text(language, "guard.address.refused", { target });
      return { allowed: false, needsPerson: false, target, checks: [{ check: "address", ok: false, why, overridable: false }] };
    }
    const around = await protectionAt(request.now, request.asker);
    const wide = widened(asked);
    const touched = wide && touches(around, wide);
    const facts = await gather(wide && !touched ? wide : asked, request, around);
    const verdict = verdictOf(facts, request);
    if (verdict.allowed) return touched ? noted(verdict, "guard.narrowed.neighbour", { wide: formatCidr(wide) }) : verdict;
    return (await narrower(facts, verdict, request)) ?? verdict;
  };

  /** A single address instead of a network that may not be banned, where one address did the harm and may be banned. */
  const narrower = async (facts: Facts, verdict: GuardVerdict, request: GuardRequest): Promise<GuardVerdict | undefined> => {
    const { claim } = facts;
    if (!claim || isSingle(facts.target)) return undefined;
    const refusals = verdict.checks.filter(({ ok }) => !ok).map(({ check }) => check);
    if (!refusals.some((check) => narrowingChecks.has(check)) || !refusals.every((check) => narrowingChecks.has(check) || check === "caps")) return undefined;
    const worst = worstAddress(facts);
    const address = worst && parseCidr(worst.address);
    if (!address || touches(facts.protection, address) || worst.share < mostlyOne) return undefined;
    const inner = await gather(
      address,
      { ...request, target: worst.address, claim: { ...claim, target: worst.address, count: worst.count } },
      facts.protection,
    );
    const narrow = verdictOf(inner, request);
    return narrow.allowed ? noted(narrow, "guard.narrowed.network", { wide: facts.name }) : undefined;
  };

  const noted = (verdict: GuardVerdict, key: "guard.narrowed.neighbour" | "guard.narrowed.network", params: { wide: string }): GuardVerdict => ({
    ...verdict,
    checks: [...verdict.checks, { check: "narrowed", ok: true, why: text(language, key, { target: verdict.target, ...params }), overridable: false }],
  });

  return {
    judge,
    refresh() {
      known = undefined;
      sample = undefined;
    },
  };
}

/** The /64 of a single IPv6 address: one customer, who may take any address of it (RFC 6177). */
function widened(asked: Cidr): Cidr | undefined {
  if (asked.version === 4 || asked.prefix <= 64) return undefined;
  const host = (1n << 64n) - 1n;
  const first = (asked.first | host) ^ host;
  return { version: 6, first, last: first | host, prefix: 64 };
}

function touches(around: Protection, target: Cidr): boolean {
  const asks = [around.reserved, around.own, around.allowed, around.infrastructure, around.proxy, around.provider, around.operator] as const;
  return asks.some((ask) => ask(target) !== undefined);
}

/** The address with the most harm inside the claim: failures where there are any, else rows. */
function worstAddress(facts: Facts): { readonly address: string; readonly count: number; readonly share: number } | undefined {
  const counts = new Map<string, number>();
  const failing = facts.rows.some(({ outcome }) => outcome !== "success");
  let total = 0;
  for (const row of facts.rows) {
    const address = parseCidr(row.address);
    if (!address || !covers(facts.target, address) || (failing && row.outcome === "success")) continue;
    counts.set(row.address, (counts.get(row.address) ?? 0) + row.count);
    total += row.count;
  }
  let worst: { address: string; count: number; share: number } | undefined;
  for (const [address, count] of counts) if (!worst || count > worst.count) worst = { address, count, share: count / total };
  return worst;
}
