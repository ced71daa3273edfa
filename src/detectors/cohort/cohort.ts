import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import { type Signal } from "#core/signal.ts";
import type { Language } from "#core/text/text.ts";
import { noSignals, type Detector } from "#contracts/detector.ts";
import type { LogRecord } from "#contracts/source.ts";
import { behaviourReader, noBehaviour, signIn, webRequest, type Behaviour, type BehaviourReader } from "../behaviour/behaviour.ts";
import { attackClasses } from "../behaviour/path-facts.ts";
import { eventClock, type EventClockState } from "../behaviour/event-clock.ts";
import { mix } from "../behaviour/generation-cache.ts";
import { networkOf } from "#core/ip.ts";
import { cusum, type CusumState } from "./cusum.ts";
import { evaluateToken, guessedSuspects, type Evaluation, type Site } from "./evaluate.ts";
import { profiles, suspiciousProbe } from "./profiles.ts";
import { isToldAlready, reportCohort, reportNetworks, type Known } from "./report.ts";
import { tokenTable, type Token, type View } from "./tokens.ts";

export interface CohortOptions {
  readonly maxTokens?: number;
  /** Log-odds at which a group is reported, and from which a ban of its members is proposed. */
  readonly report?: number;
  readonly act?: number;
  /** Addresses that are what they say (crawlers, own monitoring): never members. */
  readonly isVerified?: (address: string) => boolean;
  /** Language of titles. */
  readonly language?: Language;
  readonly reader?: BehaviourReader;
}

interface CohortState {
  readonly version: 3;
  readonly clock: EventClockState;
  readonly profiles: unknown;
  readonly tokens: ReturnType<ReturnType<typeof tokenTable>["snapshot"]>;
  readonly cusums: readonly CusumState[];
  readonly site: Site;
  readonly known: readonly Known[];
  readonly waiting: readonly number[];
  readonly step: readonly [number, number, number, number, number];
}

const stepLength = 600_000;
const hour = 3_600_000;
const soonest = 10_000;
/** Members from which a quarter more is news enough for a while. */
const large = 256;
const sweepEach = 5_000;

/**
 * Finds groups whose members each stay under every threshold. The shape is that of Javed and Paxson (Detecting Stealthy, Distributed SSH
 * Brute-Forcing, CCS 2013): the site's totals tell that an epoch is on (CUSUM), then participants are sorted from those who do not belong.
 * A group is a token (a way to sign in, a probed path, alone or with an agent string or a /16) with more *suspects* than this site usually
 * has, where a suspect is a source whose own events speak against it: it did nothing but this. So crowds of people are no groups, however sudden.
 *
 * Stated false-alarm rate: reported at posterior odds of 99 : 1 and actionable at 999 : 1 from a prior of 1 : 49 for a surprising token.
 */
