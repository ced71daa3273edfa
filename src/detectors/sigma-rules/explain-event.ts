import type { LogEvent } from "#core/event.ts";
import type { RuleLevel } from "#core/signal.ts";
import type { Language } from "#core/text/text.ts";
import type { MatchReason } from "#sigma/compile.ts";
import type { RuleSet } from "#sigma/load.ts";
import { logsourceMatches } from "#sigma/taxonomy.ts";
import { ruleName, ruleTitle } from "./plan.ts";

/** A rule that an event matched. */
export interface RuleMatch {
  readonly rule: string;
  readonly title: string;
  readonly level: RuleLevel;
  /** What of the event fitted what of the rule. Values are hostile text: sanitise before printing. */
  readonly why: readonly MatchReason[];
  /** Names of the correlations that count the match. */
  readonly counts: readonly string[];
}

/** Every rule of the set that matches `event` and why, each rule tried without dispatch; for `haechi explain`. */
export function explainEvent(set: RuleSet, event: LogEvent, language: Language): readonly RuleMatch[] {
  return set.rules
    .filter((compiled) => logsourceMatches(compiled.rule.logsource, event) && compiled.matches(event))
    .map((compiled) => ({ compiled, rule: compiled.rule }))
    .map(({ compiled, rule }) => ({
      rule: ruleName(rule),
      title: ruleTitle(rule, language),
      level: rule.level ?? "medium",
      why: compiled.explain(event),
      counts: set.correlations.filter(({ references }) => references.includes(rule.key)).map((correlation) => ruleName(correlation.rule)),
    }));
}
