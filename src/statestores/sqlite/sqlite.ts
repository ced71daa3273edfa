import { renameSync, rmSync } from "node:fs";
import { backup } from "node:sqlite";
import type { StateChange, StateStore } from "#contracts/state-store.ts";
import { documents } from "./documents.ts";
import { guardMemory } from "./guard-memory.ts";
import { journal } from "./journal.ts";
import { openDatabase } from "./open.ts";
import { StateError, stateError } from "./state-error.ts";

export interface SqliteOptions {
  /** Opens beside a running writer, for commands that only look. Every write is refused. Default false. */
  readonly readOnly?: boolean;
  /** Rows of the evidence journal in all; default 500,000 (some 200 MB). */
  readonly evidenceRows?: number;
  /** Rows of the evidence journal of one address; default 1,000. */
  readonly evidenceRowsPerAddress?: number;
}

/**
 * The state store in one SQLite file (`:memory:` for none), in WAL mode with full synchronisation: what `commit` has
 * answered survives loss of power. One process writes; others may open it `readOnly`. A file of an older version is
 * migrated after a copy `<path>.v<version>.bak`. Throws StateError, here and from every call.
 */
export function sqliteState(path: string, options: SqliteOptions = {}): StateStore {
  const readOnly = options.readOnly ?? false;
  const { db, close } = openDatabase(path, readOnly);
  const evidence = journal(db, { rows: options.evidenceRows ?? 500_000, rowsPerAddress: options.evidenceRowsPerAddress ?? 1_000 });
  const documented = documents(db);
  const memory = guardMemory(db);
  const putCursor = db.prepare("INSERT OR REPLACE INTO cursors (source, cursor) VALUES (?, ?)");
  const readCursors = db.prepare("SELECT source, cursor FROM cursors");
  const putCheckpoint = db.prepare("INSERT OR REPLACE INTO checkpoints (name, state) VALUES (?, ?)");
  const readCheckpoint = db.prepare("SELECT state FROM checkpoints WHERE name = ?");
  const putCounter = db.prepare("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)");
  const readCounters = db.prepare("SELECT name, value FROM counters");
  let closed = false;

  const apply = (change: StateChange): void => {
    for (const [source, cursor] of change.cursors ?? []) putCursor.run(source, cursor);
    for (const [name, state] of change.checkpoints ?? []) putCheckpoint.run(name, state);
    for (const [name, value] of change.counters ?? []) putCounter.run(name, value);
    for (const signal of change.signals ?? []) documented.putSignal(signal);
    for (const value of change.cases ?? []) documented.putCase(value);
    for (const proposal of change.proposals ?? []) documented.putProposal(proposal);
    for (const decision of change.decisions ?? []) documented.appendDecision(decision);
    if (change.evidence && change.evidence.length > 0) evidence.append(change.evidence);
    for (const target of change.forgetSignIns ?? []) memory.forgetSignIns(target);
    if (change.signIns) memory.addSignIns(change.signIns);
    for (const release of change.releases ?? []) memory.addRelease(release);
    for (const [name, entries] of change.lists ?? []) memory.replaceList(name, entries);
    for (const entry of change.audit ?? []) memory.addAudit(entry);
  };
  /** Runs `work` in a transaction of its own: all of it holds or none. */
  const transaction = <T>(work: () => T): T => {
    if (readOnly) throw new StateError("read-only", path);
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      evidence.recount();
      throw error;
    }
  };
  /** Calls are synchronous inside; the contract is not, and a failure is a rejection in words. */
  const call = async <T>(work: () => T): Promise<T> => {
    if (closed) throw new StateError("closed", path);
    try {
      return work();
    } catch (error) {
      throw stateError(path, error);
    }
  };

  return {
    commit: (change) => call(() => transaction(() => apply(change))),
    cursors: () => call(() => new Map(readCursors.all().map((row) => [String(row["source"]), String(row["cursor"])]))),
    checkpoint: (name) => call(() => readCheckpoint.get(name)?.["state"] as Uint8Array | undefined),
    counters: () => call(() => new Map(readCounters.all().map((row) => [String(row["name"]), Number(row["value"])]))),
    signals: (filter) => call(() => documented.signals(filter)),
    cases: (filter) => call(() => documented.cases(filter)),
    case: (id) => call(() => documented.case(id)),
    proposals: (filter) => call(() => documented.proposals(filter)),
    proposal: (id) => call(() => documented.proposal(id)),
    decide: (id, state, by, at, change) =>
      call(() =>
        transaction(() => {
          const now = documented.proposal(id);
          if (now?.state !== "pending") return { proposal: now, decided: false };
          const proposal = { ...now, state, decidedBy: by, decidedAt: at };
          documented.putProposal(proposal);
          apply(change);
          return { proposal, decided: true };
        }),
      ),
    decisions: (filter) => call(() => documented.decisions(filter)),
    history: (decision) => call(() => documented.history(decision)),
    signIn: (target) => call(() => memory.signIn(target)),
    releases: (target) => call(() => memory.releases(target)),
    list: (name) => call(() => memory.list(name)),
    audit: ({ limit }) => call(() => memory.audit(limit)),
    find: (query) => call(() => evidence.find(query)),
    backup: async (copy) => {
      if (closed) throw new StateError("closed", path);
      const unfinished = `${copy}.unfinished`;
      try {
        await backup(db, unfinished);
        renameSync(unfinished, copy);
      } catch (error) {
        rmSync(unfinished, { force: true });
        throw stateError(path, error);
      }
    },
    close: async () => {
      if (closed) return;
      closed = true;
      try {
        close();
      } catch (error) {
        throw stateError(path, error);
      }
    },
  };
}
