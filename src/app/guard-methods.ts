import type { StateStore } from "#contracts/state-store.ts";
import type { Case, Decision, Proposal } from "#core/decision.ts";
import { HaechiError } from "#core/error.ts";
import { normalizeTarget } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import type { Person, AnswerResult } from "#respond/approvals.ts";
import type { BanResult, ResponderStatus } from "#respond/responder.ts";
import type { ControlMethods } from "./control-server.ts";
import type { Guard } from "./guard.ts";

/** What `status` answers. */
export interface GuardStatus extends ResponderStatus {
  readonly running: boolean;
  readonly started: number | null;
  readonly sources: readonly {
    readonly id: string;
    readonly lines: number;
    readonly parsed: number;
    readonly unparsed: number;
    readonly lag: number | null;
    readonly trouble: string | null;
  }[];
  readonly proposals: readonly Proposal[];
}

/** A case with what hangs on it. */
export interface CaseAnswer {
  readonly case: Case;
  readonly proposals: readonly Proposal[];
  readonly decisions: readonly Decision[];
}

/** What came of answering one or more proposals. */
export interface AnswersResult {
  readonly answers: readonly AnswerResult[];
}

export type BanAnswer = BanResult;

type Params = Readonly<Record<string, unknown>>;

const textParam = (params: Params, name: string): string => {
  const value = params[name];
  if (typeof value !== "string" || value === "" || value.length > 500) throw new HaechiError("control.params", "cli.control-params", { name });
  return value;
};
const optionalText = (params: Params, name: string): string | undefined => (params[name] === undefined ? undefined : textParam(params, name));
const numberParam = (params: Params, name: string): number | undefined =>
  typeof params[name] === "number" && Number.isFinite(params[name]) ? params[name] : undefined;
const person = (params: Params): Person => ({ name: sanitize(textParam(params, "by"), 64), via: "cli", address: optionalText(params, "from") });

/** Methods that only read: they want the store and no hands. */
export function lookMethods(store: StateStore, status: () => Promise<Omit<GuardStatus, "proposals">>): ControlMethods {
  return {
    status: async (): Promise<GuardStatus> => ({ ...(await status()), proposals: await store.proposals({ state: "pending", limit: 100 }) }),
    cases: async (params) => store.cases({ limit: numberParam(params, "limit") ?? 50, ...(params["open"] === true ? { state: "open" as const } : {}) }),
    case: async (params): Promise<CaseAnswer> => {
      const id = textParam(params, "id");
      const found = await store.case(id);
      if (!found) throw new HaechiError("control.unknown", "cli.unknown-case", { id: sanitize(id, 60) });
      const proposals = (await store.proposals({ limit: 10_000 })).filter((proposal) => proposal.case === id);
      const decisions = (await Promise.all(proposals.map(({ target }) => store.decisions({ target, limit: 20 })))).flat();
      return { case: found, proposals, decisions: [...new Map(decisions.map((decision) => [decision.id, decision])).values()] };
    },
    bans: async (params) =>
      store.decisions({ limit: numberParam(params, "limit") ?? 1_000, ...(params["all"] === true ? {} : { active: true, at: Date.now() }) }),
    allow: async () => store.list("allow"),
  };
}

/** What a person at the command line may ask of a guard, running or not. */
export function guardMethods(guard: Guard): ControlMethods {
  const { store, responder } = guard;
  /** A proposal by its id, or the pending ones of a case, of an address or of a network. */
  const proposalsOf = async (id: string): Promise<readonly Proposal[]> => {
    const one = await store.proposal(id);
    if (one) return [one];
    const pending = await store.proposals({ state: "pending", limit: 10_000 });
    const target = normalizeTarget(id);
    const found = pending.filter((proposal) => proposal.case === id || (target !== undefined && proposal.target === target));
    if (found.length === 0) throw new HaechiError("control.unknown", "cli.unknown-proposal", { id: sanitize(id, 60) });
    return found;
  };
  return {
    ...lookMethods(store, async () => ({ ...(await responder.status()), ...guard.state() })),
    approve: async (params): Promise<AnswersResult> => {
      const answers: AnswerResult[] = [];
      for (const { id } of await proposalsOf(textParam(params, "id")))
        answers.push(await responder.approve(id, person(params), { ttl: numberParam(params, "ttl"), override: params["override"] === true }));
      return { answers };
    },
    deny: async (params): Promise<AnswersResult> => {
      const answers: AnswerResult[] = [];
      for (const { id } of await proposalsOf(textParam(params, "id")))
        answers.push(await responder.deny(id, person(params), { allow: optionalText(params, "allow") }));
      return { answers };
    },
    ban: async (params): Promise<BanAnswer> =>
      responder.ban(textParam(params, "target"), person(params), numberParam(params, "ttl"), params["override"] === true),
    disown: async (params) => responder.disown(textParam(params, "target"), person(params)),
    unban: async (params) => responder.unban(textParam(params, "target"), person(params)),
    "allow-add": async (params) => responder.allow.add(textParam(params, "target"), optionalText(params, "note") ?? "", person(params)),
    "allow-remove": async (params) => ({ removed: await responder.allow.remove(textParam(params, "target"), person(params)) }),
    flush: async (params) => ({ faults: Object.fromEntries(await responder.flush(person(params))) }),
  };
}
