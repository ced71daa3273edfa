import { eventCount, type LogEvent } from "#core/event.ts";
import { networkOf } from "#core/ip.ts";
import { ownString } from "#core/own-string.ts";
import type { Actor, EvidenceReference, Signal } from "#core/signal.ts";
import type { Language } from "#core/text/text.ts";
import { noSignals, type Detector } from "#contracts/detector.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { CompiledCorrelation, CorrelationHit, Correlator, CorrelatorOptions } from "#sigma/correlation.ts";
import type { RuleSet } from "#sigma/load.ts";
import { logsourceMatches } from "#sigma/taxonomy.ts";
import { generationCache } from "../behaviour/generation-cache.ts";
import { episodes, type Opening } from "../episodes.ts";
import { dispatch } from "./dispatch.ts";
import { fastCorrelator } from "./fast-correlator.ts";
import { planRules, type Feed, type PlannedCorrelation, type PlannedRule, type Slot } from "./plan.ts";
import { trails } from "./trails.ts";

export interface SigmaRulesOptions {
  /**
   * Groups that each correlation keeps, actors whose lines are kept, and episodes open at most. The built-in catalogue needs at
   * most about 6 KB a key when everything is full of attackers; an ordinary server stays under 50 MB at 100,000.
   */
  readonly maxKeys: number;
  /** Milliseconds that a line may be older than the newest of its group and still count. */
  readonly lateTolerance: number;
  /** Language of the titles, English by default. */
  readonly language?: Language;
}

interface SigmaRulesState {
  readonly version: 1;
  readonly fingerprint: string;
  readonly correlators: readonly unknown[];
  readonly trails: unknown;
  readonly episodes: unknown;
  readonly leads: ReadonlyMap<string, number>;
  readonly newest: number;
  readonly nextClose: number;
}

/** How often, in event time, episodes that are over are looked for. */
const closeEvery = 60_000;
/** Characters of a line kept as evidence. */
const lineLength = 1_024;

/**
 * The Sigma rules and correlations of `ruleSet` as a detector. A rule gives a signal for who is behind its hits: the address
 * or the user a correlation counts by, else the event's address, else its user, else the site. IPv6 addresses are counted
 * alone and together with their /64, and reported as whichever fires: the network only where no single address did.
 */
