import { randomUUID } from "node:crypto";
import { normalizeTarget, overlaps, parseCidr, type Cidr } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import type { CaseLevel, Claim, Decision, GuardVerdict, Origin, Proposal } from "#core/decision.ts";
import type { RuleLevel, Signal } from "#core/signal.ts";
import { text, type Language } from "#core/text/text.ts";
import type { Enforcer } from "#contracts/enforcer.ts";
import type { Notice } from "#contracts/notice.ts";
import type { ListEntry, StateChange, StateStore } from "#contracts/state-store.ts";
import type { Load } from "./checks.ts";
import { approvals, auditEntry, banDecision, checkedTtl, personOrigin, type AnswerResult, type ApproveOptions, type Person } from "./approvals.ts";
import { asksOf } from "./asks.ts";
import { caseBook, overallLevel, type CaseBook } from "./cases.ts";
import { feeds, type FeedChange } from "./feeds.ts";
import { guard, type GuardInputs } from "./guard.ts";
import { shortId } from "./ids.ts";
import { intake } from "./intake.ts";
import { ledger } from "./ledger.ts";
import { banTime, type Answer, type Policy } from "./policy.ts";
import { proof } from "./proof.ts";
import { reconciler, type EnforcerStatus } from "./reconcile.ts";
import { RespondError } from "./respond-error.ts";

export interface ResponderOptions {
  readonly store: StateStore;
  /** Wired by `app/`; only `reconcile.ts` calls them. */
  readonly enforcers: readonly Enforcer[];
  readonly guardInputs: GuardInputs;
  readonly policy: Policy;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly language: Language;
  /** Told of everything a person should hear; must not throw. */
  readonly onNotice: (notice: Notice) => void;
}

/** A ban that somebody other than a detector asks for (the agent, an API client). */
interface ProposeInput {
  readonly target: string;
  readonly origin: Origin;
  readonly reason: string;
  readonly claim?: Claim | undefined;
  readonly level?: RuleLevel | undefined;
  readonly case?: string | undefined;
  /** Seconds; the policy's time for the target where it is not given. */
  readonly ttl?: number | undefined;
}

export interface BanResult {
  readonly verdict: GuardVerdict;
  /** Latest row of the ledger: `enforced` once every enforcer confirmed. Absent where the guard refused. */
  readonly decision: Decision | undefined;
}

export interface ResponderStatus {
  readonly mode: Policy["mode"];
  readonly level: CaseLevel;
  readonly bans: number;
  readonly pending: number;
  readonly openCases: number;
  readonly enforcers: readonly EnforcerStatus[];
}

/** Turns signals into cases, proposals, decisions and bans that hold. */
export interface Responder {
  /** Takes new or changed signals. The same signal again changes nothing. Gives the proposals that came of it. Enforcement goes on behind it. */
  handle(signals: readonly Signal[]): Promise<readonly Proposal[]>;
  /** Puts a ban before policy and guard for the agent or an API client; it never acts without a person unless policy says so. */
  propose(input: ProposeInput): Promise<Proposal>;
  /** Follows a source of bans that the operator configured: its bans pass policy and guard, and end when it takes them back. */
  follow(feed: string, change: FeedChange): Promise<void>;
  approve(id: string, by: Person, options?: ApproveOptions): Promise<AnswerResult>;
  /** `allow` = deny and put the target on the allow list with this note. */
  deny(id: string, by: Person, options?: { readonly allow?: string | undefined }): Promise<AnswerResult>;
  /** A ban by a person, `ttl` in seconds (undefined = by policy). Resolves when the enforcers confirmed or failed. */
  ban(target: string, by: Person, ttl?: number, override?: boolean | readonly string[]): Promise<BanResult>;
  /** Releases every ban that shares an address with `target`; the evidence so far does not ban it again. Gives the released decisions. */
  unban(target: string, by: Person): Promise<readonly Decision[]>;
  readonly allow: {
    /** Also releases what is banned of it. */
    add(target: string, note: string, by: Person): Promise<ListEntry>;
    /** False where it was not on the list. */
    remove(target: string, by: Person): Promise<boolean>;
    list(): Promise<readonly ListEntry[]>;
  };
  /** Disowns the sign-ins of an address or network (a stolen password), so that it may be banned. */
  disown(target: string, by: Person): Promise<void>;
  /** One cycle: ends proposals and bans that are over, heals drift, checks that bans bite. To be called every few seconds. */
  tick(now?: number): Promise<void>;
  /** Releases every ban and removes everything from the firewall. Gives the faults by enforcer name. */
  flush(by: Person): Promise<ReadonlyMap<string, string>>;
  status(): Promise<ResponderStatus>;
  /** Resolves when nothing that was begun is under way. */
  settled(): Promise<void>;
}

