import { sanitize } from "#core/sanitize.ts";
import type { Decision, GuardVerdict, Origin, Proposal } from "#core/decision.ts";
import { isoTime } from "#core/event.ts";
import { text, type Language } from "#core/text/text.ts";
import type { AuditEntry, StateChange, StateStore } from "#contracts/state-store.ts";
import type { Guard } from "./guard.ts";
import { shortId } from "./ids.ts";
import { RespondError } from "./respond-error.ts";

/** A person who answers or asks, as the door they came through knows them. */
export interface Person {
  readonly name: string;
  readonly via: "cli" | "api" | "telegram";
  /** Address they ask from, where known: it is never banned. */
  readonly address?: string | undefined;
}

/** What became of an answer. `late`: somebody (or the clock) was first. `refused`: the guard forbids it; the proposal stays open. */
export interface AnswerResult {
  readonly outcome: "approved" | "denied" | "late" | "refused";
  readonly proposal: Proposal;
  readonly decision?: Decision | undefined;
  readonly verdict?: GuardVerdict | undefined;
  /** In the operator's language, safe to print. */
  readonly text: string;
}

export interface ApproveOptions {
  /** Seconds, instead of the proposed time. */
  readonly ttl?: number | undefined;
  /** Further checks to override knowingly; those the proposal already showed as asking for a person are included. */
  readonly override?: boolean | readonly string[] | undefined;
}

export const personOrigin = ({ name, via }: Person): Origin => ({ kind: "person", name, via });
export const auditEntry = (at: number, who: string, what: string, detail: string): AuditEntry => ({ at, who, what, detail: sanitize(detail, 500) });

/** Longest ban, seconds: a year. Whoever wants longer closes the port. */
const longestBan = 365 * 24 * 3_600;

/** Seconds as given by a person; throws RespondError for what is no useful time. */
export function checkedTtl(ttl: number): number {
  if (!Number.isFinite(ttl) || ttl < 1 || ttl > longestBan) throw new RespondError("bad-duration", "respond.bad_duration", { given: String(ttl) });
  return Math.floor(ttl);
}

/** A ban that is to hold from `now`. */
export function banDecision(
  id: string,
  target: string,
  ttl: number,
  now: number,
  rest: Pick<Decision, "origin" | "proposal" | "reason" | "evidence" | "events" | "feed">,
): Decision {
  return { id, action: "ban", target, from: now, until: now + ttl * 1_000, ...rest, state: "decided", at: now };
}

/** What a decision takes over from its proposal. */
export function groundsOf({
  id,
  origin,
  reason,
  evidence,
  claim,
}: Pick<Proposal, "id" | "origin" | "reason" | "evidence" | "claim">): Parameters<typeof banDecision>[4] {
  const feed = origin.kind === "feed" ? { name: origin.name, id: origin.id } : undefined;
  return { origin, proposal: id, reason, evidence, events: claim?.count, feed };
}

/** Answers to proposals: the first one wins, a late one is told so, none within the time counts as a denial. */
export interface Approvals {
  approve(id: string, by: Person, options?: ApproveOptions): Promise<AnswerResult>;
  deny(id: string, by: Person, change?: StateChange): Promise<AnswerResult>;
  /** Ends proposals nobody answered in time and gives them. */
  expire(now: number): Promise<readonly Proposal[]>;
}

export function approvals(store: StateStore, guard: Guard, clock: () => number, language: Language): Approvals {
  const pending = async (id: string): Promise<Proposal> => {
    const proposal = await store.proposal(id);
    if (!proposal) throw new RespondError("unknown-proposal", "respond.unknown_proposal", { id: sanitize(id, 40) });
    if (proposal.state === "pending" && proposal.expires <= clock()) return (await end(proposal)).proposal ?? proposal;
    return proposal;
  };
  const end = (proposal: Proposal): ReturnType<StateStore["decide"]> => store.decide(proposal.id, "expired", "haechi", clock(), {});
  const late = (proposal: Proposal): AnswerResult => {
    const who = sanitize(proposal.decidedBy ?? "", 64);
    const words = text(language, proposal.state === "expired" ? "respond.late_expired" : "respond.late", {
      id: proposal.id,
      target: proposal.target,
      state: text(language, `respond.state_${proposal.state}`),
      who,
      at: isoTime(proposal.decidedAt ?? proposal.expires),
    });
    return { outcome: "late", proposal, text: words };
  };

  const approve: Approvals["approve"] = async (id, by, options = {}) => {
    const proposal = await pending(id);
    if (proposal.state !== "pending") return late(proposal);
    const ttl = options.ttl === undefined ? proposal.ttl : checkedTtl(options.ttl);
    const now = clock();
    const shown = proposal.verdict.checks.filter(({ ok, overridable }) => !ok && overridable).map(({ check }) => check);
    const override = options.override === true || [...shown, ...(Array.isArray(options.override) ? (options.override as readonly string[]) : [])];
    const origin = personOrigin(by);
    const verdict = await guard.judge({ target: proposal.target, origin, claim: proposal.claim, asker: by.address, override, now });
    if (!verdict.allowed) {
      const why = verdict.checks.filter(({ ok }) => !ok).map((check) => check.why);
      return { outcome: "refused", proposal, verdict, text: text(language, "respond.refused", { target: proposal.target, why: why.join(" ") }) };
    }
    const decision = banDecision(shortId("d", id), verdict.target, ttl, now, { ...groundsOf(proposal), origin });
    const answer = await store.decide(id, "approved", by.name, now, {
      decisions: [decision],
      audit: [auditEntry(now, by.name, "approve", `${id} ${verdict.target} ${ttl}s`)],
    });
    if (!answer.decided) return late(answer.proposal ?? proposal);
    return {
      outcome: "approved",
      proposal: answer.proposal ?? proposal,
      decision,
      verdict,
      text: text(language, "respond.approved", { target: verdict.target, until: isoTime(decision.until) }),
    };
  };

  const deny: Approvals["deny"] = async (id, by, change = {}) => {
    const proposal = await pending(id);
    if (proposal.state !== "pending") return late(proposal);
    const now = clock();
    const audit = [...(change.audit ?? []), auditEntry(now, by.name, "deny", `${id} ${proposal.target}`)];
    const answer = await store.decide(id, "denied", by.name, now, { ...change, audit });
    if (!answer.decided) return late(answer.proposal ?? proposal);
    return { outcome: "denied", proposal: answer.proposal ?? proposal, text: text(language, "respond.denied", { target: proposal.target }) };
  };

  const expire: Approvals["expire"] = async (now) => {
    const ended: Proposal[] = [];
    for (const proposal of await store.proposals({ state: "pending", limit: 10_000 })) {
      if (proposal.expires > now) continue;
      const answer = await end(proposal);
      if (answer.decided && answer.proposal) ended.push(answer.proposal);
    }
    return ended;
  };
  return { approve, deny, expire };
}
