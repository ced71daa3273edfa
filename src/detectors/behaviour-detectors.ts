import type { Detector } from "#contracts/detector.ts";
import type { Language } from "#core/text/text.ts";
import { behaviourReader } from "./behaviour/behaviour.ts";
import { baselineDetector, type BaselineOptions } from "./baseline/baseline.ts";
import { cohortDetector, type CohortOptions } from "./cohort/cohort.ts";
import { slowDetector, type SlowOptions } from "./slow/slow.ts";

export interface BehaviourOptions {
  /** Language of titles; English where not given. */
  readonly language?: Language;
  readonly slow?: Omit<SlowOptions, "read" | "language">;
  readonly cohort?: Omit<CohortOptions, "read" | "language">;
  readonly baseline?: Omit<BaselineOptions, "read" | "language">;
}

/**
 * The three detectors that look at behaviour, reading each event once between them: give every event to all of them before the
 * next one. Each keeps a state of its own.
 */
export function behaviourDetectors(options: BehaviourOptions = {}): readonly [slow: Detector, cohort: Detector, baseline: Detector] {
  const shared = { read: behaviourReader(), language: options.language ?? "en" };
  return [slowDetector({ ...options.slow, ...shared }), cohortDetector({ ...options.cohort, ...shared }), baselineDetector({ ...options.baseline, ...shared })];
}
