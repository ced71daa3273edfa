import type { Case, Decision, Proposal } from "#core/decision.ts";

/** Something a person should hear of. Notifiers deliver each `key` once. */
export interface Notice {
  /** Stable for one happening, so that it is told once. */
  readonly key: string;
  readonly kind: NoticeKind;
  /** How loud: `info` is for the record, `warning` wants a look, `danger` wants a look now. */
  readonly level: "info" | "warning" | "danger";
  /** Epoch milliseconds. */
  readonly at: number;
  /** In the operator's language, safe to print. */
  readonly text: string;
  readonly target?: string | undefined;
  readonly proposal?: Proposal | undefined;
  readonly decision?: Decision | undefined;
  readonly case?: Case | undefined;
}

type NoticeKind =
  | "case"
  | "proposal"
  | "proposal-expired"
  | "refused"
  | "enforced"
  | "failed"
  | "expired"
  | "released"
  | "feed"
  | "drift"
  | "enforcer-down"
  | "enforcer-back"
  | "still-knocking"
  | "proved"
  | "state-failed";
