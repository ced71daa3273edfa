import { eventCount, type LogEvent } from "#core/event.ts";
import { networkOf } from "#core/ip.ts";
import { ownString } from "#core/own-string.ts";
import type { Actor, EvidenceReference, Signal } from "#core/signal.ts";
import type { Language } from "#core/text/text.ts";
import { noSignals, type Detector } from "#contracts/detector.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { Correlator } from "#sigma/correlation.ts";
import type { RuleSet } from "#sigma/load.ts";
import { logsourceMatches } from "#sigma/taxonomy.ts";
import { generationCache } from "../behaviour/generation-cache.ts";
import { episodes, type Opening } from "../episodes.ts";
import { groupKey, makeCells, type Cell, type Cells } from "./cells.ts";
import { dispatch } from "./dispatch.ts";
import { planRules, type Feed, type PlannedCorrelation, type PlannedRule, type Slot, type Table } from "./plan.ts";
import { addLine, newTrail, since } from "./trail.ts";

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
  /** Of correlations that are not counted in cells. */
  readonly correlators: readonly unknown[];
  readonly tables: readonly unknown[];
  readonly episodes: unknown;
  readonly leads: ReadonlyMap<string, number>;
  readonly newest: number;
  readonly nextClose: number;
}

/** What a correlation says when it fires. */
interface Hit {
  /** Events behind it, at least. */
  readonly count: number;
  /** Event time of the earliest. */
  readonly first: number;
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
  const { maxKeys, lateTolerance } = options;
  const plan = planRules(ruleSet, options.language ?? "en", lateTolerance);
  const way = dispatch(plan.rules.map(({ compiled }) => compiled));
  const candidates = new Int32Array(plan.rules.length);
  const open = episodes("sigma-rules", plan.episodes, maxKeys);
  const tables = plan.tables.map(({ fields, correlations, slots, span }) => makeCells({ fields, correlations, slots, span, maxKeys }));
  /** Sigma's general correlators, for the forms that cells do not count. */
  const makeCorrelators = (saved?: readonly unknown[]): (Correlator | undefined)[] =>
    plan.correlations.map(({ compiled, measure }, index) =>
      measure ? undefined : compiled.correlator({ maxKeys, lateTolerance, ...(saved && { snapshot: saved[index] }) }),
    );
  let correlators = makeCorrelators();
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
  /** The event's cells by table, and those of its /64. */
  const cells: (Cell | undefined)[] = plan.tables.map(() => undefined);
  const wideCells: (Cell | undefined)[] = plan.tables.map(() => undefined);
  const lookedUp: number[] = [];
  /** Hits of the event by correlation: its own, and its /64's. */
  const hits: (Hit | undefined)[] = plan.correlations.map(() => undefined);
  const wideHits: (Hit | undefined)[] = plan.correlations.map(() => undefined);
  const fired: number[] = [];
  /** The event as episodes see it; made once, filled for each event. */
  const touch = {
    time: 0,
    weight: 1,
    reference: (): EvidenceReference => evidence(),
    user: undefined as string | undefined,
    path: undefined as string | undefined,
    signedIn: undefined as (() => number) | undefined,
  };

