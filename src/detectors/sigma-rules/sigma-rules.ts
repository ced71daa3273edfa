import { eventCount, type LogEvent } from "#core/event.ts";
import { networkOf } from "#core/ip.ts";
import { ownString } from "#core/own-string.ts";
import type { Actor, EvidenceReference, Signal } from "#core/signal.ts";
import type { Language } from "#core/text/text.ts";
import { noSignals, type Detector } from "#contracts/detector.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { Correlator } from "#sigma/correlation.ts";
import type { RuleSet } from "#sigma/load.ts";
import { generationCache } from "../behaviour/generation-cache.ts";
import { episodes, type Opening } from "../episodes.ts";
import { budget, groupKey, makeCells, type Cell, type Cells } from "./cells.ts";
import { dispatch } from "./dispatch.ts";
import { logSources } from "./log-sources.ts";
import { planRules, type Feed, type PlannedCorrelation, type PlannedRule, type Slot, type Table } from "./plan.ts";
import { addLine, linesSince, namesSince, newTrail } from "./trail.ts";

export interface SigmaRulesOptions {
  /**
   * Groups that each list of group-by fields keeps, and episodes open at most. Windows and lines kept before a rule fires take
   * at most about 512 bytes a key in all; past that those of the groups quiet longest go first and `evictions` counts them. An open
   * episode takes some 3 KB beside that. Groups whose windows are over go by themselves.
   */
  readonly maxKeys: number;
  /** Milliseconds that a line may be older than the newest of its group and still count. */
  readonly lateTolerance: number;
  /** Language of the titles, English by default. */
  readonly language?: Language;
}

