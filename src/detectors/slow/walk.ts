import { signIn, signInTrace, type Behaviour } from "../behaviour/behaviour.ts";
import { lastUnmistakable } from "../behaviour/path-facts.ts";
import type { Column } from "../behaviour/source-table.ts";
import { markDistinct } from "../behaviour/trail.ts";
import { outcomeDenied, outcomeMissing, outcomeNeutral, outcomeOk, type SiteModel } from "./site-model.ts";

/** Terms of a walk, in the order of its columns. `floor` gives back what good behaviour earned beyond the lower bound. */
export const features = [
  "attack_path",
  "missing_path",
  "denied",
  "sign_in_failure",
  "new_user",
  "repeated_sign_in",
  "ordinary",
  "assets",
  "success",
  "floor",
] as const;
const attackPath = 0;
const missingPath = 1;
const denied = 2;
const signInFailure = 3;
const newUser = 4;
const repeatedSignIn = 5;
const ordinary = 6;
const assets = 7;
const success = 8;

/** P(observation | prober), stated. */
const prober = {
  missing: 0.8,
  denied: 0.15,
  ok: 0.2,
  /** A name or picture with a referrer, missing in a part of the site that exists, is a broken link rather than a probe. */
  brokenLink: 0.3,
  fails: 0.99,
  invalidUser: 0.6,
  /** Share of requests in each attack class; the order of `attackClasses`. */
  attack: [0.15, 0.15, 0.05, 0.05, 0.1, 0.15, 0.1, 0.15],
} as const;
/** P(observation | ordinary visitor) that no site teaches. */
const visitor = { brokenLink: 0.7, invalidUser: 0.1, again: 0.3, browserLike: 0.7, proberBrowserLike: 0.1 } as const;
/** Places of the weakest classes in `attackClasses`. */
const panels = 6;
const scripts = 7;
const mostAttack = 5;
const mostMissing = 3;
const windowSize = 600_000;
/** A sign-in line and the lines beside it are one attempt within this time. */
const oneAttempt = 120_000;

const established = 1;
const lastMissing = 2;
const lastFailed = 4;
const loadsAssets = 8;
/** Bits 4 to 6: status bucket + 1 of the last web sign-in, until the source does something else. */
const bucketShift = 4;
const bucketMask = 0x70;

export interface WalkColumns {
  readonly parts: Column<"f32">;
  /** Hashes of the latest six paths. */
  readonly recent: Column<"u32">;
  readonly flags: Column<"u16">;
  /** Observations in the current ten minutes, for the weight of what is learned. */
  readonly attention: Column<"u16">;
  readonly window: Column<"u32">;
  readonly lastUser: Column<"u32">;
  readonly traceUser: Column<"u32">;
  readonly traceTime: Column<"f64">;
  readonly users: Column<"u32">;
  readonly counts: Column<"u16">;
}

/** What an observation works on; reused. */
export interface Step {
  readonly columns: WalkColumns;
  readonly model: SiteModel;
  readonly lower: number;
  slot: number;
  now: number;
  /** Set where the observation speaks against the source. */
  positive: boolean;
}

function add(step: Step, feature: number, amount: number, count: number): void {
  const at = step.slot * features.length + feature;
  const { parts, counts } = step.columns;
  parts.data[at] = (parts.data[at] as number) + amount;
  counts.data[at] = Math.min(65_535, (counts.data[at] as number) + count);
  if (amount > 0) step.positive = true;
}

/** 1, 1/2, 1/3, … within ten minutes, for an established source; 0 for others. */
function lesson(step: Step, flags: number): number {
  const { attention, window } = step.columns;
  const current = Math.floor(step.now / windowSize) >>> 0;
  if (window.data[step.slot] !== current) {
    window.data[step.slot] = current;
    attention.data[step.slot] = 0;
  }
  const n = Math.min(60_000, (attention.data[step.slot] as number) + 1);
  attention.data[step.slot] = n;
  return (flags & established) === 0 ? 0 : 1 / n;
}

function score(step: Step): number {
  const data = step.columns.parts.data;
  let total = 0;
  for (let i = step.slot * features.length, end = i + features.length; i < end; i++) total += data[i] as number;
  return total;
}

/** Marks the path as asked for; true where it was among the latest six. */
function isRepeat(step: Step, hash: number): boolean {
  const data = step.columns.recent.data;
  const at = step.slot * 6;
  for (let i = at; i < at + 6; i++) if (data[i] === hash) return true;
  // By hand: for so few numbers `copyWithin` costs ten times as much.
  for (let i = at + 5; i > at; i--) data[i] = data[i - 1] as number;
  data[at] = hash;
  return false;
}