export function sigmaRules(ruleSet: RuleSet, options: SigmaRulesOptions): Detector {
  const plan = planRules(ruleSet, options.language ?? "en");
  const { maxKeys, lateTolerance } = options;
  const way = dispatch(plan.rules.map(({ compiled }) => compiled));
  const candidates = new Int32Array(plan.rules.length);
  const open = episodes("sigma-rules", plan.episodes, maxKeys);
  const kept = trails(plan.slots.length, maxKeys);
  let correlators = plan.correlations.map(({ compiled }) => makeCorrelator(compiled, { maxKeys, lateTolerance }));
  const sources = logSources(plan.rules);
  /** Time an address of a /64 fired by itself, by correlation and network: while that is fresh the network says nothing new. */
  let leads = new Map<string, number>();
  let newest = Number.NEGATIVE_INFINITY;
  let nextClose = Number.NEGATIVE_INFINITY;

  const remembered = 8_192;
  const addressActor = generationCache(remembered, (id): Actor => ({ kind: "ip", id }));
  const networkActor = generationCache(remembered, (id): Actor => ({ kind: "network", id }));
  const userActor = generationCache(remembered, (id): Actor => ({ kind: "user", id }));
  const network64 = generationCache(remembered, (address) => networkOf(address, 32, 64) ?? "");

  // What is known of the event at hand; set anew by `observe`.
  let event: LogEvent = { "@timestamp": 0 };
  let record: LogRecord = { source: "", text: "", line: 0, offset: -1, writtenBy: 0 };
  let time = 0;
  let weight = 1;
  let address: string | undefined;
  let network: string | undefined;
  let wide: LogEvent | undefined;
  let reference: EvidenceReference | undefined;
  let out: Signal[] | undefined;
  /** Hits of the event by correlation: its own, and its /64's. */
  const hits: (CorrelationHit | undefined)[] = plan.correlations.map(() => undefined);
  const wideHits: (CorrelationHit | undefined)[] = plan.correlations.map(() => undefined);
  const fired: number[] = [];

  const evidence = (): EvidenceReference => {
    const text = record.text.length > lineLength ? record.text.slice(0, lineLength) : record.text;
    return (reference ??= { source: record.source, line: record.line, offset: record.offset, time, message: ownString(text) });
  };
  const take = (signals: readonly Signal[]): void => {
    if (signals.length > 0) (out ??= []).push(...signals);
  };
  const feed = (feeds: readonly Feed[], of: LogEvent, into: (CorrelationHit | undefined)[], isWide: boolean): void => {
    for (let i = 0; i < feeds.length; i++) {
      const { correlation, key } = feeds[i] as Feed;
      const planned = plan.correlations[correlation] as PlannedCorrelation;
      if (isWide && planned.kind !== "address") continue;
      const hit = (correlators[correlation] as Correlator).observe(key, of, time, weight);
      if (hit === undefined) continue;
      // A correlation that several matching rules feed fires once an event.
      const isNew = into[correlation] === undefined;
      if (isNew && hits[correlation] === undefined && wideHits[correlation] === undefined) fired.push(correlation);
      into[correlation] = hit;
      if (isNew && planned.feeds.length > 0) feed(planned.feeds, of, into, isWide);
    }
  };
  const keepLine = (rule: PlannedRule): void => {
    const user = textOf(event["user.name"]);
    const path = textOf(event["url.path"]);
    for (let i = 0; i < rule.slots.length; i++) {
      const slot = rule.slots[i] as number;
      const { kind, groupBy, span } = plan.slots[slot] as Slot;
      const key = kind === "address" ? address : kind === "user" ? user : groupKey(groupBy, event);
      if (key === undefined) continue;
      kept.add(slot, key, evidence(), user, path, span);
      if (kind === "address" && network !== undefined) kept.add(slot, network, evidence(), user, path, span);
    }
  };
  const otherActor = (): Actor => {
    if (address !== undefined) return addressActor(address);
    const user = textOf(event["user.name"]);
    return user !== undefined ? userActor(user) : { kind: "site", id: ownString(textOf(event["host.name"]) ?? record.source) };
  };
  const count = (episode: number, actor: Actor, opening: () => Opening): void =>
    take(open.hit(episode, { actor, time, weight, reference: evidence(), user: textOf(event["user.name"]), path: textOf(event["url.path"]) }, opening));
  /** What the lines kept so far say of a correlation that fires for `key`. */
  const openingOf = (planned: PlannedCorrelation, hit: CorrelationHit, key: string): Opening => {
    const from = hit.first - planned.reach;
    const parts = planned.slots.map((slot) => kept.since(slot, key, from));
    const refs = [...new Set([...parts.flatMap((part) => part.refs), evidence()])].toSorted((a, b) => a.time - b.time || a.line - b.line);
    const users = [...new Set(parts.flatMap((part) => part.users))];
    const paths = [...new Set(parts.flatMap((part) => part.paths))];
    const user = textOf(event["user.name"]);
    const path = textOf(event["url.path"]);
    if (users.length === 0 && user !== undefined) users.push(ownString(user));
    if (paths.length === 0 && path !== undefined) paths.push(ownString(path));
    return { count: Math.max(hit.count, refs.length), first: Math.min(hit.first, refs[0]?.time ?? hit.first), evidence: refs, users, paths };
  };
  const settle = (correlation: number): void => {
    const planned = plan.correlations[correlation] as PlannedCorrelation;
    const hit = hits[correlation];
    const wideHit = wideHits[correlation];
    const { episode, kind } = planned;
    if (episode < 0) return;
    const tell = (by: CorrelationHit, actor: Actor, key: string): void => count(episode, actor, () => openingOf(planned, by, key));
    if (kind === "user" && hit) tell(hit, userActor(textOf(event["user.name"]) ?? hit.key), hit.key);
    else if (kind === "other" && hit) tell(hit, otherActor(), hit.key);
    else if (kind === "address" && address !== undefined) {
      if (network === undefined) {
        if (hit) tell(hit, addressActor(address), address);
        return;
      }
      const by = wideHit ?? hit;
      if (by && open.isOpen(episode, network, time)) return tell(by, networkActor(network), network);
      const lead = `${correlation} ${network}`;
      if (hit) {
        leads.set(lead, time);
        return tell(hit, addressActor(address), address);
      }
      const led = leads.get(lead);
      if (wideHit && (led === undefined || time - led > planned.compiled.rule.timespan)) tell(wideHit, networkActor(network), network);
    }
  };
  const closeIdle = (): void => {
    nextClose = newest + closeEvery;
    take(open.close(newest - lateTolerance));
    for (const [lead, at] of leads) {
      const span = plan.correlations[Number.parseInt(lead, 10)]?.compiled.rule.timespan ?? 0;
      if (newest - at > span + lateTolerance) leads.delete(lead);
    }
    // Past the cap the oldest leads go: at worst a network is told beside its address.
    for (const lead of leads.keys()) {
      if (leads.size <= maxKeys) break;
      leads.delete(lead);
    }
  };
  const match = (rule: PlannedRule): void => {
    if (rule.slots.length > 0) keepLine(rule);
    if (rule.episode >= 0) {
      const opening = (): Opening => {
        const user = textOf(event["user.name"]);
        const path = textOf(event["url.path"]);
        return {
          count: weight,
          first: time,
          evidence: [evidence()],
          users: user === undefined ? [] : [ownString(user)],
          paths: path === undefined ? [] : [ownString(path)],
        };
      };
      count(rule.episode, otherActor(), opening);
    }
    if (rule.feeds.length === 0) return;
    feed(rule.feeds, event, hits, false);
    if (network === undefined) return;
    wide ??= { ...event, "source.ip": network };
    feed(rule.feeds, wide, wideHits, true);
  };

  return {
    name: "sigma-rules",
    observe(given, from) {
      const offered = way.candidates(given, candidates);
      time = given["@timestamp"];
      if (offered === 0 && time < nextClose) return noSignals;
      if (!Number.isFinite(time)) return noSignals;
      event = given;
      record = from;
      out = undefined;
      if (time > newest) newest = time;
      if (newest >= nextClose) closeIdle();
      sources.next();
      let isReady = false;
      for (let i = 0; i < offered; i++) {
        const index = candidates[i] as number;
        const rule = plan.rules[index] as PlannedRule;
        if (!sources.concerns(index, given) || !rule.compiled.matches(given)) continue;
        if (!isReady) {
          isReady = true;
          weight = eventCount(given);
          address = textOf(given["source.ip"]);
          network = address !== undefined && address.includes(":") ? network64(address) || undefined : undefined;
          wide = undefined;
          reference = undefined;
        }
        match(rule);
      }
      if (fired.length > 0) {
        for (const correlation of fired) settle(correlation);
        for (const correlation of fired) hits[correlation] = wideHits[correlation] = undefined;
        fired.length = 0;
      }
      return out ?? noSignals;
    },
    finish: () => open.finish(),
    snapshot: (): SigmaRulesState =>
      structuredClone({
        version: 1,
        fingerprint: plan.fingerprint,
        correlators: correlators.map((one) => one.snapshot()),
        trails: kept.snapshot(),
        episodes: open.snapshot(),
        leads,
        newest,
        nextClose,
      }),
    restore(state) {
      const given = state as Partial<SigmaRulesState> | undefined;
      if (given?.version !== 1 || given.fingerprint !== plan.fingerprint) throw new RangeError("sigma-rules: state of another version or of other rules");
      const from = structuredClone(given) as SigmaRulesState;
      correlators = plan.correlations.map(({ compiled }, index) => makeCorrelator(compiled, { maxKeys, lateTolerance, snapshot: from.correlators[index] }));
      kept.restore(from.trails);
      open.restore(from.episodes);
      leads = new Map(from.leads);
      newest = from.newest;
      nextClose = from.nextClose;
    },
    get evictions() {
      return correlators.reduce((sum, one) => sum + one.evictions, open.evictions);
    },
  };
}