  const evidence = (): EvidenceReference => {
    const text = record.text.length > lineLength ? record.text.slice(0, lineLength) : record.text;
    return (reference ??= { source: record.source, line: record.line, offset: record.offset, time, message: ownString(text) });
  };
  const take = (signals: readonly Signal[]): void => {
    if (signals.length > 0) (out ??= []).push(...signals);
  };
  const observe = (correlation: number, planned: PlannedCorrelation, feed: Feed, isWide: boolean): Hit | undefined => {
    const of = isWide ? (wide as LogEvent) : event;
    const cell = (isWide ? wideCells : cells)[planned.table];
    const { measure, fields, place } = planned;
    if (!measure) return (correlators[correlation] as Correlator).observe(feed.key, of, time, weight);
    if (!cell) return undefined;
    const tag = fields.length > 0 ? groupKey(fields, of) : feed.position;
    if (tag === undefined) return undefined;
    let window = cell.windows[place];
    if (!window) {
      window = cell.windows[place] = measure.create();
      (tables[planned.table] as Cells).grew(window.places);
    }
    const before = window.places;
    const fires = measure.add(window, tag, time, weight);
    if (window.places !== before) (tables[planned.table] as Cells).grew(window.places - before);
    return fires ? window : undefined;
  };
  const feed = (feeds: readonly Feed[], isWide: boolean): void => {
    const into = isWide ? wideHits : hits;
    for (let i = 0; i < feeds.length; i++) {
      const to = feeds[i] as Feed;
      const planned = plan.correlations[to.correlation] as PlannedCorrelation;
      if (isWide && planned.kind !== "address") continue;
      const hit = observe(to.correlation, planned, to, isWide);
      if (hit === undefined) continue;
      // A correlation that several matching rules feed fires once an event.
      const isNew = into[to.correlation] === undefined;
      if (isNew && hits[to.correlation] === undefined && wideHits[to.correlation] === undefined) fired.push(to.correlation);
      into[to.correlation] = hit;
      if (isNew && planned.feeds.length > 0) feed(planned.feeds, isWide);
    }
  };
  const keepLine = (rule: PlannedRule, from: readonly (Cell | undefined)[]): void => {
    for (let i = 0; i < rule.slots.length; i++) {
      const { table, place, span } = plan.slots[rule.slots[i] as number] as Slot;
      const cell = from[table];
      if (!cell) continue;
      const trail = (cell.trails[place] ??= newTrail());
      const before = trail.characters;
      addLine(trail, time, evidence, touch.user, touch.path, span);
      (tables[table] as Cells).grew(trail.characters - before);
    }
  };
  const otherActor = (): Actor => {
    if (address !== undefined) return addressActor(address);
    return touch.user !== undefined ? userActor(touch.user) : { kind: "site", id: ownString(textOf(event["host.name"]) ?? record.source) };
  };
  /** What the lines kept so far say of a correlation that fires for the cell. */
  const openingOf = (planned: PlannedCorrelation, hit: Hit, cell: Cell | undefined): Opening => {
    const from = hit.first - planned.reach;
    const parts = planned.slots.map((slot) => cell?.trails[(plan.slots[slot] as Slot).place]).flatMap((trail) => (trail ? [since(trail, from)] : []));
    const refs = [...new Set([...parts.flatMap((part) => part.refs), evidence()])].toSorted((a, b) => a.time - b.time || a.line - b.line);
    const users = [...new Set(parts.flatMap((part) => part.users))];
    const paths = [...new Set(parts.flatMap((part) => part.paths))];
    if (users.length === 0 && touch.user !== undefined) users.push(ownString(touch.user));
    if (paths.length === 0 && touch.path !== undefined) paths.push(ownString(touch.path));
    return { count: Math.max(hit.count, refs.length), first: Math.min(hit.first, refs[0]?.time ?? hit.first), evidence: refs, users, paths };
  };
  /** Different users who signed in from the event's address, or its /64, in the last hours. */
  const signedIn = ({ excuse, table }: PlannedCorrelation): number => {
    if (excuse === undefined) return 0;
    const { place, span } = plan.slots[excuse] as Slot;
    const users = [cells[table], wideCells[table]].flatMap((cell) => {
      const trail = cell?.trails[place];
      return trail ? since(trail, time - span).users : [];
    });
    return new Set(users).size;
  };
  const settle = (correlation: number): void => {
    const planned = plan.correlations[correlation] as PlannedCorrelation;
    const { episode, kind, place, table } = planned;
    if (episode < 0) return;
    const hit = hits[correlation];
    const wideHit = wideHits[correlation];
    const tell = (by: Hit, cell: Cell | undefined, actor: () => Actor): void => {
      // While an episode goes on, the cell remembers it.
      const known = cell?.episodes[place];
      const prolonged = known && open.prolong(episode, known, touch);
      if (prolonged) return take(prolonged);
      const who = actor();
      take(open.hit(episode, who, touch, () => openingOf(planned, by, cell)));
      if (cell) cell.episodes[place] = open.find(episode, who.id, time);
    };
    const cell = cells[table];
    touch.signedIn = planned.excuse === undefined ? undefined : () => signedIn(planned);
    if (kind === "user" && hit) return tell(hit, cell, () => userActor(touch.user ?? cell?.key ?? ""));
    if (kind === "other" && hit) return tell(hit, cell, otherActor);
    if (kind !== "address" || address === undefined) return;
    const own = address;
    if (network === undefined) {
      if (hit) tell(hit, cell, () => addressActor(own));
      return;
    }
    const whole = network;
    const by = wideHit ?? hit;
    if (by && open.find(episode, whole, time)) return tell(by, wideCells[table], () => networkActor(whole));
    const lead = `${correlation} ${whole}`;
    if (hit) {
      leads.set(lead, time);
      return tell(hit, cell, () => addressActor(own));
    }
    const led = leads.get(lead);
    if (wideHit && (led === undefined || time - led > planned.compiled.rule.timespan)) tell(wideHit, wideCells[table], () => networkActor(whole));
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
  /** Looks the event up, once for all its rules. */
  const prepare = (): void => {
    weight = eventCount(event);
    address = textOf(event["source.ip"]);
    network = address !== undefined && address.includes(":") ? network64(address) || undefined : undefined;
    wide = network === undefined ? undefined : { ...event, "source.ip": network };
    reference = undefined;
    touch.time = time;
    touch.weight = weight;
    touch.user = textOf(event["user.name"]);
    touch.path = textOf(event["url.path"]);
    touch.signedIn = undefined;
    for (const table of lookedUp) cells[table] = wideCells[table] = undefined;
    lookedUp.length = 0;
  };
  const lookUp = (rule: PlannedRule): void => {
    for (let i = 0; i < rule.tables.length; i++) {
      const table = rule.tables[i] as number;
      if (cells[table]) continue;
      lookedUp.push(table);
      cells[table] = (tables[table] as Cells).of(event, time);
      if (wide && (plan.tables[table] as Table).kind === "address") wideCells[table] = (tables[table] as Cells).of(wide, time);
    }
  };
  const match = (rule: PlannedRule): void => {
    lookUp(rule);
    if (rule.slots.length > 0) {
      keepLine(rule, cells);
      if (wide) keepLine(rule, wideCells);
    }
    if (rule.episode >= 0) {
      const opening = (): Opening => ({
        count: weight,
        first: time,
        evidence: [evidence()],
        users: touch.user === undefined ? [] : [ownString(touch.user)],
        paths: touch.path === undefined ? [] : [ownString(touch.path)],
      });
      take(open.hit(rule.episode, otherActor(), touch, opening));
    }
    if (rule.feeds.length === 0) return;
    feed(rule.feeds, false);
    if (wide) feed(rule.feeds, true);
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
      sources.next(given);
      let isReady = false;
      for (let i = 0; i < offered; i++) {
        const index = candidates[i] as number;
        const rule = plan.rules[index] as PlannedRule;
        if (!sources.concerns(index, given) || !rule.compiled.matches(given)) continue;
        if (!isReady) prepare();
        isReady = true;
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
        correlators: correlators.map((one) => one?.snapshot()),
        tables: tables.map((table) => table.snapshot()),
        episodes: open.snapshot(),
        leads,
        newest,
        nextClose,
      }),
    restore(state) {
      const given = state as Partial<SigmaRulesState> | undefined;
      if (given?.version !== 1 || given.fingerprint !== plan.fingerprint) throw new RangeError("sigma-rules: state of another version or of other rules");
      const from = structuredClone(given) as SigmaRulesState;
      correlators = makeCorrelators(from.correlators);
      tables.forEach((table, index) => table.restore(from.tables[index]));
      open.restore(from.episodes);
      leads = new Map(from.leads);
      newest = from.newest;
      nextClose = from.nextClose;
    },
    get evictions() {
      return [...correlators, ...tables].reduce((sum, one) => sum + (one?.evictions ?? 0), open.evictions);
    },
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
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
  let category: unknown;
  let action: unknown = Number.NaN;
  let dataset: unknown;
  let program: unknown;
  return {
    /** The next event comes. Answers stay good while it is of the same kind in all that `logsourceMatches` looks at. */
    next: (event: LogEvent): void => {
      if (event["event.action"] === action && event["event.category"] === category && event["event.dataset"] === dataset && event["process.name"] === program)
        return;
      category = event["event.category"];
      action = event["event.action"];
      dataset = event["event.dataset"];
      program = event["process.name"];
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
