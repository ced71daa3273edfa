import type { Case, CaseLevel } from "#core/decision.ts";
import { ruleLevels, type Actor, type Signal } from "#core/signal.ts";
import { shortId } from "./ids.ts";

/** Signals kept in one case, and cases kept open in memory; the oldest give way. */
const mostSignals = 50;
const mostOpen = 10_000;

const order: readonly CaseLevel[] = ["normal", "caution", "danger"];

/**
 * Level of a set of signals: `danger` for one of level high or critical that justifies acting, or for two kinds of
 * medium; `caution` for a medium one or a high one that is only worth telling; else `normal`.
 */
export function caseLevel(signals: readonly Signal[]): CaseLevel {
  const medium = ruleLevels.indexOf("medium");
  const strong = signals.filter(({ level }) => ruleLevels.indexOf(level) >= medium);
  if (strong.some(({ level, actionable }) => actionable && (level === "high" || level === "critical"))) return "danger";
  if (new Set(strong.filter(({ actionable }) => actionable).map(({ detector, rule }) => `${detector}\n${rule}`)).size >= 2) return "danger";
  return strong.length > 0 ? "caution" : "normal";
}

/** Level of the whole: the highest of the cases. */
export function overallLevel(cases: Iterable<Pick<Case, "level">>): CaseLevel {
  let highest = 0;
  for (const { level } of cases) highest = Math.max(highest, order.indexOf(level));
  return order[highest] ?? "normal";
}

/** Gathers signals into cases: one actor, no pause longer than the gap. */
export interface CaseBook {
  /** Takes signals (new, or an episode that goes on) and gives the cases that changed, newly closed ones too. */
  add(signals: readonly Signal[]): readonly Case[];
  /** Closes cases without a signal for the gap before `now` (event time, epoch milliseconds) and gives them. */
  closeIdle(now: number): readonly Case[];
  readonly open: ReadonlyMap<string, Case>;
}

const actorKey = (actor: Actor): string => `${actor.kind}\n${actor.id}`;

/** A case book that goes on from the open cases of the store. `gap` in milliseconds. */
export function caseBook(gap: number, open: readonly Case[] = []): CaseBook {
  const cases = new Map<string, Case>();
  for (const value of open.toSorted((a, b) => a.updated - b.updated)) cases.set(actorKey(value.actor), value);

  const add: CaseBook["add"] = (signals) => {
    const changed = new Map<string, Case>();
    for (const signal of signals) {
      const key = actorKey(signal.actor);
      let current = cases.get(key);
      if (current && !current.signals.some(({ id }) => id === signal.id) && signal.first - current.updated > gap) {
        changed.set(current.id, { ...current, state: "closed" });
        current = undefined;
      }
      const next = current ? joined(current, signal) : opened(signal);
      cases.delete(key);
      cases.set(key, next);
      changed.set(next.id, next);
      if (cases.size > mostOpen) {
        const [oldestKey, oldest] = cases.entries().next().value as [string, Case];
        cases.delete(oldestKey);
        changed.set(oldest.id, { ...oldest, state: "closed" });
      }
    }
    return [...changed.values()];
  };

  const closeIdle: CaseBook["closeIdle"] = (now) => {
    const closed: Case[] = [];
    for (const [key, value] of cases) {
      if (now - value.updated <= gap) continue;
      cases.delete(key);
      closed.push({ ...value, state: "closed" });
    }
    return closed;
  };
  return { add, closeIdle, open: cases };
}

function opened(signal: Signal): Case {
  const { actor } = signal;
  const id = shortId("c", actor.kind, actor.id, signal.id);
  return { id, actor, level: caseLevel([signal]), opened: signal.first, updated: signal.last, signals: [signal], state: "open" };
}

function joined(current: Case, signal: Signal): Case {
  const known = current.signals.findIndex(({ id }) => id === signal.id);
  // An older state of an episode (a replay) never takes the place of a newer one.
  if (known >= 0 && (current.signals[known] as Signal).count > signal.count) return current;
  const all = known >= 0 ? current.signals.with(known, signal) : [...current.signals, signal];
  const sorted = all.toSorted((a, b) => a.first - b.first || (a.id < b.id ? -1 : 1));
  const signals = sorted.length > mostSignals ? [sorted[0] as Signal, ...sorted.slice(sorted.length - mostSignals + 1)] : sorted;
  const level = order[Math.max(order.indexOf(current.level), order.indexOf(caseLevel(signals)))] as CaseLevel;
  return { ...current, signals, level, opened: Math.min(current.opened, signal.first), updated: Math.max(current.updated, signal.last) };
}