function makeCorrelator(compiled: CompiledCorrelation, options: CorrelatorOptions): Correlator {
  return fastCorrelator(compiled, options) ?? compiled.correlator(options);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Values of the fields a correlation counts by, joined as the correlator joins them; undefined where one is absent. */
function groupKey(fields: readonly string[], event: LogEvent): string | undefined {
  let key = "";
  for (let i = 0; i < fields.length; i++) {
    const value = event[fields[i] as string];
    if (value === undefined || value === null) return undefined;
    key += i === 0 ? String(value) : `\u001F${String(value)}`;
  }
  return key;
}

/** Whether rules concern an event by their `logsource`, asked once an event for each different one. */
function logSources(rules: readonly PlannedRule[]) {
  const names = new Map<string, number>();
  const distinct: PlannedRule["compiled"]["rule"]["logsource"][] = [];
  const indexes = rules.map(({ compiled }) => {
    const { category, product, service } = compiled.rule.logsource;
    const name = JSON.stringify([category, product, service]);
    const known = names.get(name);
    if (known !== undefined) return known;
    names.set(name, distinct.length);
    return distinct.push(compiled.rule.logsource) - 1;
  });
  const asked = new Uint32Array(distinct.length);
  const answers = new Uint8Array(distinct.length);
  let stamp = 0;
  return {
    /** The next event comes. */
    next: (): void => {
      stamp = (stamp + 1) >>> 0;
      if (stamp === 0) {
        asked.fill(0);
        stamp = 1;
      }
    },
    concerns: (rule: number, event: LogEvent): boolean => {
      const index = indexes[rule] as number;
      if (asked[index] !== stamp) {
        asked[index] = stamp;
        answers[index] = logsourceMatches(distinct[index] as (typeof distinct)[number], event) ? 1 : 0;
      }
      return answers[index] === 1;
    },
  };
}
