import type { Contribution } from "#core/signal.ts";
import { scoreOf } from "#core/signal.ts";
import { countValues } from "./hyper-log-log.ts";
import type { Profiles } from "./profiles.ts";
import { clamp, ratio, surprise } from "./statistics.ts";
import type { Token } from "./tokens.ts";

/** What the site is used to. */
export interface Site {
  /** Sources never seen before, an hour. */
  activeSources: number;
  hourSources: number;
  hourStart: number;
  /** New sources by agent string. */
  agents: Map<number, number>;
  agentTotal: number;
}

export interface Evaluation {
  readonly token: Token;
  /** Slots of members, in order of their first event. */
  readonly members: readonly number[];
  readonly agent: number;
  readonly why: readonly Contribution[];
  readonly score: number;
  readonly first: number;
  readonly last: number;
  /** The input has ended: what has changed is told, however little. */
  readonly final: boolean;
}

export interface EvaluationContext {
  readonly people: Profiles;
  readonly site: Site;
  readonly now: number;
  readonly final: boolean;
  readonly epoch: number;
  readonly report: number;
  readonly isVerified?: (address: string) => boolean;
}

const hour = 3_600_000;
const windows = [600_000, hour, 24 * hour] as const;
/** A source seen for less than this may still turn out to be a visitor, unless it has failed as often as counts and never succeeded. */
const settling = 120_000;
const settled = 3;
const fewest = 8;
/** P(an innocent group | surprising token), stated: most surprises are crowds of people. */
const prior = 0.02;
/** Posterior of a member: odds of 19 : 1. */
const memberOdds = Math.log(19);
const mostSurprise = 6;

interface Member {
  readonly slot: number;
  /** Second of its latest event with the token. */
  readonly second: number;
  /** Event times of its first and latest suspicious event, epoch milliseconds. */
  readonly first: number;
  readonly last: number;
}

/** The group of a token, where it is one: more suspects than usual, and evidence that they attack. */
export function evaluateToken(token: Token, context: EvaluationContext): Evaluation | undefined {
  const { people, now } = context;
  const suspects: number[] = [];
  const seconds: number[] = [];
  let carriers = 0;
  const agents = new Map<number, number>();
  const { members: all } = token;
  const since = now / 1_000 - 86_400;
  for (let i = 0; i < all.size; i++) {
    const second = all.seconds[i] as number;
    if (second < since) continue;
    const slot = all.slots[i] as number;
    const firstSeen = people.firstSeen(slot);
    // The slot belongs to another source by now.
    if (firstSeen / 1_000 >= second + 1 || people.suspicious(slot) === 0) continue;
    carriers++;
    if (!context.final && now - firstSeen < settling && (people.failures(slot) < settled || people.successes(slot) > 0)) continue;
    if (people.posterior(slot, 0) < 2) continue;
    suspects.push(slot);
    seconds.push(second);
    const agent = people.agent(slot);
    agents.set(agent, (agents.get(agent) ?? 0) + 1);
  }
  if (suspects.length < fewest) return undefined;
  const [agent, agentCount] = [...agents].reduce((a, z) => (z[1] > a[1] ? z : a));
  const shared = agent !== 0 && agentCount / suspects.length >= 0.3 ? agent : 0;
  const found: Member[] = [];
  suspects.forEach((slot, i) => {
    if (people.posterior(slot, shared) < memberOdds) return;
    const held = people.held(slot);
    if (held === undefined || (context.isVerified?.(held.address) ?? false)) return;
    found.push({ slot, second: seconds[i] as number, first: held.first, last: held.last });
  });
  if (found.length < fewest) return undefined;
  const why = explainGroup(token, found, carriers, shared, agentCount / suspects.length, context);
  const score = scoreOf(why);
  if (score < context.report) return undefined;
  found.sort((a, z) => a.first - z.first || a.slot - z.slot);
  let last = 0;
  for (const member of found) last = Math.max(last, member.last);
  const members = found.map(({ slot }) => slot);
  return { token, members, agent: shared, why, score, first: (found[0] as Member).first, last, final: context.final };
}

