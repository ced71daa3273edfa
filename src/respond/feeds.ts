import { covers, networkOf, parseCidr } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import type { Decision, Origin, Proposal } from "#core/decision.ts";
import { text, type Language } from "#core/text/text.ts";
import type { Notice } from "#contracts/notice.ts";
import type { StateStore } from "#contracts/state-store.ts";
import type { GuardLimits, Load } from "./checks.ts";
import { shortId } from "./ids.ts";
import type { Intake } from "./intake.ts";
import type { Ledger } from "./ledger.ts";
import type { Answer, Policy } from "./policy.ts";

/** A ban that a feed holds: somebody else's decision that the operator chose to follow. */
export interface FeedEntry {
  /** The feed's own number of it. */
  readonly id: number;
  /** Canonical address or network. */
  readonly target: string;
  /** Epoch milliseconds. */
  readonly until: number;
  /** Why it was made, in the feed's words. */
  readonly scenario: string;
  /** Made at home (a scenario over the operator's logs, a person) and not taken from a list of the world: goes first. */
  readonly near: boolean;
}

/** What changed at a feed. `whole` = `added` is everything that holds there, and what is not in it holds no more. */
export interface FeedChange {
  readonly whole: boolean;
  readonly added: readonly FeedEntry[];
  readonly removed: readonly number[];
}

/** Feeds as sources of bans. Its calls are made one after the other. */
export interface Feeds {
  /** Takes note of a change, and releases and withdraws what came from this feed and holds there no more. True where a ban was released. */
  take(feed: string, change: FeedChange): Promise<boolean>;
  /** Puts before policy and guard what waits, as far as there is room for it. True where there are bans to enforce. */
  offer(): Promise<boolean>;
}

export interface FeedsOptions {
  readonly store: StateStore;
  readonly ways: Pick<Intake, "consider" | "tell">;
  readonly ledger: Ledger;
  readonly policy: Policy;
  readonly limits: Pick<GuardLimits, "bansPerMinute" | "bansPerCycle">;
  /** What has been banned lately, whoever asked. */
  readonly load: (now: number) => Load;
  readonly clock: () => number;
  readonly language: Language;
  readonly onNotice: (notice: Notice) => void;
  readonly onBan: (decision: Decision) => void;
  /** Told of each decision that was released. */
  readonly onRelease: (decision: string) => void;
}

/** Entries kept of one feed; CrowdSec's community list has some 15,000. */
const mostEntries = 100_000;
/** Open proposals of feeds: a list of thousands must not bury what the guard itself found. */
const mostPending = 20;
/** Entries looked at in one turn, so that a signal never waits long behind them. */
const atOnce = 100;
/** Proposals of one turn that are told one by one; more are told in a sentence. */
const toldSingly = 3;
const minute = 60_000;
/** What is banned or proposed already is looked at again after this time, or when that ban is over. */
const lookAgain = 10 * minute;
/** A growing tally is told at most so often. */
const tellAgain = 60 * minute;
/** Ends closer than this are the end of the same ban; a ban about to end is left to end. */
const slack = 5_000;
const longest = 365 * 24 * 60 * minute;

interface FeedState {
  readonly entries: Map<number, FeedEntry>;
  /** Ids that were not put before the guard yet. */
  readonly near: Set<number>;
  readonly far: Set<number>;
  /** Ids that were, and what came of it stands in the store. */
  readonly settled: Set<number>;
  /** Ids whose target is banned or proposed for another reason, and when to look again. */
  readonly shadowed: Map<number, number>;
  readonly tally: { proposed: number; banned: number; recorded: number; refused: number };
  toldAt: number;
}

