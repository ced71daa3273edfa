import type { EvidenceReference } from "#core/signal.ts";

/** A parsed event as the guard re-reads it. */
export interface EvidenceRow extends EvidenceReference {
  readonly address: string;
  readonly action: string;
  readonly outcome: string;
  readonly user: string;
  readonly userAgent: string;
  /** HTTP status, 0 where there is none. */
  readonly status: number;
  /** How many equal events the line stands for. */
  readonly count: number;
}

export interface EvidenceQuery {
  /** Canonical address or network. */
  readonly target: string;
  /** Event time, epoch milliseconds, both inclusive. */
  readonly from: number;
  readonly to: number;
  /** At most this many rows, newest first. */
  readonly limit: number;
}

/** What the guard re-reads before a ban. A bounded journal in the state store today; the log store fulfils it later. */
export interface EvidenceStore {
  find(query: EvidenceQuery): Promise<readonly EvidenceRow[]>;
}