function outcomeOf(status: number): number {
  if (status >= 200 && status < 400) return outcomeOk;
  if (status === 401 || status === 403) return outcomeDenied;
  if (status === 404 || status === 400 || status === 405 || status === 410) return outcomeMissing;
  return outcomeNeutral;
}

/** One web request: the site is asked first, then taught, so that an observation is never its own expectation. */
export function observeWeb(step: Step, b: Behaviour): void {
  const { columns, model, slot } = step;
  model.fade(step.now);
  let flags = columns.flags.data[slot] as number;
  const outcome = outcomeOf(b.status);
  const repeat = isRepeat(step, b.path.pathHash);
  const afterMissing = (flags & lastMissing) !== 0;
  const known = model.knows(b.path.shapeHash);
  if (b.webLogin) webSignIn(step, b, flags);
  else {
    if (b.attack >= 0 && !known && !repeat) attackLike(step, b, outcome, flags);
    if (outcome === outcomeOk) served(step, b, repeat, afterMissing, known);
    else if (!repeat && !known && !b.path.conventional) {
      if (outcome === outcomeMissing) notThere(step, b, afterMissing);
      else if (outcome === outcomeDenied) add(step, denied, Math.max(0, Math.log(prober.denied / model.denied())), 1);
    }
    if (outcome === outcomeOk && (flags & bucketMask) !== 0 && !repeat) {
      model.learnFollow(((flags & bucketMask) >> bucketShift) - 1, true, lesson(step, flags));
      flags &= ~bucketMask;
    }
  }
  flags = columns.flags.data[slot] as number;
  const weight = lesson(step, flags);
  if (weight > 0 && !b.webLogin) model.learnWeb(outcome, afterMissing, b.path.asset, known || outcome !== outcomeOk ? -1 : b.attack, weight, step.now);
  if (outcome === outcomeOk && b.path.asset) flags |= loadsAssets;
  if (outcome === outcomeOk && !known) {
    const browses = b.referrer && (flags & loadsAssets) !== 0;
    if (b.attack < 0 || browses) model.served(b.path.shapeHash, b.low ^ b.high, (flags & established) !== 0);
    if (b.path.placeHash !== 0 && b.attack < 0) model.served(b.path.placeHash, b.low ^ b.high, (flags & established) !== 0);
  }
  if (outcome === outcomeOk && !b.webLogin) flags &= ~bucketMask;
  if (outcome === outcomeMissing && !b.path.conventional) flags |= lastMissing;
  else if (outcome === outcomeOk) flags &= ~lastMissing;
  if ((flags & established) === 0 && outcome === outcomeOk && score(step) <= step.lower * 0.75) flags |= established;
  columns.flags.data[slot] = flags;
}

function attackLike(step: Step, b: Behaviour, outcome: number, flags: number): void {
  let llr = Math.min(mostAttack, Math.log((prober.attack[b.attack] as number) / step.model.attack(b.attack)));
  if (b.attack > lastUnmistakable && outcome === outcomeOk) {
    // It exists here: a WordPress or PHP site is made of such paths. What is left is small, or nothing for the weakest classes.
    llr = b.attack >= panels ? 0 : llr + Math.log(prober.ok / 0.95);
  }
  if (b.referrer && (flags & loadsAssets) !== 0) llr += Math.log(visitor.proberBrowserLike / visitor.browserLike);
  if (llr > 0) add(step, attackPath, llr, 1);
}

function served(step: Step, b: Behaviour, repeat: boolean, afterMissing: boolean, known: boolean): void {
  // The answer 200 to an attack-shaped path says nothing good of who asked (a single-page site answers so to everything).
  // Only of scripts, the weakest class, it does: whole sites are made of them.
  if (b.attack >= 0 && b.attack < scripts && !known) return;
  const llr = step.model.foundRatio(afterMissing, b.agent.crawler);
  // Some sites answer 200 to anything. A page that nobody has seen, outside the parts of a site that is known by now, is weak credit;
  // and so it is of a source that has asked for what only probers want.
  const probed = (step.columns.parts.data[step.slot * features.length + attackPath] as number) > 3;
  const strange = !known && !b.path.asset && (probed || (step.model.mature && !step.model.knows(b.path.placeHash)));
  add(step, ordinary, repeat || strange ? llr * 0.2 : llr, 1);
  if (b.path.asset && !repeat) add(step, assets, step.model.assetRatio(), 1);
}

