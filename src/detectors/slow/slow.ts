import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import { scoreOf, type Contribution, type Signal } from "#core/signal.ts";
import { text, type Language } from "#core/text/text.ts";
import { noSignals, type Detector } from "#contracts/detector.ts";
import { behaviourReader, noBehaviour, sourceText, webRequest, type Behaviour, type BehaviourReader } from "../behaviour/behaviour.ts";
import { eventClock, type EventClockState } from "../behaviour/event-clock.ts";
import type { TableState } from "../behaviour/source-table.ts";
import { addEvidence, newTrail, type Trail } from "../behaviour/trail.ts";
import { signalId } from "../signal-id.ts";
import { siteModel } from "./site-model.ts";
import { features, observeSignIn, observeWeb, type Step, type WalkColumns } from "./walk.ts";

export interface SlowOptions {
  /** Wald's alpha: P(an ordinary source crosses), for one walk. */
  readonly falseAlarm?: number;
  /** Wald's beta: P(a prober is let go). */
  readonly miss?: number;
  /** Share of sources that probe, before any observation: the base of the score. */
  readonly prior?: number;
  /** Half-life of evidence, milliseconds. */
  readonly halfLife?: number;
  /** Language of titles. */
  readonly language?: Language;
  /** Shared reader, so that detectors beside each other read an event and look its source up once. */
  readonly reader?: BehaviourReader;
}

interface Episode extends Trail {
  id: string;
  rule: "path-walk" | "sign-in-guessing" | "";
  actorKind: "ip" | "network";
  actor: string;
  firstTime: number;
  lastTime: number;
  emittedCount: number;
  emittedAt: number;
  /** Hashes of different paths that spoke against it, as many as the floor asks for. */
  walked: number[];
  /** Told as one to act on. */
  acted: boolean;
}

interface SlowState {
  readonly version: 3;
  readonly table: TableState;
  readonly model: unknown;
  readonly clock: EventClockState;
  readonly episodes: Map<number, Episode>;
}

const maxEpisodes = 6_000;
/** Beside Wald's bound: what a person may do by mistake is never acted on, however strange it is for this site. */
const fewestPaths = 4;
const fewestFailures = 5;
const repeatAfter = 600_000;
const decayStep = 3_600_000;

/**
 * Finds probers whatever their pace: *threshold random walk*, a sequential probability ratio test (Wald 1945) for each
 * source over what it asks for and how its sign-ins end (Jung, Paxson, Berger, Balakrishnan: Fast Portscan Detection Using
 * Sequential Hypothesis Testing, IEEE S&P 2004). The walk stops at the upper bound ln((1 - β) / α) and is held at the lower one,
 * ln(β / (1 - α)), so that good behaviour buys a bounded credit. Stated false-alarm rate: α = 1e-5 for each walk of an ordinary source.
 */
