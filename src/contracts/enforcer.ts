import type { Ban } from "#core/decision.ts";

/** What one `sync` did. Counts of targets; `failed` lists targets that could not be made so, with the reason. */
export interface SyncReport {
  readonly added: number;
  readonly removed: number;
  readonly kept: number;
  readonly failed: readonly { readonly target: string; readonly reason: string }[];
}

/**
 * Makes bans hold. Level-triggered and idempotent: it is given the set that should hold and makes it so, touches only
 * its own rules, and reports a ban as held only after the enforcing system confirmed it. All targets of `desired` have
 * passed the guard of `respond/`, the only caller.
 */
export interface Enforcer {
  readonly name: string;
  /** Makes the enforced set equal to `desired`; throws an error of its room when the system cannot be reached. */
  sync(desired: readonly Ban[], signal: AbortSignal): Promise<SyncReport>;
  /** What is enforced right now, read back from the system. */
  list(signal: AbortSignal): Promise<readonly Ban[]>;
  /** Removes everything this program ever put there. */
  flush(signal: AbortSignal): Promise<void>;
  /** Ends established connections of an address or network, where the enforcer can. Gives how many. */
  kill?(target: string, signal: AbortSignal): Promise<number>;
  /** Packets dropped so far per target, where the enforcer counts them: proof that a ban bites. */
  hits?(signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}
