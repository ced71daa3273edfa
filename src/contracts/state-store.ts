import type { Case, Decision, Proposal } from "#core/decision.ts";
import type { Signal } from "#core/signal.ts";
import type { EvidenceQuery, EvidenceRow, EvidenceStore } from "./evidence-store.ts";

/** Everything one step changes. It holds whole or not at all, and survives loss of power once `commit` has answered. */
export interface StateChange {
  /** Cursor of each source by id. */
  readonly cursors?: ReadonlyMap<string, string>;
  /** Opaque detector states by name (a structured clone as bytes). */
  readonly checkpoints?: ReadonlyMap<string, Uint8Array>;
  /** Absolute counter values by name (`lines{source}` …). */
  readonly counters?: ReadonlyMap<string, number>;
  /** Inserted, or replaced by id. */
  readonly signals?: readonly Signal[];
  readonly cases?: readonly Case[];
  readonly proposals?: readonly Proposal[];
  /** Appended; earlier rows never change. */
  readonly decisions?: readonly Decision[];
  /** Appended to the evidence journal; the oldest rows go when it is full. Rows are unique by source, file generation and offset as `key`. */
  readonly evidence?: readonly (EvidenceRow & { readonly key: string })[];
  /** Addresses that signed in successfully: user name and event time. */
  readonly signIns?: readonly { readonly address: string; readonly user: string; readonly time: number }[];
  /** Addresses or networks whose history of success a person disowned (a stolen password): their sign-ins so far are forgotten. */
  readonly forgetSignIns?: readonly string[];
  /** Targets a person released: the same evidence (up to `until` event time) does not ban them again. */
  readonly releases?: readonly Release[];
  /** Operator's lists, whole replacement per list name (`allow`, …). */
  readonly lists?: ReadonlyMap<string, readonly ListEntry[]>;
  /** Appended audit entries. */
  readonly audit?: readonly AuditEntry[];
}

export interface Release {
  readonly target: string;
  /** Evidence up to this event time (epoch milliseconds) counts no more. */
  readonly until: number;
  readonly by: string;
  readonly at: number;
}

export interface ListEntry {
  readonly target: string;
  readonly note: string;
  readonly by: string;
  readonly at: number;
}

export interface AuditEntry {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly detail: string;
}

export interface SignIn {
  readonly address: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly users: readonly string[];
}

/** The guard's memory. Implementations: SQLite (embedded), later PostgreSQL. */
export interface StateStore extends EvidenceStore {
  commit(change: StateChange): Promise<void>;
  cursors(): Promise<ReadonlyMap<string, string>>;
  checkpoint(name: string): Promise<Uint8Array | undefined>;
  counters(): Promise<ReadonlyMap<string, number>>;
  signals(filter: { readonly since?: number; readonly actor?: string; readonly limit: number }): Promise<readonly Signal[]>;
  cases(filter: { readonly state?: Case["state"]; readonly since?: number; readonly limit: number }): Promise<readonly Case[]>;
  case(id: string): Promise<Case | undefined>;
  proposals(filter: { readonly state?: Proposal["state"]; readonly target?: string; readonly limit: number }): Promise<readonly Proposal[]>;
  proposal(id: string): Promise<Proposal | undefined>;
  /**
   * Moves a proposal out of `pending` if, and only if, it is still pending: the first answer wins. Gives the proposal as it
   * now stands, and whether this call decided it. `change` is committed in the same transaction when it did.
   */
  decide(
    id: string,
    state: Exclude<Proposal["state"], "pending">,
    by: string,
    at: number,
    change: StateChange,
  ): Promise<{ readonly proposal: Proposal | undefined; readonly decided: boolean }>;
  /**
   * Latest row of each decision, newest first. `active` = bans that should hold at `at` (decided, enforced or failed, and not
   * ended). `target` finds every decision that shares an address with it.
   */
  decisions(filter: { readonly active?: boolean; readonly at?: number; readonly target?: string; readonly limit: number }): Promise<readonly Decision[]>;
  /** Every ledger row of one decision, oldest first. */
  history(decision: string): Promise<readonly Decision[]>;
  /** Sign-ins of an address, or of all addresses of a network together (`address` is then the latest one's). */
  signIn(target: string): Promise<SignIn | undefined>;
  /** Releases that share an address with `target`, oldest first. */
  releases(target: string): Promise<readonly Release[]>;
  list(name: string): Promise<readonly ListEntry[]>;
  audit(filter: { readonly limit: number }): Promise<readonly AuditEntry[]>;
  find(query: EvidenceQuery): Promise<readonly EvidenceRow[]>;
  /** Copies the whole store into a file, consistently. */
  backup(path: string): Promise<void>;
  close(): Promise<void>;
}
