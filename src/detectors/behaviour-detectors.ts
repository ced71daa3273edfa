import type { Detector } from "#contracts/detector.ts";
import type { Language } from "#core/text/text.ts";
import { behaviourReader } from "./behaviour/behaviour.ts";
import { baselineDetector, type BaselineOptions } from "./baseline/baseline.ts";
import { cohortDetector, type CohortOptions } from "./cohort/cohort.ts";
import { slowDetector, type SlowOptions } from "./slow/slow.ts";

export interface BehaviourOptions {
  /** Language of titles; English where not given. */
  readonly language?: Language;
  /** Sources remembered at most, by all three together; about 270 bytes each. */
  readonly maxSources?: number;
  readonly slow?: Omit<SlowOptions, "reader" | "language">;
  readonly cohort?: Omit<CohortOptions, "reader" | "language">;
  readonly baseline?: Omit<BaselineOptions, "reader" | "language">;
}

/**
 * The three detectors that look at behaviour. Between them they read each event and look up its source once: give every event to all of them
 * before the next one, and restore them from snapshots of the same moment.
 */
export function behaviourDetectors(options: BehaviourOptions = {}): readonly [slow: Detector, cohort: Detector, baseline: Detector] {
  const shared = { reader: behaviourReader(options.maxSources), language: options.language ?? "en" };
  return [slowDetector({ ...options.slow, ...shared }), cohortDetector({ ...options.cohort, ...shared }), baselineDetector({ ...options.baseline, ...shared })];
}
