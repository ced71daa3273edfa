/**
 * One-sided CUSUM (Page, 1954) on a series whose mean and spread are learned as it goes, as Javed and Paxson (2013) use it to see
 * from a site's totals alone that an attack epoch is on. Reference value 0.5 σ, decision interval 5 σ: one false alarm in about
 * 930 steps of a normal series (Siegmund's approximation), with ten-minute steps one in six days.
 */
export interface Cusum {
  /** Takes the next value of the series. */
  step(value: number): void;
  /** Sum over the decision interval: 1 and more means an epoch is on. */
  readonly level: number;
  snapshot(): CusumState;
  restore(state: CusumState): void;
}
export type CusumState = readonly [mean: number, variance: number, sum: number, steps: number];

const reference = 0.5;
const interval = 5;
const slowness = 0.02;
/** Steps before anything is said: a day's worth of ten-minute steps would be 144; a mean of 30 is known to a fifth of σ. */
const warmUp = 30;

export function cusum(): Cusum {
  let mean = 0;
  let variance = 1;
  let sum = 0;
  let steps = 0;
  return {
    step(value) {
      const deviation = value - mean;
      const z = deviation / Math.sqrt(variance + 0.05);
      if (steps >= warmUp) sum = Math.min(4 * interval, Math.max(0, sum + z - reference));
      // What is far out teaches little: an attack must not become the ordinary state.
      const held = Math.max(-3, Math.min(3, z)) * Math.sqrt(variance + 0.05);
      const rate = sum > interval ? 0 : Math.max(slowness, 1 / (steps + 1));
      mean += rate * held;
      variance += rate * (held * held - variance);
      steps++;
    },
    get level() {
      return sum / interval;
    },
    snapshot: () => [mean, variance, sum, steps],
    restore(state) {
      [mean, variance, sum, steps] = state;
    },
  };
}
