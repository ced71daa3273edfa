import { attackClasses } from "../behaviour/path-facts.ts";

/**
 * What is ordinary here: P(observation | ordinary visitor) of this site, learned only from *established* sources (their own
 * walk is far down on the side of ordinary visitors), each with weights 1, 1/2, 1/3, … within ten minutes. So an attacker's
 * own requests teach nothing before it has behaved well for a while, and then as ln(requests), not as requests.
 */
export interface SiteModel {
  /** P(missing | the source's last answer was missing or not), now: the slow estimate, raised by the site-wide failure factor. */
  missing(afterMissing: boolean, crawler: boolean): number;
  /** ln P(found | prober) / P(found | ordinary), as of the latest second: asked at each line. */
  foundRatio(afterMissing: boolean, crawler: boolean): number;
  /** The same of an asset. */
  assetRatio(): number;
  denied(): number;
  /** P(path of this attack class | ordinary). */
  attack(kind: number): number;
  /** P(sign-in fails | ordinary); after a failure, and for an account that has signed in before. */
  loginFails(afterFailure: boolean, knownUser: boolean): number;
  /** P(a form answer of this status bucket means success). */
  loginSucceeds(bucket: number, api: boolean): number;
  learnWeb(outcome: number, afterMissing: boolean, asset: boolean, attack: number, weight: number, now: number): void;
  learnLogin(failed: boolean, afterFailure: boolean, weight: number, now: number): void;
  learnFollow(bucket: number, browsed: boolean, weight: number): void;
  /** A path that was served to this source; known to the site once an established source or a second source had it. */
  served(shapeHash: number, sourceHash: number, established: boolean): void;
  knows(hash: number): boolean;
  /** Enough has been seen to tell a known path from a strange one. */
  readonly mature: boolean;
  userSucceeded(hash: number): void;
  knowsUser(hash: number): boolean;
  /** Lets the short memory fade; call with the event clock. */
  fade(now: number): void;
  snapshot(): unknown;
  restore(state: unknown): void;
}

export const outcomeOk = 0;
export const outcomeMissing = 1;
export const outcomeDenied = 2;
export const outcomeNeutral = 3;

/** Prior rates for a young site and their weight in observations. */
const prior = { missing: 0.05, missingAfterMissing: 0.35, denied: 0.02, asset: 0.3, fails: 0.15, failsAfterFailure: 0.5, weight: 50 };
/** P(class | ordinary) before anything is known; in the order of `attackClasses`. Weight in observations. */
const attackPrior = [0.0003, 0.0005, 0.0003, 0.001, 0.001, 0.005, 0.008, 0.01] as const;
const attackPriorWeight = 400;
/** Observations after which all counts are halved: the memory of the slow estimate. */
const memory = 50_000;
/** Time constant of the site-wide failure factor, milliseconds, and the weight of its prior in observations. */
const fastTau = 600_000;
const fastPrior = 6;
/** How far slow learning may go, whatever was seen: a site is never taught that misses in a row are ordinary. */
const most = { missing: 0.4, missingAfterMissing: 0.55, denied: 0.3, fails: 0.5, failsAfterFailure: 0.7, fast: 0.97 };
/** P(found | prober) and P(asset | prober), stated. */
const found = 0.2;
const asset = 0.03;
const setLimit = 65_536;

/** Slots of the counts. `total` of each pair follows it. */
const c = {
  web: 0,
  asset: 1,
  plain: 2,
  missPlain: 3,
  afterMiss: 4,
  missAfterMiss: 5,
  denied: 6,
  login: 7,
  fails: 8,
  afterFail: 9,
  failsAfterFail: 10,
  attack: 11,
  follow: 11 + attackClasses.length,
} as const;
const countSlots = c.follow + 8;
const f = { web: 0, missing: 1, denied: 2, login: 3, fails: 4 } as const;

