import { normalizeTarget } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import type { Claim, Proposal } from "#core/decision.ts";
import type { Contribution, EvidenceReference, Signal } from "#core/signal.ts";
import { shortId } from "./ids.ts";

/** One ban that a signal asks for, before policy and guard. */
export interface Ask {
  /** Proposal id, the same for the same signal and target. */
  readonly id: string;
  readonly target: string;
  readonly claim: Claim;
  readonly score: number;
  readonly why: readonly Contribution[];
  readonly evidence: readonly EvidenceReference[];
}

/** Members of one cohort that are proposed at once. */
const mostMembers = 2_000;

/** The bans a signal asks for: its address or network, or each member of its cohort with a claim of its own. */
export function asksOf(signal: Signal): readonly Ask[] {
  if (signal.members && signal.members.length > 0) {
    return signal.members
      .slice(0, mostMembers)
      .flatMap(({ address, events, first, last, score, why, evidence }) =>
        ask(signal.id, address, { count: events, from: first, to: last }, { score, why, evidence }),
      );
  }
  if (signal.actor.kind !== "ip" && signal.actor.kind !== "network") return [];
  return ask(signal.id, signal.actor.id, { count: signal.count, from: signal.first, to: signal.last }, signal);
}

function ask(signal: string, target: string, claim: Omit<Claim, "target">, rest: Pick<Ask, "score" | "why" | "evidence">): readonly Ask[] {
  const canonical = normalizeTarget(target);
  if (!canonical) return [];
  const { score, why, evidence } = rest;
  return [{ id: shortId("p", signal, canonical), target: canonical, claim: { ...claim, target: canonical }, score, why, evidence }];
}

/** Short reason of a signal's proposals, safe to print. */
export function reasonOf(signal: Pick<Signal, "title">, count: number): string {
  return `${sanitize(signal.title, 100)} (${count})`;
}

/** True where a refused proposal deserves another look: it lacked evidence (the journal lags, the episode grew), and the claim changed. */
export function deservesAnotherLook(earlier: Proposal, claim: Claim): boolean {
  if (earlier.state !== "refused" || !earlier.claim) return false;
  const failing = earlier.verdict.checks.filter(({ ok }) => !ok).map(({ check }) => check);
  return failing.length > 0 && failing.every((check) => check === "evidence") && claim.count > earlier.claim.count;
}
