import type { CaseLevel, GuardCheck } from "#core/decision.ts";
import type { ActorKind, Contribution } from "#core/signal.ts";
import type { FileCount } from "#pipeline/event-reader.ts";

/** What `haechi scan` found; `--json` prints this object. Times are ISO 8601 in UTC, `ttl` is seconds. */
export interface ScanReport {
  readonly version: 1;
  readonly files: readonly ScanFile[];
  readonly from: string | null;
  readonly to: string | null;
  readonly seconds: number;
  readonly linesPerSecond: number;
  readonly level: CaseLevel;
  /** Worst first. */
  readonly actors: readonly ScanActor[];
  readonly cohorts: readonly ScanCohort[];
}

/** `error` says, in the operator's language, why the rest of a file could not be read. */
export interface ScanFile extends Omit<FileCount, "fault"> {
  readonly error?: string;
}

export interface ScanActor {
  readonly actor: string;
  readonly kind: ActorKind;
  readonly level: CaseLevel;
  /** All events of the address; of other actors those that their signals rest on. */
  readonly events: number;
  readonly failures: number;
  readonly users: readonly string[];
  readonly paths: readonly string[];
  readonly signals: readonly ScanSignal[];
  readonly evidence: readonly ScanEvidence[];
  /** What would be done; null where nothing found is worth acting on. */
  readonly proposal: ScanProposal | null;
}

export interface ScanSignal {
  readonly id: string;
  readonly rule: string;
  readonly title: string;
  readonly level: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  readonly score: number;
  readonly why: readonly Contribution[];
}

/** `file` is the index in `files`; `line` counts from 1, 0 where unknown. */
export interface ScanEvidence {
  readonly file: number;
  readonly line: number;
  readonly message: string;
}

export interface ScanProposal {
  readonly action: "ban";
  readonly target: string;
  readonly ttl: number;
  readonly allowed: boolean;
  readonly checks: readonly GuardCheck[];
}

export interface ScanCohort {
  readonly id: string;
  readonly title: string;
  readonly level: CaseLevel;
  readonly by: Readonly<Record<string, string>>;
  readonly members: readonly string[];
  readonly score: number;
  readonly why: readonly Contribution[];
}