export function feeds(options: FeedsOptions): Feeds {
  const { store, ways, ledger, policy, limits, load, clock, language, onNotice, onBan, onRelease } = options;
  const states = new Map<string, FeedState>();

  const stateOf = (feed: string): FeedState => {
    const known = states.get(feed);
    if (known) return known;
    const tally = { proposed: 0, banned: 0, recorded: 0, refused: 0 };
    const state: FeedState = { entries: new Map(), near: new Set(), far: new Set(), settled: new Set(), shadowed: new Map(), tally, toldAt: -Infinity };
    states.set(feed, state);
    return state;
  };

  const take: Feeds["take"] = async (feed, { whole, added, removed }) => {
    const state = stateOf(feed);
    const now = clock();
    const gone = new Set(removed);
    const kept = whole ? new Set(added.map(({ id }) => id)) : undefined;
    let lost = 0;
    for (const [id, { until }] of state.entries) {
      if (until > now && (kept ? kept.has(id) : !gone.has(id))) continue;
      forget(state, id);
      lost++;
    }
    // The same order whatever the server's, so that it is always the same ones that a full list leaves out.
    for (const entry of added.toSorted((a, b) => Number(b.near) - Number(a.near) || a.id - b.id)) {
      const { id, near, until } = entry;
      if (until <= now || (!state.entries.has(id) && state.entries.size >= mostEntries)) continue;
      if (!state.entries.has(id)) (near ? state.near : state.far).add(id);
      state.entries.set(id, entry);
    }
    return whole || lost > 0 ? withdraw(feed, state, now) : false;
  };

  /** Releases bans and withdraws proposals of this feed whose target it holds no more. */
  const withdraw = async (feed: string, state: FeedState, now: number): Promise<boolean> => {
    // By target and not by number: lists are published anew under other numbers every few hours.
    const holding = new Set([...state.entries.values()].map(({ target }) => customer(target)));
    const gone = (await store.decisions({ active: true, limit: 200_000 })).filter(
      (decision) => decision.feed?.name === feed && decision.until > now + slack && !holding.has(customer(decision.target)),
    );
    const note = text(language, "respond.released_by", { who: feed });
    const rows = await ledger.advance(
      gone.map(({ id }) => ({ id, to: "released" as const, note })),
      now,
    );
    for (const { id } of rows) onRelease(id);
    for (const { id, origin, target } of await pending()) {
      if (origin.kind === "feed" && origin.name === feed && !holding.has(customer(target))) await store.decide(id, "expired", feed, now, {});
    }
    // What stood behind a released ban comes into sight.
    if (rows.length > 0) for (const id of state.shadowed.keys()) state.shadowed.set(id, now);
    const [only] = rows;
    if (!only) return false;
    const common = { kind: "released", level: "info", at: now } as const;
    if (rows.length === 1) {
      const words = text(language, "notice.feed_released", { target: only.target, feed });
      onNotice({ ...common, key: `released:${only.id}`, text: words, target: only.target, decision: only });
    } else onNotice({ ...common, key: `released:${feed}:${now}`, text: text(language, "notice.feed_released_many", { count: rows.length, feed }) });
    return true;
  };

  const pending = async (): Promise<readonly Proposal[]> =>
    (await store.proposals({ state: "pending", limit: 10_000 })).filter(({ origin }) => origin.kind === "feed");

  /** A local alarm in `auto` must find room below the caps, whatever a list brings: feeds fill them to the half only. */
  const roomToAct = (now: number): number => {
    const { minute: bans, cycle } = load(now);
    return Math.min(Math.ceil(limits.bansPerMinute / 2) - bans, Math.ceil(limits.bansPerCycle / 2) - cycle);
  };

  const offer: Feeds["offer"] = async () => {
    let decided = false;
    for (const [feed, state] of states) if (await offerOf(feed, state)) decided = true;
    return decided;
  };

  const offerOf = async (feed: string, state: FeedState): Promise<boolean> => {
    const now = clock();
    for (const [id, again] of state.shadowed) if (again <= now) show(state, id);
    const level = policy.levels.high;
    const answer: Answer = level === "ignore" ? "ignore" : policy.mode === "watch" ? "record" : policy.mode === "ask" ? "ask" : level;
    const waiting = [...first(state.near, atOnce), ...first(state.far, atOnce)].slice(0, atOnce);
    if (answer === "ignore" || waiting.length === 0) return false;
    let asks = answer === "record" ? 0 : mostPending - (await pending()).length;
    let acts = roomToAct(now);
    const proposals: Proposal[] = [];
    const decisions: Decision[] = [];
    for (const id of waiting) {
      if (answer === "ask" ? asks <= 0 : answer === "act" && acts <= 0) break;
      const entry = state.entries.get(id) as FeedEntry;
      const made = await consider(feed, state, entry, answer, now, proposals);
      if (!made) continue;
      if (made.proposal.state === "pending" && asks-- <= 0) {
        // The guard wants a person for this one, and enough wait for a person already: the others go on.
        hide(state, id, now + lookAgain);
        continue;
      }
      settle(state, id);
      proposals.push(made.proposal);
      if (made.decision) decisions.push(made.decision);
      if (made.decision?.state !== "decided") continue;
      onBan(made.decision);
      acts--;
    }
    if (proposals.length > 0) await ledger.record(decisions, { proposals });
    tell(feed, state, proposals, now);
    return decisions.some(({ state }) => state === "decided");
  };

  const consider = async (
    feed: string,
    state: FeedState,
    entry: FeedEntry,
    answer: Answer,
    now: number,
    beside: readonly Proposal[],
  ): ReturnType<Intake["consider"]> => {
    const { id, target, until } = entry;
    const ttl = Math.floor(Math.min(until - now, longest) / 1_000);
    const [name, ...neighbours] = namesOf(feed, entry);
    if (ttl < 1 || (await anyKnown([name, ...neighbours]))) {
      settle(state, id);
      return undefined;
    }
    const again = await banEnd(target, now);
    const scenario = sanitize(entry.scenario, 80);
    const origin: Origin = { kind: "feed", name: feed, scenario, id };
    const reason = sanitize(text(language, "respond.by_feed", { feed, scenario }), 119);
    const wish = { id: name, target, claim: undefined, origin, answer, reason, level: "high", case: undefined, score: 0, why: [], evidence: [], ttl } as const;
    const made = again === undefined ? await ways.consider(wish, beside) : undefined;
    if (!made) hide(state, id, Math.min(now + lookAgain, again ?? Infinity));
    return made;
  };

  const anyKnown = async (names: readonly string[]): Promise<boolean> => {
    for (const name of names) if (await store.proposal(name)) return true;
    return false;
  };

  /** When the ban that covers `target` ends; undefined where there is none. */
  const banEnd = async (target: string, now: number): Promise<number | undefined> => {
    const network = parseCidr(target);
    let end: number | undefined;
    for (const held of await store.decisions({ active: true, at: now, target, limit: 100 })) {
      const over = parseCidr(held.target);
      if (network && over && covers(over, network)) end = Math.max(end ?? 0, held.until);
    }
    return end;
  };

  /** A few are told like any other; of a list only what became of it. */
  const tell = (feed: string, state: FeedState, proposals: readonly Proposal[], now: number): void => {
    const { tally } = state;
    const waiting = state.near.size + state.far.size;
    const told = tally.proposed + tally.banned + tally.recorded + tally.refused;
    if (waiting === 0 && told === 0 && proposals.length <= toldSingly) {
      for (const proposal of proposals) ways.tell(proposal);
      return;
    }
    for (const { state: outcome } of proposals) {
      if (outcome === "pending") tally.proposed++;
      else if (outcome === "refused") tally.refused++;
      else if (outcome === "recorded") tally.recorded++;
      else tally.banned++;
    }
    if (proposals.length + told === 0 || (waiting > 0 && now - state.toldAt < tellAgain)) return;
    const level = tally.proposed > 0 ? "warning" : "info";
    onNotice({ key: `feed:${feed}:${now}`, kind: "feed", level, at: now, text: text(language, "notice.feed", { feed, ...tally, waiting }) });
    state.toldAt = now;
    Object.assign(tally, { proposed: 0, banned: 0, recorded: 0, refused: 0 });
  };

  return { take, offer };
}

