import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Case, Decision, Proposal } from "#core/decision.ts";
import type { Signal } from "#core/signal.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { sortableRange } from "./address.ts";
import { clampTime } from "./journal.ts";

/** Signals, and closed cases and settled proposals, kept at most; the oldest go first. The ledger keeps everything. */
const keptSignals = 200_000;
const keptDocuments = 100_000;
/** Pruning looks at the table's size; once in so many writes is enough. */
const pruneEvery = 1_024;

type Filter<K extends "signals" | "cases" | "proposals" | "decisions"> = Parameters<StateStore[K]>[0];

/** Values kept as JSON with the columns they are found by. Its calls run inside the caller's transaction. */
export interface Documents {
  putSignal(signal: Signal): void;
  putCase(value: Case): void;
  putProposal(value: Proposal): void;
  appendDecision(value: Decision): void;
  signals(filter: Filter<"signals">): readonly Signal[];
  cases(filter: Filter<"cases">): readonly Case[];
  case(id: string): Case | undefined;
  proposals(filter: Filter<"proposals">): readonly Proposal[];
  proposal(id: string): Proposal | undefined;
  decisions(filter: Filter<"decisions">): readonly Decision[];
  history(decision: string): readonly Decision[];
}

/** States of a decision in which its ban should hold: a failed one is tried again until it ends. */
const holding: ReadonlySet<Decision["state"]> = new Set(["decided", "enforced", "failed"]);

/** The JSON of rows, which only this program wrote: the caller names the type it wrote. */
const bodies = (rows: readonly Readonly<Record<string, unknown>>[]): readonly unknown[] => rows.map((row) => JSON.parse(String(row["body"])) as unknown);

/** The documents of an open, migrated database. */
export function documents(db: DatabaseSync): Documents {
  const signal = db.prepare(
    "INSERT INTO signals (id, actor, last, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET actor = excluded.actor, last = excluded.last, body = excluded.body",
  );
  const pruneSignals = db.prepare("DELETE FROM signals WHERE id IN (SELECT id FROM signals ORDER BY last DESC LIMIT -1 OFFSET ?)");
  const putCase = db.prepare(
    "INSERT INTO cases (id, state, updated, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated = excluded.updated, body = excluded.body",
  );
  const pruneCases = db.prepare("DELETE FROM cases WHERE id IN (SELECT id FROM cases WHERE state = 'closed' ORDER BY updated DESC LIMIT -1 OFFSET ?)");
  const oneCase = db.prepare("SELECT body FROM cases WHERE id = ?");
  const putProposal = db.prepare(
    "INSERT INTO proposals (id, state, target, created, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, target = excluded.target, created = excluded.created, body = excluded.body",
  );
  const pruneProposals = db.prepare(
    "DELETE FROM proposals WHERE id IN (SELECT id FROM proposals WHERE state <> 'pending' ORDER BY created DESC LIMIT -1 OFFSET ?)",
  );
  const oneProposal = db.prepare("SELECT body FROM proposals WHERE id = ?");
  const append = db.prepare("INSERT INTO ledger (decision, body) VALUES (?, ?)");
  const stand = db.prepare(
    `INSERT INTO standing (decision, row, holds, low, high, starts, ends) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (decision) DO UPDATE SET row = excluded.row, holds = excluded.holds, low = excluded.low, high = excluded.high, starts = excluded.starts, ends = excluded.ends`,
  );
  const historyOf = db.prepare("SELECT body FROM ledger WHERE decision = ? ORDER BY row");
  let writes = 0;
  const prune = (): void => {
    if (++writes % pruneEvery !== 0) return;
    pruneSignals.run(keptSignals);
    pruneCases.run(keptDocuments);
    pruneProposals.run(keptDocuments);
  };
  /** Rows of `table` under the conditions that are given, every value bound. */
  const select = (from: string, conditions: readonly (readonly [string, readonly SQLInputValue[]])[], order: string, limit: number): readonly unknown[] => {
    const where = conditions.length > 0 ? `WHERE ${conditions.map(([text]) => text).join(" AND ")}` : "";
    const values = conditions.flatMap(([, bound]) => bound);
    return bodies(db.prepare(`SELECT body FROM ${from} ${where} ORDER BY ${order} LIMIT ?`).all(...values, Math.max(0, Math.floor(limit))));
  };

  return {
    putSignal(value) {
      signal.run(value.id, value.actor.id, value.last, JSON.stringify(value));
      prune();
    },
    putCase(value) {
      putCase.run(value.id, value.state, value.updated, JSON.stringify(value));
      prune();
    },
    putProposal(value) {
      putProposal.run(value.id, value.state, value.target, value.created, JSON.stringify(value));
      prune();
    },
    appendDecision(value) {
      const row = append.run(value.id, JSON.stringify(value)).lastInsertRowid;
      const range = sortableRange(value.target);
      const holds = value.action === "ban" && holding.has(value.state) && range ? 1 : 0;
      stand.run(value.id, row, holds, range?.low ?? null, range?.high ?? null, value.from, value.until);
    },
    signals({ since, actor, limit }) {
      const conditions: [string, SQLInputValue[]][] = [];
      if (since !== undefined) conditions.push(["last >= ?", [clampTime(since)]]);
      if (actor !== undefined) conditions.push(["actor = ?", [actor]]);
      return select("signals", conditions, "last DESC, id", limit) as readonly Signal[];
    },
    cases({ state, since, limit }) {
      const conditions: [string, SQLInputValue[]][] = [];
      if (state !== undefined) conditions.push(["state = ?", [state]]);
      if (since !== undefined) conditions.push(["updated >= ?", [clampTime(since)]]);
      return select("cases", conditions, "updated DESC, id", limit) as readonly Case[];
    },
    case: (id) => bodies(oneCase.all(id))[0] as Case | undefined,
    proposals({ state, target, limit }) {
      const conditions: [string, SQLInputValue[]][] = [];
      if (state !== undefined) conditions.push(["state = ?", [state]]);
      if (target !== undefined) conditions.push(["target = ?", [target]]);
      return select("proposals", conditions, "created DESC, rowid DESC", limit) as readonly Proposal[];
    },
    proposal: (id) => bodies(oneProposal.all(id))[0] as Proposal | undefined,
    decisions({ active, at, target, limit }) {
      const conditions: [string, SQLInputValue[]][] = [];
      if (active) conditions.push(at === undefined ? ["holds = 1", []] : ["holds = 1 AND starts <= ? AND ends > ?", [clampTime(at), clampTime(at)]]);
      if (target !== undefined) {
        const range = sortableRange(target);
        if (!range) return [];
        // Integers (IPv4) sort before blobs (IPv6), so the two never overlap.
        conditions.push(["low <= ? AND high >= ?", [range.high, range.low]]);
      }
      return select("standing JOIN ledger ON ledger.row = standing.row", conditions, "standing.row DESC", limit) as readonly Decision[];
    },
    history: (decision) => bodies(historyOf.all(decision)) as readonly Decision[],
  };
}