export function slowDetector(options: SlowOptions = {}): Detector {
  const alpha = options.falseAlarm ?? 1e-5;
  const beta = options.miss ?? 0.01;
  const upper = Math.log((1 - beta) / alpha);
  const lower = Math.log(beta / (1 - alpha));
  const prior = options.prior ?? 0.01;
  const base = Math.log(prior / (1 - prior));
  const halfLife = options.halfLife ?? 3 * 86_400_000;
  const language = options.language ?? "en";
  const { read, table } = options.reader ?? behaviourReader();
  const model = siteModel();
  const clock = eventClock();
  let episodes = new Map<number, Episode>();
  const group = table.group((slot) => void episodes.delete(slot));
  const columns: WalkColumns = {
    parts: group.column("f32", features.length),
    recent: group.column("u32", 6),
    flags: group.column("u16"),
    attention: group.column("u16"),
    window: group.column("u32"),
    lastUser: group.column("u32"),
    traceUser: group.column("u32"),
    traceTime: group.column("f64"),
    users: group.column("u32", 2),
    counts: group.column("u16", features.length),
  };
  const decayedAt = group.column("f64");
  const claims = group.column("u32");
  const firstBad = group.column("f64");
  const address = group.column("u32");
  const step: Step = { columns, model, slot: 0, positive: false, now: 0, lower };

  const sum = (slot: number): number => {
    const parts = columns.parts.data;
    let total = 0;
    for (let i = slot * features.length, end = i + features.length; i < end; i++) total += parts[i] as number;
    return total;
  };
  const forget = (slot: number): void => {
    columns.counts.data.fill(0, slot * features.length, (slot + 1) * features.length);
    claims.data[slot] = 0;
    firstBad.data[slot] = 0;
    episodes.delete(slot);
  };
  const decay = (slot: number, now: number): void => {
    const elapsed = now - (decayedAt.data[slot] as number);
    if (elapsed < decayStep && elapsed > -decayStep) return;
    decayedAt.data[slot] = now;
    if (elapsed < 0) return;
    const keep = 2 ** (-elapsed / halfLife);
    for (let i = slot * features.length, end = i + features.length; i < end; i++) columns.parts.data[i] = (columns.parts.data[i] as number) * keep;
  };
  const explain = (slot: number): Contribution[] => {
    const why: Contribution[] = [{ feature: "base", value: prior, contribution: base }];
    for (let i = 0; i < features.length; i++) {
      const contribution = columns.parts.data[slot * features.length + i] as number;
      if (contribution === 0) continue;
      const feature = features[i] as (typeof features)[number];
      why.push({ feature, value: columns.counts.data[slot * features.length + i] as number, baseline: baselineOf(feature), contribution });
    }
    return why;
  };
  const baselineOf = (feature: (typeof features)[number]): number | undefined => {
    if (feature === "missing_path") return round(model.missing(false, false));
    if (feature === "denied") return round(model.denied());
    if (feature === "sign_in_failure") return round(model.loginFails(false, false));
    return undefined;
  };
  const report = (slot: number, episode: Episode): Signal => {
    const why = explain(slot);
    const claimed = claims.data[slot] as number;
    episode.emittedCount = claimed;
    episode.emittedAt = episode.lastTime;
    if (!episode.acted && isEnough(slot, episode) && sum(slot) >= upper) episode.acted = true;
    return {
      id: episode.id,
      detector: "slow",
      rule: episode.rule,
      title: text(language, episode.rule === "path-walk" ? "detect.slow.path-walk" : "detect.slow.sign-in-guessing"),
      level: "high",
      actor: { kind: episode.actorKind, id: episode.actor },
      first: episode.firstTime,
      last: episode.lastTime,
      count: claimed,
      score: scoreOf(why),
      why,
      evidence: [...episode.first, ...episode.latest],
      users: [...episode.users],
      paths: [...episode.paths],
      actionable: episode.acted,
    };
  };
  const isEnough = (slot: number, episode: Episode): boolean =>
    episode.walked.length >= fewestPaths || (columns.counts.data[slot * features.length + failureAt] as number) >= fewestFailures;
  /** Rule and actor of an episode that has just crossed the upper bound. */
  const name = (slot: number, episode: Episode, b: Behaviour): void => {
    const at = slot * features.length;
    const part = (i: number): number => columns.parts.data[at + i] as number;
    episode.rule = part(0) + part(1) + part(2) >= part(3) + part(4) + part(5) ? "path-walk" : "sign-in-guessing";
    const several = b.address.includes(":") && ((columns.flags.data[slot] as number) & severalAddresses) !== 0;
    episode.actorKind = several ? "network" : "ip";
    episode.actor = several ? sourceText(b.high, b.low) : ownString(b.address);
    episode.id = signalId("slow", episode.rule, episode.actor, episode.firstTime);
  };
  const noteAddress = (slot: number, b: Behaviour): void => {
    if (b.high === 0xffffffff) return;
    let hash = 0;
    for (let i = 0; i < b.address.length; i++) hash = (Math.imul(hash, 31) + b.address.charCodeAt(i)) >>> 0;
    if (address.data[slot] === 0) address.data[slot] = hash;
    else if (address.data[slot] !== hash) columns.flags.data[slot] = (columns.flags.data[slot] as number) | severalAddresses;
  };
  const suspect = (slot: number, event: LogEvent, record: Parameters<Detector["observe"]>[1], b: Behaviour, score: number): readonly Signal[] => {
    claims.data[slot] = (claims.data[slot] as number) + b.count;
    if ((firstBad.data[slot] as number) === 0) firstBad.data[slot] = b.time;
    let episode = episodes.get(slot);
    if (!episode) {
      if (score < 1) return noSignals;
      if (episodes.size >= maxEpisodes) for (const [oldest] of episodes) if (episodes.delete(oldest)) break;
      episode = {
        ...newTrail(),
        id: "",
        rule: "",
        actorKind: "ip",
        actor: "",
        firstTime: firstBad.data[slot] as number,
        lastTime: b.time,
        emittedCount: 0,
        emittedAt: 0,
        walked: [],
        acted: false,
      };
      episodes.set(slot, episode);
    }
    addEvidence(episode, b, event, record);
    if (b.kind === webRequest && !b.webLogin && episode.walked.length < fewestPaths && !episode.walked.includes(b.path.pathHash))
      episode.walked.push(b.path.pathHash);
    episode.lastTime = Math.max(episode.lastTime, b.time);
    episode.firstTime = Math.min(episode.firstTime, b.time);
    if (episode.rule === "") {
      if (score < upper) return noSignals;
      name(slot, episode, b);
      return [report(slot, episode)];
    }
    const ripe = !episode.acted && score >= upper && isEnough(slot, episode);
    const due = ripe || (claims.data[slot] as number) >= episode.emittedCount * 1.5 || episode.lastTime - episode.emittedAt >= repeatAfter;
    return due ? [report(slot, episode)] : noSignals;
  };

  return {
    name: "slow",
    observe(event, record) {
      const b = read(event);
      if (b.kind === noBehaviour) return noSignals;
      const now = clock.advance(b.time);
      const slot = b.slot;
      if (b.fresh) decayedAt.data[slot] = now;
      else decay(slot, now);
      noteAddress(slot, b);
      step.slot = slot;
      step.now = now;
      step.positive = false;
      if (b.kind === webRequest) observeWeb(step, b);
      else observeSignIn(step, b);
      const score = sum(slot);
      // The lower bound: what is below it is given back, so that good behaviour buys a bounded credit.
      if (score < lower)
        columns.parts.data[slot * features.length + floorAt] = (columns.parts.data[slot * features.length + floorAt] as number) + (lower - score);
      if (score <= 0 && claims.data[slot] !== 0) forget(slot);
      return step.positive && score > 0 ? suspect(slot, event, record, b, score) : noSignals;
    },
    finish() {
      const out: Signal[] = [];
      for (const [slot, episode] of episodes) if (episode.rule !== "" && (claims.data[slot] as number) > episode.emittedCount) out.push(report(slot, episode));
      return out;
    },
    snapshot: (): SlowState => ({
      version: 3,
      table: group.snapshot(),
      model: model.snapshot(),
      clock: clock.snapshot(),
      episodes: new Map([...episodes].map(([slot, episode]) => [slot, copied(episode)])),
    }),
    restore(state) {
      const from = state as SlowState;
      if (from.version !== 3) throw new RangeError("slow: state of another version");
      group.restore(from.table);
      model.restore(from.model);
      clock.restore(from.clock);
      episodes = structuredClone(from.episodes);
    },
    get evictions() {
      return table.evictions;
    },
  };
}

/** Evidence is never changed once made, so a copy of the lists will do: it is a tenth of the cost of a deep one. */
function copied(episode: Episode): Episode {
  return {
    ...episode,
    first: [...episode.first],
    latest: [...episode.latest],
    users: [...episode.users],
    paths: [...episode.paths],
    walked: [...episode.walked],
  };
}

const severalAddresses = 0x8000;
const floorAt = features.indexOf("floor");
const failureAt = features.indexOf("sign_in_failure");

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
