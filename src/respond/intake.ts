import { covers, parseCidr } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import type { Case, Decision, Origin, Proposal } from "#core/decision.ts";
import { isoTime } from "#core/event.ts";
import type { Signal } from "#core/signal.ts";
import { text, type Language } from "#core/text/text.ts";
import type { Notice } from "#contracts/notice.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { banDecision, groundsOf } from "./approvals.ts";
import { asksOf, deservesAnotherLook, reasonOf } from "./asks.ts";
import type { CaseBook } from "./cases.ts";
import type { Guard } from "./guard.ts";
import { shortId } from "./ids.ts";
import type { Ledger } from "./ledger.ts";
import { banTime, isHistory, policyAnswer, type Answer, type Policy } from "./policy.ts";

/** A ban that somebody wants, with what policy answers to it. */
interface Wish extends Pick<Proposal, "id" | "target" | "claim" | "origin" | "reason" | "level" | "case" | "score" | "why" | "evidence"> {
  readonly answer: Answer;
  readonly ttl?: number | undefined;
}

/** The way in: from signals and wishes to proposals and decisions. Its calls are made one after the other. */
export interface Intake {
  /** Puts signals into cases and proposals and commits it all at once. `decided` = there are bans to enforce. */
  take(signals: readonly Signal[], open: CaseBook): Promise<{ readonly proposals: readonly Proposal[]; readonly decided: boolean }>;
  /** Policy and guard on one wish. Undefined where its target is banned or proposed already. `beside` = proposals of the same step. */
  consider(wish: Wish, beside: readonly Proposal[]): Promise<{ readonly proposal: Proposal; readonly decision?: Decision } | undefined>;
  /** Tells people of a new proposal or refusal. */
  tell(proposal: Proposal): void;
}

export interface IntakeOptions {
  readonly store: StateStore;
  readonly guard: Guard;
  readonly ledger: Ledger;
  readonly policy: Policy;
  readonly clock: () => number;
  readonly language: Language;
  readonly onNotice: (notice: Notice) => void;
  /** Told of each ban that is decided, for the caps. */
  readonly onBan: (decision: Decision) => void;
}

export function intake(options: IntakeOptions): Intake {
  const { store, guard, ledger, policy, clock, language, onNotice, onBan } = options;

  const take: Intake["take"] = async (signals, open) => {
    const levels = signals.map(({ actor }) => open.open.get(`${actor.kind}\n${actor.id}`)).filter((value) => value !== undefined);
    const before = new Map(levels.map(({ id, level }) => [id, level]));
    const changed = open.add(signals);
    const proposals: Proposal[] = [];
    const decisions: Decision[] = [];
    for (const signal of signals) {
      const answer = policyAnswer(policy, signal, clock());
      if (answer === "ignore") continue;
      const origin: Origin = { kind: "rule", rule: signal.rule, signal: signal.id };
      const inCase = open.open.get(`${signal.actor.kind}\n${signal.actor.id}`)?.id;
      for (const { id, target, claim, score, why, evidence } of asksOf(signal)) {
        const earlier = await store.proposal(id);
        if (earlier && !deservesAnotherLook(earlier, claim)) continue;
        if (proposals.some((proposal) => proposal.id === id)) continue;
        const wish = { id, target, claim, origin, answer, reason: reasonOf(signal, claim.count), level: signal.level, case: inCase, score, why, evidence };
        const made = await consider(wish, proposals);
        if (!made) continue;
        proposals.push(made.proposal);
        if (made.decision) {
          decisions.push(made.decision);
          if (made.decision.state === "decided") onBan(made.decision);
        }
      }
    }
    await ledger.record(decisions, { signals, cases: changed, proposals });
    for (const value of changed)
      if (value.state === "open" && before.get(value.id) !== value.level && value.level !== "normal" && !isHistory(policy, value.updated, clock()))
        onNotice(caseNotice(value));
    for (const proposal of proposals) tell(proposal);
    return { proposals, decided: decisions.some(({ state }) => state === "decided") };
  };

  const consider: Intake["consider"] = async (wish, beside) => {
    const now = clock();
    const { answer, ttl: wished, ...rest } = wish;
    if (await taken(wish.target, wish.id, beside, now)) return undefined;
    const verdict = await guard.judge({ target: wish.target, origin: wish.origin, claim: wish.claim, now });
    const { target } = verdict;
    if (target !== wish.target && (await taken(target, wish.id, beside, now))) return undefined;
    const ttl = wished ?? banTime(policy, target, await store.decisions({ target, limit: 100 }), now);
    const open = verdict.allowed || verdict.needsPerson;
    const acts = answer === "act" && verdict.allowed;
    const state = !open ? "refused" : answer === "record" ? "recorded" : acts ? "approved" : "pending";
    const base = { ...rest, action: "ban", target, ttl, verdict, created: now, expires: now + policy.answerWithin } as const;
    const proposal: Proposal = acts ? { ...base, state, decidedBy: "policy", decidedAt: now } : { ...base, state };
    const row = banDecision(shortId("d", wish.id), target, ttl, now, groundsOf(wish));
    if (acts) return { proposal, decision: row };
    return state === "recorded" ? { proposal, decision: { ...row, state: "recorded" } } : { proposal };
  };

  /** True where `target` is wholly banned (or, in watch mode, recorded as such), or a proposal for it waits for its answer. */
  const taken = async (target: string, id: string, beside: readonly Proposal[], now: number): Promise<boolean> => {
    const waiting = (proposal: Proposal): boolean => proposal.id !== id && proposal.target === target && proposal.state !== "refused";
    if (beside.some(waiting)) return true;
    if ((await store.proposals({ target, state: "pending", limit: 5 })).some(waiting)) return true;
    const network = parseCidr(target);
    const about = network ? await store.decisions({ target, limit: 100 }) : [];
    return about.some((decision) => {
      const holds = decision.action === "ban" && decision.state !== "released" && decision.state !== "expired" && decision.until > now;
      const held = holds ? parseCidr(decision.target) : undefined;
      return held !== undefined && network !== undefined && covers(held, network);
    });
  };

  const caseNotice = (value: Case): Notice => {
    const params = {
      actor: sanitize(value.actor.id, 100),
      level: text(language, `respond.level_${value.level}`),
      title: sanitize(value.signals.at(-1)?.title ?? "", 120),
      id: value.id,
    };
    const level = value.level === "danger" ? "danger" : "warning";
    return { key: `case:${value.id}:${value.level}`, kind: "case", level, at: clock(), text: text(language, "notice.case", params), case: value };
  };

  const tell = (proposal: Proposal): void => {
    const { id, target, reason, verdict, state, created } = proposal;
    const why = verdict.checks
      .filter(({ ok }) => !ok)
      .map((check) => check.why)
      .join(" ");
    const common = { at: created, target, proposal };
    if (state === "pending") {
      const words = text(language, why ? "notice.proposal_asking" : "notice.proposal", { id, target, reason, why, expires: isoTime(proposal.expires) });
      onNotice({ ...common, key: `proposal:${id}`, kind: "proposal", level: "warning", text: words });
    } else if (state === "refused") {
      onNotice({
        ...common,
        key: `refused:${id}:${proposal.claim?.count ?? 0}`,
        kind: "refused",
        level: "info",
        text: text(language, "notice.refused", { target, reason, why }),
      });
    }
  };

  return { take, consider, tell };
}