/** True where two targets share an address. */
function touching(a: string, b: string): boolean {
  const [one, other] = [parseCidr(a), parseCidr(b)];
  return one !== undefined && other !== undefined && overlaps(one, other);
}

const minute = 60_000;
const hour = 60 * minute;

export function responder(options: ResponderOptions): Responder {
  const { store, enforcers, guardInputs, policy, clock, language, onNotice } = options;
  const recent: { readonly at: number; readonly network: Cidr }[] = [];
  let cycleBans = 0;
  const load = (now: number): Load => {
    while (recent.length > 0 && now - (recent[0] as (typeof recent)[number]).at > hour) recent.shift();
    return { minute: recent.filter(({ at }) => now - at < minute).length, cycle: cycleBans, targets: recent.map(({ network }) => network) };
  };
  const judge = guard(store, guardInputs, language, load);
  const book = ledger(store);
  const proofs = proof(store, () => guardInputs.machine().containers);
  const reconcile = reconciler({ ledger: book, enforcers, proof: proofs, clock, language, onNotice });
  const ways = intake({ store, guard: judge, ledger: book, policy, clock, language, onNotice, onBan: (decision) => countBan(decision) });
  const { limits } = guardInputs;
  const onRelease = (decision: string): void => proofs.forget(decision);
  const followed = feeds({ store, ways, ledger: book, policy, limits, load, clock, language, onNotice, onBan: (decision) => countBan(decision), onRelease });
  const answers = approvals(store, judge, clock, language);
  let cases: CaseBook | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  let background: Promise<void> = Promise.resolve();

  /** One step at a time: two signals of one address must not both find that it is not banned yet. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(start).then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  const enforceSoon = (): void => {
    background = reconcile.run();
  };
  const countBan = (decision: Decision): void => {
    const network = parseCidr(decision.target);
    if (network) recent.push({ at: decision.from, network });
    cycleBans++;
  };

  /** Takes up the thread of the last run: open cases, recent bans, and signals whose proposals a crash cut off. */
  const start = async (): Promise<CaseBook> => {
    if (cases) return cases;
    const now = clock();
    const open = await store.cases({ state: "open", limit: 10_000 });
    const signals = await store.signals({ since: now - hour, limit: 1_000 });
    const latest = await store.decisions({ limit: 1_000 });
    for (const decision of latest.toReversed()) {
      const network = decision.action === "ban" && decision.state !== "recorded" && now - decision.from < hour ? parseCidr(decision.target) : undefined;
      if (network) recent.push({ at: decision.from, network });
    }
    const punished = (signal: Signal): boolean =>
      latest.some(({ from, target }) => from >= signal.last && asksOf(signal).some((ask) => touching(target, ask.target)));
    cases = caseBook(policy.caseGap, open);
    await take(signals.filter((signal) => !punished(signal)));
    return cases;
  };
  const take = async (signals: readonly Signal[]): Promise<readonly Proposal[]> => {
    const { proposals, decided } = await ways.take(signals, cases as CaseBook);
    if (decided) enforceSoon();
    return proposals;
  };

  const checkedTarget = (target: string): string => {
    const canonical = normalizeTarget(target);
    if (!canonical) throw new RespondError("bad-target", "guard.address.refused", { target: sanitize(target, 64) });
    return canonical;
  };

  /** Releases what shares an address with `target`; within a turn. */
  const release = async (target: string, by: Person, change: StateChange): Promise<readonly Decision[]> => {
    const now = clock();
    const held = await store.decisions({ active: true, target, limit: 10_000 });
    const forgiven = new Set([target, ...held.map((decision) => decision.target)]);
    const rows = await book.advance(
      held.map(({ id }) => ({ id, to: "released" as const, note: text(language, "respond.released_by", { who: sanitize(by.name, 64) }) })),
      now,
      { ...change, releases: [...forgiven].map((name) => ({ target: name, until: now, by: by.name, at: now })) },
    );
    for (const proposal of await store.proposals({ target, state: "pending", limit: 100 })) await store.decide(proposal.id, "denied", by.name, now, {});
    for (const decision of rows) {
      proofs.forget(decision.id);
      const words = text(language, "notice.released", { target: decision.target, who: sanitize(by.name, 64) });
      onNotice({ key: `released:${decision.id}`, kind: "released", level: "info", at: now, text: words, target: decision.target, decision });
    }
    return rows;
  };

  const allowEntries = async (entry: ListEntry): Promise<ReadonlyMap<string, readonly ListEntry[]>> => {
    const others = (await store.list("allow")).filter(({ target }) => target !== entry.target);
    return new Map([["allow", [...others, entry]]]);
  };

  return {
    handle: (signals) => inTurn(() => take(signals)),
    propose: (input) =>
      inTurn(async () => {
        const now = clock();
        const target = checkedTarget(input.target);
        const { origin, claim, level = "medium", reason } = input;
        const id = shortId("p", JSON.stringify(origin), target, claim?.from ?? now, claim?.to ?? now);
        const earlier = await store.proposal(id);
        if (earlier) return earlier;
        const answer: Answer = policy.mode === "watch" ? "record" : "ask";
        const ttl = input.ttl === undefined ? undefined : checkedTtl(input.ttl);
        const made = await ways.consider(
          { id, target, claim, origin, answer, reason: sanitize(reason, 119), level, case: input.case, score: 0, why: [], evidence: [], ttl },
          [],
        );
        if (!made) {
          const [waiting] = await store.proposals({ target, limit: 1 });
          if (waiting) return waiting;
          throw new RespondError("bad-target", "respond.already_banned", { target });
        }
        await book.record(made.decision ? [made.decision] : [], { proposals: [made.proposal] });
        ways.tell(made.proposal);
        return made.proposal;
      }),
    follow: async (feed, change) => {
      const released = await inTurn(() => followed.take(feed, change));
      const decided = await inTurn(() => followed.offer());
      if (released || decided) enforceSoon();
    },
    approve: async (id, by, approve) => {
      const result = await inTurn(async () => {
        const answer = await answers.approve(id, by, approve);
        if (answer.decision) countBan(answer.decision);
        return answer;
      });
      if (!result.decision) return result;
      await reconcile.run();
      return { ...result, decision: (await store.history(result.decision.id)).at(-1) ?? result.decision };
    },
    deny: async (id, by, { allow } = {}) => {
      const result = await inTurn(async () => {
        const proposal = allow === undefined ? undefined : await store.proposal(id);
        if (!proposal || allow === undefined) return answers.deny(id, by);
        const entry = { target: proposal.target, note: sanitize(allow, 200), by: by.name, at: clock() };
        const answer = await answers.deny(id, by, { lists: await allowEntries(entry) });
        if (answer.outcome === "denied") await release(proposal.target, by, {});
        judge.refresh();
        return answer;
      });
      await reconcile.run();
      return result;
    },
    ban: async (target, by, ttl, override) => {
      const made = await inTurn(async (): Promise<BanResult> => {
        const now = clock();
        const origin = personOrigin(by);
        const verdict = await judge.judge({ target, origin, asker: by.address, override, now });
        const audit = [auditEntry(now, by.name, verdict.allowed ? "ban" : "ban refused", `${verdict.target} ${ttl ?? ""}`)];
        if (!verdict.allowed) {
          await store.commit({ audit });
          return { verdict, decision: undefined };
        }
        const seconds =
          ttl === undefined ? banTime(policy, verdict.target, await store.decisions({ target: verdict.target, limit: 100 }), now) : checkedTtl(ttl);
        const reason = text(language, "respond.by_person", { who: sanitize(by.name, 64) });
        const decision = banDecision(shortId("d", randomUUID()), verdict.target, seconds, now, {
          origin,
          proposal: undefined,
          reason,
          evidence: [],
        });
        await book.record([decision], { audit });
        countBan(decision);
        return { verdict, decision };
      });
      if (!made.decision) return made;
      await reconcile.run();
      return { ...made, decision: (await store.history(made.decision.id)).at(-1) };
    },
    unban: async (target, by) => {
      const rows = await inTurn(async () => {
        const canonical = checkedTarget(target);
        return release(canonical, by, { audit: [auditEntry(clock(), by.name, "unban", canonical)] });
      });
      await reconcile.run();
      return rows;
    },
    allow: {
      add: async (target, note, by) => {
        const entry = await inTurn(async () => {
          const added = { target: checkedTarget(target), note: sanitize(note, 200), by: by.name, at: clock() };
          await release(added.target, by, { lists: await allowEntries(added), audit: [auditEntry(added.at, by.name, "allow", added.target)] });
          judge.refresh();
          return added;
        });
        await reconcile.run();
        return entry;
      },
      remove: (target, by) =>
        inTurn(async () => {
          const canonical = checkedTarget(target);
          const list = await store.list("allow");
          const rest = list.filter((entry) => entry.target !== canonical);
          if (rest.length === list.length) return false;
          await store.commit({ lists: new Map([["allow", rest]]), audit: [auditEntry(clock(), by.name, "allow removed", canonical)] });
          judge.refresh();
          return true;
        }),
      list: () => store.list("allow"),
    },
    disown: (target, by) =>
      inTurn(async () => {
        const canonical = checkedTarget(target);
        await store.commit({ forgetSignIns: [canonical], audit: [auditEntry(clock(), by.name, "disown sign-ins", canonical)] });
      }),
    tick: async (now = clock()) => {
      await inTurn(async () => {
        cycleBans = 0;
        for (const proposal of await answers.expire(now)) {
          const words = text(language, "notice.proposal_expired", { id: proposal.id, target: proposal.target });
          onNotice({
            key: `proposal-expired:${proposal.id}`,
            kind: "proposal-expired",
            level: "info",
            at: now,
            text: words,
            target: proposal.target,
            proposal,
          });
        }
        const closed = (cases as CaseBook).closeIdle(now);
        if (closed.length > 0) await store.commit({ cases: closed });
        await followed.offer();
      });
      await reconcile.run();
      await reconcile.prove();
    },
    flush: async (by) => {
      await inTurn(async () => {
        const now = clock();
        const held = await book.holding();
        const note = text(language, "respond.released_by", { who: sanitize(by.name, 64) });
        await book.advance(
          held.map(({ id }) => ({ id, to: "released" as const, note })),
          now,
          {
            audit: [auditEntry(now, by.name, "flush", String(held.length))],
            releases: held.map(({ target }) => ({ target, until: now, by: by.name, at: now })),
          },
        );
        for (const { id } of held) proofs.forget(id);
      });
      return reconcile.flush();
    },
    status: () =>
      inTurn(async () => ({
        mode: policy.mode,
        level: overallLevel((cases as CaseBook).open.values()),
        bans: (await store.decisions({ active: true, at: clock(), limit: 200_000 })).length,
        pending: (await store.proposals({ state: "pending", limit: 10_000 })).length,
        openCases: (cases as CaseBook).open.size,
        enforcers: reconcile.status(),
      })),
    settled: async () => {
      await tail;
      await background;
    },
  };
}
