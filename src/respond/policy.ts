import type { Decision } from "#core/decision.ts";
import type { RuleLevel, Signal } from "#core/signal.ts";

/** What is to be done about a signal: nothing but its case; a note of what would be done; ask a person; act. */
export type Answer = "ignore" | "record" | "ask" | "act";

export interface Policy {
  /** `watch` records what would be done, `ask` proposes, `auto` acts by level. */
  readonly mode: "watch" | "ask" | "auto";
  /** What `auto` does at each rule level; `ask` asks wherever this is not `ignore`. */
  readonly levels: Readonly<Record<RuleLevel, "ignore" | "ask" | "act">>;
  /** Ban times in seconds: first offence, second, … ; the last goes on. */
  readonly steps: readonly number[];
  /** Milliseconds of good behaviour after which one step is forgiven. */
  readonly decay: number;
  /** Milliseconds after which an unanswered proposal counts as denied. */
  readonly answerWithin: number;
  /** Milliseconds between two signals of one actor that still make one case. */
  readonly caseGap: number;
  /** Milliseconds after which an attack is history: it makes a case, but no proposal, ban or notice (first start on old logs). */
  readonly history: number;
}

const hour = 3_600_000;

export const defaultPolicy: Policy = {
  mode: "ask",
  levels: { informational: "ignore", low: "ignore", medium: "ask", high: "act", critical: "act" },
  steps: [4 * 3_600, 24 * 3_600, 7 * 24 * 3_600],
  decay: 30 * 24 * hour,
  answerWithin: 24 * hour,
  caseGap: 6 * hour,
  history: 2 * hour,
};

/** What `policy` answers to a signal at `now`, before the guard is asked. */
export function policyAnswer(policy: Policy, signal: Pick<Signal, "level" | "actionable" | "last">, now: number): Answer {
  const answer = policy.levels[signal.level];
  if (!signal.actionable || answer === "ignore" || isHistory(policy, signal.last, now)) return "ignore";
  if (policy.mode === "watch") return "record";
  return policy.mode === "ask" ? "ask" : answer;
}

/** True for what happened too long before `now` to act on it. */
export function isHistory(policy: Policy, time: number, now: number): boolean {
  return now - time > policy.history;
}

/**
 * Seconds of the next ban of `target`, from its earlier decisions: one step longer for each ban, one step shorter for each
 * `decay` of peace between them. Bans that were released, those that never held, and those of feeds do not count.
 */
export function banTime(policy: Policy, target: string, earlier: readonly Decision[], now: number): number {
  const bans = earlier
    .filter(
      ({ action, state, feed, ...decision }) =>
        decision.target === target && feed === undefined && action === "ban" && (state === "enforced" || state === "expired"),
    )
    .toSorted((a, b) => a.from - b.from);
  let offences = 0;
  let quietSince = -Infinity;
  const forgive = (until: number): void => {
    if (offences > 0) offences = Math.max(0, offences - Math.floor(Math.max(0, until - quietSince) / policy.decay));
  };
  for (const { from, until } of bans) {
    forgive(from);
    offences++;
    quietSince = Math.max(quietSince, until);
  }
  forgive(now);
  return policy.steps[Math.min(offences, policy.steps.length - 1)] ?? 4 * 3_600;
}