function forget(state: FeedState, id: number): void {
  state.entries.delete(id);
  for (const set of [state.near, state.far, state.settled, state.shadowed]) set.delete(id);
}

function settle(state: FeedState, id: number): void {
  for (const set of [state.near, state.far, state.shadowed]) set.delete(id);
  state.settled.add(id);
}

function hide(state: FeedState, id: number, until: number): void {
  state.near.delete(id);
  state.far.delete(id);
  state.shadowed.set(id, until);
}

function show(state: FeedState, id: number): void {
  state.shadowed.delete(id);
  (state.entries.get(id)?.near ? state.near : state.far).add(id);
}

function first(ids: ReadonlySet<number>, count: number): readonly number[] {
  return ids.values().take(count).toArray();
}

/** What the guard bans for an address: itself, or the /64 of an IPv6 address. */
function customer(target: string): string {
  return networkOf(target, 32, 64) ?? target;
}

/**
 * Proposal ids of an entry, its own first. Numbers start again when a feed's database is made anew, so the end is part of the
 * name, in steps of 10 minutes; what was named beside a step's edge is found under the neighbouring step.
 */
function namesOf(feed: string, { id, target, until }: FeedEntry): readonly [string, ...string[]] {
  const step = Math.round(until / lookAgain);
  const name = (at: number): string => shortId("p", "feed", feed, id, target, at);
  return [name(step), name(step - 1), name(step + 1)];
}
