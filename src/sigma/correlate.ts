import type { CompiledCorrelation, CorrelationHit, Correlator } from "./correlation.ts";
import type { SigmaEvent } from "./fields.ts";

/** A correlation that an event completed or kept true. */
export interface Correlated {
  readonly correlation: CompiledCorrelation;
  readonly hit: CorrelationHit;
}

/** Runs the correlations of a rule set, chained ones after those they refer to. */
export interface CorrelationEngine {
  /** Takes the keys of the rules that `event` matched. An event counts once in counts and sums, whichever of their rules it matched. */
  observe(ruleKeys: readonly string[], event: SigmaEvent, time: number, weight: number): readonly Correlated[];
  /** State of all correlators, structured-cloneable. */
  snapshot(): unknown;
  readonly evictions: number;
  readonly keys: number;
}

const nothing: readonly Correlated[] = Object.freeze([]);

/**
 * Makes the engine; `correlations` as `loadRules` orders them. A hit of a correlation is a match of it at the event that
 * made it, for the correlations that refer to it: they group by that event's fields, or by the hit's group where the event
 * has no such field (an alias). A snapshot that does not fit a correlation any more is left out.
 */
export function correlationEngine(
  correlations: readonly CompiledCorrelation[],
  options: { readonly maxKeys: number; readonly lateTolerance: number; readonly snapshot?: unknown },
): CorrelationEngine {
  const { maxKeys, lateTolerance } = options;
  const saved = new Map(savedStates(options.snapshot));
  const runs = correlations.map((correlation) => ({ correlation, correlator: start(correlation, saved.get(correlation.rule.key)) }));
  const wanted = new Set(correlations.flatMap(({ references }) => references));

  function start(correlation: CompiledCorrelation, snapshot: unknown): Correlator {
    try {
      return correlation.correlator(snapshot === undefined ? { maxKeys, lateTolerance } : { maxKeys, lateTolerance, snapshot });
    } catch {
      return correlation.correlator({ maxKeys, lateTolerance });
    }
  }
  return {
    observe(ruleKeys, event, time, weight) {
      if (!ruleKeys.some((key) => wanted.has(key))) return nothing;
      const matched = new Map<string, SigmaEvent>(ruleKeys.map((key) => [key, event]));
      const results: Correlated[] = [];
      for (const { correlation, correlator } of runs) {
        const { references, rule } = correlation;
        const once = rule.type !== "temporal" && rule.type !== "temporal_ordered";
        let hit: CorrelationHit | undefined;
        for (const key of references) {
          const seen = matched.get(key);
          if (!seen) continue;
          hit = correlator.observe(key, seen, time, weight) ?? hit;
          if (once) break;
        }
        if (!hit) continue;
        results.push({ correlation, hit });
        matched.set(rule.key, { ...hit.group, ...event });
      }
      return results;
    },
    snapshot: () => ({ version: 1, states: runs.map(({ correlation, correlator }) => [correlation.rule.key, correlator.snapshot()]) }),
    get evictions() {
      return runs.reduce((sum, { correlator }) => sum + correlator.evictions, 0);
    },
    get keys() {
      return runs.reduce((sum, { correlator }) => sum + correlator.keys, 0);
    },
  };
}

function savedStates(snapshot: unknown): readonly (readonly [string, unknown])[] {
  const state = snapshot as { states?: unknown } | null | undefined;
  return Array.isArray(state?.states) ? (state.states as [string, unknown][]).filter((one) => Array.isArray(one) && typeof one[0] === "string") : [];
}
