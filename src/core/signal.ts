/** Sigma's levels, lowest first: https://github.com/SigmaHQ/sigma-specification (2.1, `level`). */
export const ruleLevels = ["informational", "low", "medium", "high", "critical"] as const;
export type RuleLevel = (typeof ruleLevels)[number];

/** What is behind a signal: who a case is about and whom a decision may name. */
export interface Actor {
  readonly kind: ActorKind;
  /** Canonical address, CIDR network, cohort id, user name, device id, or site (source) name. */
  readonly id: string;
}
export type ActorKind = "ip" | "network" | "cohort" | "user" | "device" | "site";

/**
 * One term of a score. Scores are additive evidence in log-odds (natural logarithm): a signal's `score` is exactly the sum
 * of its contributions, so the explanation is the computation and no approximation of it.
 */
export interface Contribution {
  /** Stable machine name, e.g. `failures`, `distinct_paths`, `referrer_share`; `base` is the prior. */
  readonly feature: string;
  readonly value: string | number;
  /** What is usual here, where the detector knows it. */
  readonly baseline?: string | number | undefined;
  readonly contribution: number;
}

/** A place in a log that a person can open: every claim leads to one. */
export interface EvidenceReference {
  /** Source id: for files the path as configured or given. */
  readonly source: string;
  /** Line number in the source, counted from 1; 0 where the source has no lines (a socket). */
  readonly line: number;
  /** Byte offset of the line's start in the source; -1 where it has none. */
  readonly offset: number;
  /** Event time, epoch milliseconds. */
  readonly time: number;
  /** The line itself, cut to 1,024 characters. Hostile text: sanitise before printing. */
  readonly message: string;
}

/**
 * Something a detector found. The same lines give the same signals with the same ids, live or replayed. An episode that
 * goes on is reported again under the same id with a larger `count` and later `last`.
 */
export interface Signal {
  /** 16 hexadecimal digits from detector, rule, actor and the time of the episode's first event. */
  readonly id: string;
  /** Name of the detector: `sigma-rules`, `cohort`, `slow`, `baseline`, … */
  readonly detector: string;
  /** Rule name (file name without ending for built-in rules, else the Sigma id), or the detector's own kind. */
  readonly rule: string;
  readonly title: string;
  readonly level: RuleLevel;
  readonly actor: Actor;
  /** Event time of the first, and of the latest event of the episode; epoch milliseconds. */
  readonly first: number;
  readonly last: number;
  /** Events of the actor that the claim rests on, so far. The guard demands to find at least as many. */
  readonly count: number;
  /** Sum of `why[].contribution`. */
  readonly score: number;
  readonly why: readonly Contribution[];
  /** Up to 10 evidence lines, first ones and latest ones. */
  readonly evidence: readonly EvidenceReference[];
  /** For a cohort: who takes part; each has its own posterior. */
  readonly members?: readonly CohortMember[] | undefined;
  /** For a cohort: what the members share, e.g. `{ "url.path": "/login" }`. */
  readonly by?: Readonly<Record<string, string>> | undefined;
  /** User names, and paths, seen in the episode (capped at 20 each). */
  readonly users?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
  /** Whether the detector finds a ban justified; false = worth telling, not worth acting on. */
  readonly actionable: boolean;
}

export interface CohortMember {
  readonly address: string;
  readonly events: number;
  readonly first: number;
  readonly last: number;
  readonly score: number;
  readonly why: readonly Contribution[];
  readonly evidence: readonly EvidenceReference[];
}

/** Sum of contributions, in order, so that every reader gets the same floating-point number. */
export function scoreOf(why: readonly Contribution[]): number {
  let sum = 0;
  for (const part of why) sum += part.contribution;
  return sum;
}