function explainGroup(
  token: Token,
  members: readonly Member[],
  carriers: number,
  agent: number,
  agentShare: number,
  context: EvaluationContext,
): Contribution[] {
  const { people, site, now } = context;
  const why: Contribution[] = [{ feature: "base", value: prior, contribution: ratio(prior, 1 - prior) }];
  const beyond = token.sketch ? Math.max(1, countValues(token.sketch) / token.members.size) : 1;
  if (now - token.peak.at > 24 * hour) token.peak = { llr: 0, count: 0, expected: 0, epoch: 0, at: now };
  for (const window of windows) {
    let count = 0;
    for (const { second } of members) if (second >= (now - window) / 1_000) count++;
    count = Math.round(count * beyond);
    const expected = usualSuspects(token, site, now, window);
    const llr = surprise(count, expected);
    if (llr > token.peak.llr) token.peak = { llr, count, expected, epoch: 0, at: now };
  }
  const best = token.peak;
  best.epoch = Math.max(best.epoch, context.epoch);
  why.push({ feature: "distinct_sources", value: best.count, baseline: Math.round(best.expected * 100) / 100, contribution: Math.min(mostSurprise, best.llr) });
  let failures = 0;
  let successes = 0;
  let unmistakable = 0;
  let forms = 0;
  let withoutPage = 0;
  for (const { slot } of members) {
    failures += people.failures(slot) > 0 ? 1 : 0;
    successes += people.successes(slot) > 0 ? 1 : 0;
    if (people.forms(slot) > 0) {
      forms++;
      if (people.pages(slot) === 0) withoutPage++;
    }
    unmistakable += people.suspicious(slot) > 0 && token.kind === "probe" ? 1 : 0;
  }
  const clear = failures + successes;
  if (clear > 0) {
    const share = failures / clear;
    why.push({
      feature: "failure_share",
      value: round(share),
      baseline: 0.25,
      contribution: clamp(3 * (share * ratio(0.95, 0.25) + (1 - share) * ratio(0.05, 0.75)), -8, 4),
    });
  }
  if (unmistakable > 0) why.push({ feature: "probe_paths", value: unmistakable, contribution: ratio(0.5, 0.02) });
  else why.push({ feature: "sign_in_only", value: members.length, contribution: ratio(0.9, 0.2) });
  if (forms > 0) {
    // A person's browser loads the form before it posts it; programs' interfaces have no form.
    const bare = withoutPage / forms;
    why.push({ feature: "no_page_before", value: round(bare), baseline: 0.15, contribution: bare * ratio(0.8, 0.15) + (1 - bare) * ratio(0.2, 0.85) });
  }
  const share = members.length / Math.max(1, carriers);
  why.push({ feature: "member_share", value: round(share), contribution: clamp(Math.log((share + 0.05) / 0.5), -2, 0.7) });
  if (agent !== 0) {
    // Among the others: the group's own arrivals are no measure of what is usual.
    const own = Math.round(agentShare * members.length);
    const usual = (Math.max(0, (site.agents.get(agent) ?? 0) - own) + 1) / (Math.max(0, site.agentTotal - members.length) + 20);
    why.push({ feature: "agent_share", value: round(agentShare), baseline: round(usual), contribution: clamp(Math.log(agentShare / usual), -1, 2.5) });
  }
  if (best.epoch >= 1) why.push({ feature: "epoch", value: round(best.epoch), contribution: 1 });
  return why;
}

/** Suspects an hour to be guessed of a site of this size before its history tells. */
export function guessedSuspects(site: Site): number {
  return 0.5 + 0.002 * Math.max(site.activeSources, site.hourSources);
}

/** Suspects to be expected in a window: this token's own history by hour of the day, or what a site of this size has. */
function usualSuspects(token: Token, site: Site, now: number, window: number): number {
  const guess = guessedSuspects(site);
  const at = (offset: number): number => {
    const value = token.usual?.[(((Math.floor(now / hour) - offset) % 24) + 24) % 24];
    return value === undefined || Number.isNaN(value) ? guess : Math.max(guess, value);
  };
  if (window <= hour) return Math.max(0.3, (at(0) * window) / hour);
  // Until every hour of the day is known, a day is compared with nothing.
  if (!token.usual || token.usual.some(Number.isNaN)) return Number.POSITIVE_INFINITY;
  let sum = at(0);
  for (let i = 1; i < 24; i++) sum += Math.min(at(i), 10 * guess + (token.usual[(((Math.floor(now / hour) - i) % 24) + 24) % 24] as number) / 2);
  return Math.max(2, sum / 3);
}

function round(value: number): number {
  return Math.round(value * 1e3) / 1e3;
}
