import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import { logsourceMatches } from "#sigma/taxonomy.ts";
import type { PlannedRule } from "./plan.ts";

/** Which rules concern the event at hand. */
export interface LogSources {
  /** The next event comes. */
  next(event: LogEvent): void;
  /** Whether the rule of that index concerns it. */
  concerns(rule: number, event: LogEvent): boolean;
}

/** All of an event that `logsourceMatches` looks at, and its answers by log source: 0 not asked yet, 1 no, 2 yes. */
interface Kind {
  readonly action: unknown;
  readonly category: unknown;
  readonly dataset: unknown;
  readonly program: unknown;
  readonly answers: Uint8Array;
}

/** Kinds remembered: parsers know few dozens. */
const mostKinds = 256;

/** Whether rules concern an event by their `logsource`, asked once for each different one and each kind of event. */
export function logSources(rules: readonly PlannedRule[]): LogSources {
  const names = new Map<string, number>();
  const distinct: PlannedRule["compiled"]["rule"]["logsource"][] = [];
  const indexes = rules.map(({ compiled }) => {
    const { category, product, service } = compiled.rule.logsource;
    const name = JSON.stringify([category, product, service]);
    const index = names.get(name);
    if (index !== undefined) return index;
    names.set(name, distinct.length);
    return distinct.push(compiled.rule.logsource) - 1;
  });
  /** For each action the kind of event seen last. */
  const known = new Map<unknown, Kind>();
  let kind: Kind | undefined;
  return {
    next: (event: LogEvent): void => {
      const action = event["event.action"];
      const category = event["event.category"];
      const dataset = event["event.dataset"];
      const program = event["process.name"];
      if (kind?.action !== action) kind = known.get(action);
      if (kind && kind.category === category && kind.dataset === dataset && kind.program === program) return;
      // Actions are the parsers' own few words; other texts are cut off from their lines.
      if (known.size >= mostKinds) known.clear();
      const own = (value: unknown): unknown => (typeof value === "string" ? ownString(value) : value);
      kind = { action: own(action), category: own(category), dataset: own(dataset), program: own(program), answers: new Uint8Array(distinct.length) };
      known.set(kind.action, kind);
    },
    concerns: (rule: number, event: LogEvent): boolean => {
      const index = indexes[rule] as number;
      const { answers } = kind as Kind;
      if (answers[index] === 0) answers[index] = logsourceMatches(distinct[index] as (typeof distinct)[number], event) ? 2 : 1;
      return answers[index] === 2;
    },
  };
}