export function siteModel(): SiteModel {
  let n = new Float64Array(countSlots);
  let fast = new Float64Array(5);
  let fadedAt = Number.NaN;
  let ratios = new Float64Array(5);
  let young = new Map<number, number>();
  let old = new Map<number, number>();
  let users = new Set<number>();

  const rate = (hits: number, total: number, p: number, weight = prior.weight): number => ((n[hits] as number) + p * weight) / ((n[total] as number) + weight);
  const factor = (hits: number, total: number, base: number): number =>
    Math.min(most.fast, ((fast[hits] as number) + base * fastPrior) / ((fast[total] as number) + fastPrior));
  const add = (slot: number, weight: number): void => {
    n[slot] = (n[slot] as number) + weight;
  };
  const missing = (afterMissing: boolean, crawler: boolean): number => {
    const slow = afterMissing
      ? Math.min(most.missingAfterMissing, rate(c.missAfterMiss, c.afterMiss, prior.missingAfterMissing))
      : Math.min(most.missing, rate(c.missPlain, c.plain, prior.missing));
    return Math.max(crawler ? 0.4 : 0, slow, factor(f.missing, f.web, slow));
  };
  const fade = (now: number): void => {
    const step = now - fadedAt;
    if (step >= 0 && step < 1_000) return;
    if (step > 0) {
      const keep = Math.exp(-step / fastTau);
      for (let i = 0; i < fast.length; i++) fast[i] = (fast[i] as number) * keep;
    }
    fadedAt = now;
    for (let i = 0; i < 4; i++) ratios[i] = Math.log(found / Math.max(0.25, 1 - missing((i & 1) !== 0, (i & 2) !== 0)));
    ratios[4] = Math.max(-2, Math.min(0, Math.log(asset / rate(c.asset, c.web, prior.asset))));
    if ((n[c.web] as number) + (n[c.login] as number) > memory) for (let i = 0; i < n.length; i++) n[i] = (n[i] as number) / 2;
  };
  const remember = (hash: number, value: number): void => {
    if (young.size >= setLimit && !young.has(hash)) {
      old = young;
      young = new Map();
    }
    young.set(hash, value);
  };
  return {
    fade,
    missing,
    foundRatio: (afterMissing, crawler) => ratios[(afterMissing ? 1 : 0) + (crawler ? 2 : 0)] as number,
    assetRatio: () => ratios[4] as number,
    denied() {
      const slow = Math.min(most.denied, rate(c.denied, c.web, prior.denied));
      return Math.max(slow, factor(f.denied, f.web, slow));
    },
    attack: (kind) => rate(c.attack + kind, c.web, attackPrior[kind] ?? 0.01, attackPriorWeight),
    loginFails(afterFailure, knownUser) {
      const slow = afterFailure
        ? Math.min(most.failsAfterFailure, rate(c.failsAfterFail, c.afterFail, prior.failsAfterFailure))
        : Math.min(most.fails, rate(c.fails, c.login, prior.fails));
      return Math.max(afterFailure && knownUser ? 0.75 : 0, slow, factor(f.fails, f.login, slow));
    },
    loginSucceeds(bucket, api) {
      // Before anything is known: programs' interfaces say what they mean, forms redirect after success.
      const p = bucket === 1 ? 0.8 : api ? 0.9 : 0.15;
      return ((n[c.follow + bucket * 2] as number) + p * 4) / ((n[c.follow + bucket * 2] as number) + (n[c.follow + bucket * 2 + 1] as number) + 4);
    },
    learnWeb(outcome, afterMissing, asset, attack, weight, now) {
      fade(now);
      if (outcome === outcomeNeutral) return;
      const missing = outcome === outcomeMissing ? weight : 0;
      add(c.web, weight);
      if (asset) add(c.asset, weight);
      add(afterMissing ? c.afterMiss : c.plain, weight);
      add(afterMissing ? c.missAfterMiss : c.missPlain, missing);
      if (outcome === outcomeDenied) add(c.denied, weight);
      if (attack >= 0 && outcome === outcomeOk) add(c.attack + attack, weight);
      fast[f.web] = (fast[f.web] as number) + weight;
      fast[f.missing] = (fast[f.missing] as number) + missing;
      if (outcome === outcomeDenied) fast[f.denied] = (fast[f.denied] as number) + weight;
    },
    learnLogin(failed, afterFailure, weight, now) {
      fade(now);
      add(c.login, weight);
      if (failed) add(c.fails, weight);
      if (afterFailure) {
        add(c.afterFail, weight);
        if (failed) add(c.failsAfterFail, weight);
      }
      fast[f.login] = (fast[f.login] as number) + weight;
      if (failed) fast[f.fails] = (fast[f.fails] as number) + weight;
    },
    learnFollow(bucket, browsed, weight) {
      add(c.follow + bucket * 2 + (browsed ? 0 : 1), weight);
    },
    served(shapeHash, sourceHash, established) {
      const value = young.get(shapeHash);
      if (value === 0) return;
      const seen = value ?? old.get(shapeHash);
      if (established || seen === 0 || (seen !== undefined && seen !== sourceHash)) remember(shapeHash, 0);
      else if (value === undefined) remember(shapeHash, sourceHash);
    },
    get mature() {
      return (n[c.web] as number) > 200;
    },
    knows(hash) {
      if (young.get(hash) === 0) return true;
      if (old.get(hash) !== 0) return false;
      remember(hash, 0);
      return true;
    },
    userSucceeded(hash) {
      if (users.size < setLimit) users.add(hash);
    },
    knowsUser: (hash) => users.has(hash),
    snapshot: () => ({ n: n.slice(), fast: fast.slice(), ratios: ratios.slice(), fadedAt, young: new Map(young), old: new Map(old), users: new Set(users) }),
    restore(state) {
      const from = state as {
        n: Float64Array;
        fast: Float64Array;
        ratios: Float64Array;
        fadedAt: number;
        young: Map<number, number>;
        old: Map<number, number>;
        users: Set<number>;
      };
      if (from.n.length !== countSlots) throw new RangeError("site model of another shape");
      n = from.n.slice();
      fast = from.fast.slice();
      ratios = from.ratios.slice();
      fadedAt = from.fadedAt;
      young = new Map(from.young);
      old = new Map(from.old);
      users = new Set(from.users);
    },
  };
}