export function cohortDetector(options: CohortOptions = {}): Detector {
  const telling = { act: options.act ?? Math.log(999), language: options.language ?? "en" };
  const { read, table } = options.reader ?? behaviourReader();
  const people = profiles(table);
  const tokens = tokenTable(options.maxTokens ?? 2_048);
  const clock = eventClock();
  const failing = cusum();
  const arriving = cusum();
  let site: Site = { activeSources: 0, hourSources: 0, hourStart: Number.NaN, agents: new Map(), agentTotal: 0 };
  let known: Known[] = [];
  let stepStart = Number.NaN;
  let stepEvents = 0;
  let stepFailures = 0;
  let stepSuspects = 0;
  /** Tokens that grew lately, and when they were last gone through. */
  let waiting = new Set<number>();
  let sweptAt = 0;
  const reportFrom = options.report ?? Math.log(99);

  const evaluate = (token: Token, now: number, final: boolean): Evaluation | undefined =>
    evaluateToken(token, {
      people,
      site,
      now,
      final,
      epoch: Math.max(failing.level, arriving.level),
      report: reportFrom,
      ...(options.isVerified ? { isVerified: options.isVerified } : {}),
    });

  /** Closes ten-minute steps and hours that have passed; long gaps count as one. */
  const turn = (now: number): void => {
    if (Number.isNaN(stepStart) || now < stepStart - hour) {
      stepStart = now;
      site.hourStart = now;
      return;
    }
    if (now - stepStart >= stepLength) {
      failing.step(stepEvents === 0 ? 0 : (10 * stepFailures) / (stepEvents + 10));
      arriving.step(Math.log1p(stepSuspects));
      stepStart = now;
      stepEvents = 0;
      stepFailures = 0;
      stepSuspects = 0;
    }
    if (now - site.hourStart >= hour) closeHour(now);
  };
  /** What this hour taught each token: how many suspects are usual at this time of the day. */
  const closeHour = (now: number): void => {
    const hourOfDay = Math.floor(site.hourStart / hour) % 24;
    const guess = guessedSuspects(site);
    const busy = new Set(known.filter((k) => now - k.last < 2 * hour).map((k) => k.token));
    const since = Math.floor(site.hourStart / 1_000);
    for (const token of tokens.all.values()) {
      tokens.keepSince(token, now - 24 * hour);
      if (busy.has(token.hash)) continue;
      let suspects = 0;
      const { members } = token;
      for (let i = 0; i < members.size; i++) if ((members.seconds[i] as number) >= since && people.posterior(members.slots[i] as number, 0) >= 2) suspects++;
      token.usual ??= new Float64Array(24).fill(Number.NaN);
      const before = token.usual[hourOfDay] as number;
      token.usual[hourOfDay] = Number.isNaN(before) ? Math.min(suspects, guess + 3) : before + 0.2 * (Math.min(suspects, 2 * before + 3) - before);
    }
    site.activeSources = site.activeSources === 0 ? site.hourSources : site.activeSources + 0.2 * (site.hourSources - site.activeSources);
    site.hourSources = 0;
    site.hourStart = now;
    if (site.agentTotal > 20_000) {
      site.agentTotal /= 2;
      for (const [agent, count] of site.agents)
        if (count < 2) site.agents.delete(agent);
        else site.agents.set(agent, count / 2);
    }
    known = known.filter((k) => now - k.last < 24 * hour).slice(-256);
  };

  const settle = (token: Token, now: number, final: boolean): readonly Signal[] => {
    token.evaluatedSize = token.members.size;
    token.evaluatedAt = now;
    token.news = 0;
    if (!final && isToldAlready(token.hash, token.members.size, known)) return noSignals;
    const found = evaluate(token, now, final);
    if (!found) return noSignals;
    const signal = reportCohort(found, people, known, telling);
    if (!signal) return noSignals;
    return [signal, ...reportNetworks(found, people, known, telling)];
  };
  /** Names the token of the event at hand; only called for a new token. */
  let current: Behaviour | undefined;
  const describe = (view: View): Record<string, string> => {
    const b = current as Behaviour;
    if (view === "class") return { "haechi.attack": attackClasses[b.attack] ?? "any" };
    if (view === "user") return { "user.name": ownString(b.user.slice(0, 200)) };
    const by: Record<string, string> =
      b.kind !== webRequest
        ? { "event.action": "sign_in" }
        : b.webLogin
          ? { "http.request.method": ownString(b.method.slice(0, 40)), "url.path": b.path.path }
          : { "haechi.attack": "any" };
    if (view === "agent") by["user_agent.original"] = b.agent.agent;
    if (view === "network") by["source.network"] = networkOf(b.address, 16, 32) ?? ownString(b.address);
    return by;
  };
  const carry = (hash: number, slot: number, b: Behaviour, now: number, kind: Token["kind"], view: View, before: readonly Signal[]): readonly Signal[] => {
    const token = tokens.touch(mix(hash), slot, mix(b.low ^ Math.imul(b.high, 31)), now, kind, describe, view);
    if (token.news === 0 || token.members.size < 8) return before;
    const grown = token.news >= Math.max(4, token.evaluatedSize / 4);
    if (!grown && (token.news === 0 || token.evaluatedSize >= 64 || now - token.evaluatedAt < stepLength)) return before;
    token.wait = token.members.size > large ? 8 * soonest : soonest;
    waiting.add(token.hash);
    const found = settle(token, now, false);
    return found.length === 0 ? before : [...before, ...found];
  };
  const suspicious = (slot: number, b: Behaviour, now: number): readonly Signal[] => {
    current = b;
    const block = b.high === 0xffffffff ? b.low >>> 16 : b.high;
    if (b.kind !== webRequest) {
      let out = carry(4, slot, b, now, "sign-in", "all", noSignals);
      out = carry(b.userHash ^ 5, slot, b, now, "sign-in", "user", out);
      return carry(block ^ 0x60000000, slot, b, now, "sign-in", "network", out);
    }
    const kind = b.webLogin ? "sign-in" : "probe";
    // Probers share word lists, not single paths: that they probe is the token, and the class of what they ask for.
    const what = b.webLogin ? b.path.shapeHash : 7;
    let out = carry(what ^ 1, slot, b, now, kind, "all", noSignals);
    if (b.agent.hash !== 0) out = carry(what ^ mix(b.agent.hash ^ 2), slot, b, now, kind, "agent", out);
    out = carry(what ^ mix(block ^ 3), slot, b, now, kind, "network", out);
    return b.webLogin ? out : carry(b.attack + 77, slot, b, now, kind, "class", out);
  };
  /** Members settle, and the last few come, after a token grew: it is looked at again for ten minutes, ever more rarely. */
  const lookAgain = (now: number): readonly Signal[] => {
    sweptAt = now;
    let out = noSignals;
    for (const hash of waiting) {
      const token = tokens.all.get(hash);
      if (token && now - token.evaluatedAt < token.wait && now >= token.evaluatedAt) continue;
      if (!token || (token.wait *= 2) > stepLength) waiting.delete(hash);
      const found = token ? settle(token, now, false) : noSignals;
      if (found.length > 0) out = [...out, ...found];
    }
    return out;
  };
  const noteAgent = (b: Behaviour): void => {
    if (!b.fresh) return;
    site.hourSources++;
    if (b.agent.hash === 0) return;
    site.agentTotal++;
    const count = site.agents.get(b.agent.hash);
    if (count !== undefined || site.agents.size < 4_096) site.agents.set(b.agent.hash, (count ?? 0) + 1);
  };

  return {
    name: "cohort",
    observe(event: LogEvent, record: LogRecord) {
      const b = read(event);
      if (b.kind === noBehaviour) return noSignals;
      const now = clock.advance(b.time);
      turn(now);
      const { slot } = b;
      people.note(b, now);
      noteAgent(b);
      stepEvents++;
      if (b.failure) stepFailures++;
      if (b.kind === signIn && b.success) people.userSucceeded(b.userHash);
      const against = b.kind === webRequest ? (b.webLogin && b.status < 500 && b.status !== 429) || suspiciousProbe(b) : b.kind === signIn && b.failure;
      const again = waiting.size > 0 && Math.abs(now - sweptAt) >= sweepEach ? lookAgain(now) : noSignals;
      if (!against) return again;
      if (b.fresh) stepSuspects++;
      people.keep(slot, b, event, record);
      const found = suspicious(slot, b, now);
      return again.length === 0 ? found : [...again, ...found];
    },
    finish() {
      const now = clock.now;
      const out: Signal[] = [];
      // The heaviest first, so that what is reported does not depend on who came first.
      const heavy = [...tokens.all.values()].filter((token) => token.members.size >= 8).toSorted((a, z) => z.members.size - a.members.size || a.hash - z.hash);
      for (const token of heavy) out.push(...settle(token, now, true));
      return out;
    },
    snapshot: (): CohortState => ({
      version: 3,
      clock: clock.snapshot(),
      profiles: people.snapshot(),
      tokens: tokens.snapshot(),
      cusums: [failing.snapshot(), arriving.snapshot()],
      site: structuredClone(site),
      known: structuredClone(known),
      waiting: [...waiting],
      step: [sweptAt, stepStart, stepEvents, stepFailures, stepSuspects],
    }),
    restore(state) {
      const from = state as CohortState;
      if (from.version !== 3) throw new RangeError("cohort: state of another version");
      clock.restore(from.clock);
      people.restore(from.profiles);
      tokens.restore(from.tokens);
      failing.restore(from.cusums[0] as CusumState);
      arriving.restore(from.cusums[1] as CusumState);
      site = structuredClone(from.site);
      known = structuredClone(from.known) as Known[];
      waiting = new Set(from.waiting);
      [sweptAt, stepStart, stepEvents, stepFailures, stepSuspects] = from.step;
    },
    get evictions() {
      return table.evictions + tokens.evictions;
    },
  };
}
