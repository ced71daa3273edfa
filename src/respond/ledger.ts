import type { Decision } from "#core/decision.ts";
import type { StateChange, StateStore } from "#contracts/state-store.ts";

type State = Decision["state"];

/** Which state may follow which. What is not here ends a decision. */
const following: Readonly<Record<State, readonly State[]>> = {
  decided: ["enforced", "failed", "released", "expired"],
  enforced: ["failed", "released", "expired"],
  failed: ["enforced", "released", "expired"],
  released: [],
  expired: [],
  recorded: [],
};

/** True where a decision in state `from` may become `to`. */
export function mayFollow(from: State, to: State): boolean {
  return following[from].includes(to);
}

/** The append-only record of decisions. All writes go through here one after the other, so that no step is taken twice. */
export interface Ledger {
  /** Bans that are to hold, the ended ones too until they are recorded as expired. */
  holding(): Promise<readonly Decision[]>;
  /** Commits new decisions with everything else of the same step. */
  record(decisions: readonly Decision[], change?: StateChange): Promise<void>;
  /**
   * Appends a row in state `to` to each decision that may take it, committed together with `change`. Gives the rows
   * written: a decision that was released or ended meanwhile is left as it is.
   */
  advance(
    steps: readonly { readonly id: string; readonly to: State; readonly note?: string }[],
    at: number,
    change?: StateChange,
  ): Promise<readonly Decision[]>;
}

/** More bans than any firewall of a single host is asked to hold. */
const mostBans = 200_000;

export function ledger(store: StateStore): Ledger {
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work, work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  return {
    holding: () => store.decisions({ active: true, limit: mostBans }),
    record: (decisions, change = {}) => inTurn(() => store.commit({ ...change, decisions })),
    advance: (steps, at, change = {}) =>
      inTurn(async () => {
        const rows: Decision[] = [];
        for (const { id, to, note } of steps) {
          const latest = (await store.history(id)).at(-1);
          if (latest && mayFollow(latest.state, to)) rows.push({ ...latest, state: to, at, note });
        }
        if (rows.length > 0 || Object.keys(change).length > 0) await store.commit({ ...change, decisions: rows });
        return rows;
      }),
  };
}
