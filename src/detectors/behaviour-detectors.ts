import type { Detector } from "#contracts/detector.ts";
import { behaviourReader } from "./behaviour/behaviour.ts";
import { baselineDetector, type BaselineOptions } from "./baseline/baseline.ts";
import { cohortDetector, type CohortOptions } from "./cohort/cohort.ts";
import { slowDetector, type SlowOptions } from "./slow/slow.ts";

export interface BehaviourOptions {
  readonly slow?: Omit<SlowOptions, "read">;
  readonly cohort?: Omit<CohortOptions, "read">;
  readonly baseline?: Omit<BaselineOptions, "read">;
}

/**
 * The three detectors that look at behaviour, reading each event once between them: give every event to all of them before the
 * next one. Each keeps a state of its own.
 */
export function behaviourDetectors(options: BehaviourOptions = {}): readonly [slow: Detector, cohort: Detector, baseline: Detector] {
  const read = behaviourReader();
  return [slowDetector({ ...options.slow, read }), cohortDetector({ ...options.cohort, read }), baselineDetector({ ...options.baseline, read })];
}