interface SigmaRulesState {
  readonly version: 2;
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
/** Characters of a line kept as evidence of what fired, and of one kept before anything did. */
const lineLength = 1_024;
const trailLineLength = 300;
/** Words of eight bytes that groups may take for each key. */
const placesPerKey = 64;

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
  const memory = budget(Math.max(16_384, maxKeys * placesPerKey));
  const tables = plan.tables.map(({ fields, correlations, slots, span }) => makeCells({ fields, correlations, slots, span, maxKeys, budget: memory }));
  /** Sigma's general correlators, for the forms that cells do not count. */
  const makeCorrelators = (saved?: readonly unknown[]): (Correlator | undefined)[] =>
    plan.correlations.map(({ compiled, measure }, index) =>
      measure ? undefined : compiled.correlator({ maxKeys, lateTolerance, ...(saved && { snapshot: saved[index] }) }),
    );
  let correlators = makeCorrelators();
  /** Correlations that sign-ins excuse, by the place of their episodes. */
  const excused = plan.episodes.map((_, episode) => plan.correlations.find((planned) => planned.episode === episode && planned.excuse !== undefined));
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
  let shortReference: EvidenceReference | undefined;
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
    signedIn: undefined as ((rule: number) => number) | undefined,
  };

  /** The event as one of its /64. Made only for what cannot be asked of the address alone. */
  const wideEvent = (): LogEvent => (wide ??= { ...event, "source.ip": network });
  const copyLine = (length: number): EvidenceReference => ({
    source: record.source,
    line: record.line,
    offset: record.offset,
    time,
    message: ownString(record.text.length > length ? record.text.slice(0, length) : record.text),
  });
  const evidence = (): EvidenceReference => (reference ??= copyLine(lineLength));
  /** The line for a trail: one copy for all trails, and for episodes too where it is short. */
  const trailLine = (): EvidenceReference => (shortReference ??= record.text.length > trailLineLength ? copyLine(trailLineLength) : evidence());
  const take = (signals: readonly Signal[]): void => {
    if (signals.length > 0) (out ??= []).push(...signals);
  };
  const observe = (correlation: number, planned: PlannedCorrelation, feed: Feed, isWide: boolean): Hit | undefined => {
    const cell = (isWide ? wideCells : cells)[planned.table];
    const { measure, fields, place } = planned;
    if (!measure) return (correlators[correlation] as Correlator).observe(feed.key, isWide ? wideEvent() : event, time, weight);
    if (!cell) return undefined;
    const tag = fields.length > 0 ? groupKey(fields, isWide && fields.includes("source.ip") ? wideEvent() : event) : feed.position;
    if (tag === undefined) return undefined;
    const table = tables[planned.table] as Cells;
    let window = cell.windows?.[place];
    if (!window) {
      window = table.windowsOf(cell)[place] = measure.create();
      table.grew(window.places);
    }
    const before = window.places;
    const fires = measure.add(window, tag, time, weight);
    if (window.places !== before) table.grew(window.places - before);
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
      let trail = cell.trails?.[place];
      const before = trail?.places ?? 0;
      trail ??= (tables[table] as Cells).trailsOf(cell)[place] = newTrail();
      addLine(trail, time, trailLine, touch.user, touch.path, span);
      if (trail.places !== before) (tables[table] as Cells).grew(trail.places - before);
    }
  };
  const otherActor = (): Actor => {
    if (address !== undefined) return addressActor(address);
    return touch.user !== undefined ? userActor(touch.user) : { kind: "site", id: ownString(textOf(event["host.name"]) ?? record.source) };
  };
  /** What the lines kept so far say of a correlation that fires for the cell. */
  const openingOf = (planned: PlannedCorrelation, hit: Hit, cell: Cell | undefined): Opening => {
    const from = hit.first - planned.reach;
    const refs: EvidenceReference[] = [];
    const users: string[] = [];
    const paths: string[] = [];
    for (const slot of planned.slots) {
      const trail = cell?.trails?.[(plan.slots[slot] as Slot).place];
      if (!trail) continue;
      linesSince(trail, from, refs);
      namesSince(trail.users, from, users);
      namesSince(trail.paths, from, paths);
    }
    const kept = shortReference === undefined ? -1 : refs.indexOf(shortReference);
    if (kept >= 0) refs[kept] = evidence();
    else refs.push(evidence());
    refs.sort((a, b) => a.time - b.time || a.line - b.line);
    if (users.length === 0 && touch.user !== undefined) users.push(ownString(touch.user));
    if (paths.length === 0 && touch.path !== undefined) paths.push(ownString(touch.path));
    return { count: Math.max(hit.count, refs.length), first: Math.min(hit.first, refs[0]?.time ?? hit.first), evidence: refs, users, paths };
  };
  /** Different users who signed in from the event's address, or its /64, in the last hours; by the place of the correlation's episodes. */
  const signedIn = (episode: number): number => {
    const { excuse, table } = excused[episode] as PlannedCorrelation & { excuse: number };
    const { place, span } = plan.slots[excuse] as Slot;
    const users: string[] = [];
    namesSince(cells[table]?.trails?.[place]?.users, time - span, users);
    namesSince(wideCells[table]?.trails?.[place]?.users, time - span, users);
    return users.length;
  };
  /** While an episode goes on, the cell remembers it. */
  const prolongs = (planned: PlannedCorrelation, cell: Cell | undefined): boolean => {
    const known = cell?.episodes?.[planned.place];
    const signals = known && open.prolong(planned.episode, known, touch);
    if (!signals) return false;
    take(signals);
    return true;
  };
  const opens = (planned: PlannedCorrelation, by: Hit, cell: Cell | undefined, actor: Actor): void => {
    const { episode, place, table } = planned;
    take(open.hit(episode, actor, touch, () => openingOf(planned, by, cell)));
    if (cell) (tables[table] as Cells).episodesOf(cell)[place] = open.find(episode, actor.id, time);
  };
  const settle = (correlation: number): void => {
    const planned = plan.correlations[correlation] as PlannedCorrelation;
    const { episode, kind, table } = planned;
    if (episode < 0) return;
    const hit = hits[correlation];
    const cell = cells[table];
    touch.signedIn = excused[episode] && signedIn;
    if (kind !== "address") {
      if (hit && !prolongs(planned, cell)) opens(planned, hit, cell, kind === "user" ? userActor(touch.user ?? cell?.key ?? "") : otherActor());
      return;
    }
    if (address === undefined) return;
    if (network === undefined) {
      if (hit && !prolongs(planned, cell)) opens(planned, hit, cell, addressActor(address));
      return;
    }
    const wideHit = wideHits[correlation];
    const wideCell = wideCells[table];
    const by = wideHit ?? hit;
    const lead = `${correlation} ${network}`;
    if (!by || !open.find(episode, network, time)) {
      if (hit) {
        leads.set(lead, time);
        if (!prolongs(planned, cell)) opens(planned, hit, cell, addressActor(address));
        return;
      }
      const led = leads.get(lead);
      if (!wideHit || (led !== undefined && time - led <= planned.compiled.rule.timespan)) return;
    }
    if (by && !prolongs(planned, wideCell)) opens(planned, by, wideCell, networkActor(network));
  };
  const closeIdle = (): void => {
    nextClose = newest + closeEvery;
    take(open.close(newest - lateTolerance));
    for (const table of tables) table.expire(time - lateTolerance);
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
    wide = undefined;
    reference = shortReference = undefined;
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
      const { kind, fields } = plan.tables[table] as Table;
      if (network === undefined || kind !== "address") continue;
      const isAddress = fields.length === 1 && fields[0] === "source.ip";
      wideCells[table] = isAddress ? (tables[table] as Cells).ofKey(network, time) : (tables[table] as Cells).of(wideEvent(), time);
    }
  };
  const match = (rule: PlannedRule): void => {
    lookUp(rule);
    if (rule.slots.length > 0) {
      keepLine(rule, cells);
      if (network !== undefined) keepLine(rule, wideCells);
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
    if (network !== undefined) feed(rule.feeds, true);
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
    /** The state itself and no copy: serialise it before the next event. */
    snapshot: (): SigmaRulesState => ({
      version: 2,
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
      if (given?.version !== 2 || given.fingerprint !== plan.fingerprint) throw new RangeError("sigma-rules: state of another version or of other rules");
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