function notThere(step: Step, b: Behaviour, afterMissing: boolean): void {
  // That a script or a console is missing is expected of anybody who asks for one: the class has been counted already.
  if (b.attack > lastUnmistakable) return;
  let llr = Math.min(mostMissing, Math.log(prober.missing / step.model.missing(afterMissing, b.agent.crawler)));
  const discount = Math.log(prober.brokenLink / visitor.brokenLink);
  if (b.attack < 0) {
    if (b.path.placeHash !== 0 && step.model.knows(b.path.placeHash)) llr += discount / 2;
    if (b.path.asset) llr += discount;
    if (b.referrer) llr += discount / 2;
    // However it dresses, a walk over missing paths goes on uphill, unless the whole site is missing.
    if (llr < 0.1) llr = step.model.missing(afterMissing, b.agent.crawler) < prober.missing * 0.85 ? 0.1 : 0;
  }
  if (llr > 0) add(step, missingPath, llr, 1);
}

/** A try to sign in over the web: its status says failure, success, or (200 and 302 of a form) either. */
function webSignIn(step: Step, b: Behaviour, flags: number): void {
  const { columns, model, slot } = step;
  if (b.status >= 500 || b.status === 429 || b.status === 404 || b.status === 405) return;
  const weight = lesson(step, flags);
  if (b.failure) {
    failed(step, model.loginFails((flags & lastFailed) !== 0, false), 1);
    if (weight > 0) model.learnLogin(true, (flags & lastFailed) !== 0, weight, step.now);
    columns.flags.data[slot] = (flags & ~bucketMask) | lastFailed;
    return;
  }
  const bucket = b.status >= 300 ? 1 : b.path.api ? 2 : 0;
  const again = (flags & bucketMask) >> bucketShift === bucket + 1;
  if (again) model.learnFollow(bucket, false, weight);
  const p = model.loginSucceeds(bucket, b.path.api);
  const llr = Math.log((p * 0.01 + (1 - p) * prober.fails) / (p * 0.8 + (1 - p) * 0.35));
  add(step, llr > 0 ? signInFailure : success, llr, 1);
  if (again) add(step, repeatedSignIn, Math.log(0.9 / visitor.again), 1);
  if (p > 0.5 && weight > 0) model.learnLogin(false, (flags & lastFailed) !== 0, weight, step.now);
  columns.flags.data[slot] = (flags & ~(bucketMask | (p > 0.5 ? lastFailed : 0))) | ((bucket + 1) << bucketShift);
}

function failed(step: Step, expected: number, count: number): void {
  add(step, signInFailure, Math.max(0, Math.log(prober.fails / expected)) * count, count);
}

/** Sign-ins over ssh, ftp and mail. A trace (`Invalid user`, closed before sign-in) is an attempt where no attempt is logged beside it. */
export function observeSignIn(step: Step, b: Behaviour): void {
  const { columns, model, slot } = step;
  const flags = columns.flags.data[slot] as number;
  const traced = columns.traceUser.data[slot] === b.userHash && Math.abs(b.time - (columns.traceTime.data[slot] as number)) < oneAttempt;
  if (b.kind === signInTrace && traced) return;
  if (b.success) {
    add(step, success, Math.log((1 - prober.fails) / (1 - model.loginFails((flags & lastFailed) !== 0, true))), b.count);
    model.userSucceeded(b.userHash);
    columns.flags.data[slot] = (flags & ~lastFailed) | established;
    const weight = lesson(step, flags | established);
    model.learnLogin(false, (flags & lastFailed) !== 0, weight, step.now);
    return;
  }
  const knownUser = model.knowsUser(b.userHash);
  const isNew = markDistinct(columns.users.data, slot * 2, 2, b.userHash);
  if (!(b.kind === signIn && traced && (flags & traceCounted) !== 0)) {
    const other = isNew && columns.lastUser.data[slot] !== b.userHash;
    const after = (flags & lastFailed) !== 0 && !(other && !knownUser);
    failed(step, model.loginFails(after, knownUser), b.count);
    if (isNew && b.invalidUser) add(step, newUser, Math.log(prober.invalidUser / visitor.invalidUser), 1);
    const weight = lesson(step, flags);
    if (weight > 0) model.learnLogin(true, (flags & lastFailed) !== 0, weight, step.now);
  }
  columns.lastUser.data[slot] = b.userHash;
  columns.traceUser.data[slot] = b.userHash;
  columns.traceTime.data[slot] = b.time;
  columns.flags.data[slot] = (flags & ~traceCounted) | lastFailed | (b.kind === signInTrace ? traceCounted : 0);
}

/** The latest attempt was counted from a trace: the attempt line beside it is the same one. */
const traceCounted = 0x80;
