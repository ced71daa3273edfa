import type { Actor, Contribution, EvidenceReference, RuleLevel, Signal } from "./signal.ts";

/** A case's level: 정상 / 주의 / 위험. */
export type CaseLevel = "normal" | "caution" | "danger";

/** Signals of one actor within a gap. */
export interface Case {
  /** `c` and 8 characters from actor and first signal: short enough to type. */
  readonly id: string;
  readonly actor: Actor;
  readonly level: CaseLevel;
  readonly opened: number;
  readonly updated: number;
  /** Latest state of each signal by id, in order of first event. */
  readonly signals: readonly Signal[];
  readonly state: "open" | "closed";
}

/** Who asked for a ban or a release. */
export type Origin =
  | { readonly kind: "rule"; readonly rule: string; readonly signal: string }
  | { readonly kind: "agent"; readonly investigation: string }
  | { readonly kind: "person"; readonly name: string; readonly via: "cli" | "api" | "telegram" }
  | { readonly kind: "api"; readonly token: string }
  /** A list the operator configured (CrowdSec): `id` is its own number of the decision, `scenario` why it was made. */
  | { readonly kind: "feed"; readonly name: string; readonly scenario: string; readonly id: number };

/** Which decision of which feed a ban came from, whoever approved it; it is released when the feed takes it back. */
export interface FeedReference {
  readonly name: string;
  readonly id: number;
}

/** One check of the guard, in words of the operator's language. */
export interface GuardCheck {
  /** `address`, `width`, `own`, `reserved`, `allowed`, `history`, `evidence`, `shared-exit`, `caps`, … */
  readonly check: string;
  readonly ok: boolean;
  readonly why: string;
  /** A person may knowingly override this refusal. */
  readonly overridable: boolean;
}

/** What the guard says of one target. */
export interface GuardVerdict {
  readonly allowed: boolean;
  /** A refusal that only asks for a person (caps), not one that forbids. */
  readonly needsPerson: boolean;
  /** What to ban instead of what was asked (`/64` instead of an address; an address instead of a network), canonical CIDR or address. */
  readonly target: string;
  readonly checks: readonly GuardCheck[];
}

/** What a ban claims: the guard re-reads the events of the target and demands to find at least `count`. */
export interface Claim {
  /** Canonical address or network. */
  readonly target: string;
  readonly count: number;
  /** Event time, epoch milliseconds, both inclusive. */
  readonly from: number;
  readonly to: number;
}

/** Something to be decided: pending until a person or policy answers; default deny at `expires`. */
export interface Proposal {
  readonly id: string;
  readonly action: "ban" | "unban";
  readonly target: string;
  /** Seconds. */
  readonly ttl: number;
  readonly origin: Origin;
  readonly case: string | undefined;
  readonly reason: string;
  readonly level: RuleLevel;
  readonly score: number;
  readonly why: readonly Contribution[];
  readonly claim: Claim | undefined;
  readonly evidence: readonly EvidenceReference[];
  readonly verdict: GuardVerdict;
  readonly created: number;
  readonly expires: number;
  readonly state: "pending" | "approved" | "denied" | "expired" | "refused" | "recorded";
  readonly decidedBy?: string | undefined;
  readonly decidedAt?: number | undefined;
}

/** A ban that should hold. Sets of these are what enforcers are given. */
export interface Ban {
  /** Canonical address or CIDR network (`core/ip.ts`). */
  readonly target: string;
  /** Epoch milliseconds at which it ends. */
  readonly until: number;
  /** Ledger id of the decision. */
  readonly decision: string;
  /** Short reason, safe to print (sanitised), at most 120 characters. */
  readonly reason: string;
  /** True number of events it rests on, where log lines are its ground. */
  readonly events?: number | undefined;
  /** Some of those lines, the first 10 at most are passed on. Hostile text. */
  readonly evidence?: readonly EvidenceReference[] | undefined;
  /** Name of the feed it came from: it is not given back there. */
  readonly feed?: string | undefined;
}

/** One row of the append-only ledger. Later rows about the same decision supersede earlier ones. */
export interface Decision {
  /** `d` and 8 characters. */
  readonly id: string;
  readonly action: "ban" | "unban";
  readonly target: string;
  readonly from: number;
  readonly until: number;
  readonly origin: Origin;
  readonly proposal: string | undefined;
  readonly reason: string;
  readonly evidence: readonly EvidenceReference[];
  /** Events that the guard was shown for it; absent where no log lines were demanded. */
  readonly events?: number | undefined;
  readonly feed?: FeedReference | undefined;
  readonly state: "decided" | "enforced" | "failed" | "released" | "expired" | "recorded";
  /** When this row was written. */
  readonly at: number;
  readonly note?: string | undefined;
}
