/** Usual level and spread of a site's hourly number, by hour of the day, and by hour of the week once three weeks of an hour are known. */
export interface Seasonal {
  /** How far `value` is out, in robust standard deviations of this hour; undefined before three values of it are known. */
  deviation(hour: number, value: number): { z: number; usual: number } | undefined;
  learn(hour: number, value: number): void;
  snapshot(): SeasonalState;
  restore(state: SeasonalState): void;
}
export type SeasonalState = { readonly level: Float64Array<ArrayBuffer>; readonly spread: Float64Array<ArrayBuffer>; readonly seen: Uint32Array<ArrayBuffer> };

const week = 168;
const enough = 3;
/** Mean absolute deviation to standard deviation of a normal. */
const consistent = 1.2533;

/**
 * Streaming median and absolute deviation (stochastic approximation, Robbins and Monro 1951): each step moves at most one spread, so
 * an outlier teaches as little as it does a median. `prior`: the spread assumed before and beside what is learned.
 */
export function seasonal(prior: number): Seasonal {
  // Places 0 to 167 are hours of the week (0 is Thursday 00:00 UTC, as the epoch), 168 to 191 hours of the day.
  let level = new Float64Array(week + 24);
  let spread = new Float64Array(week + 24).fill(prior);
  let seen = new Uint32Array(week + 24);
  const place = (hour: number): number => {
    const ofWeek = ((hour % week) + week) % week;
    return (seen[ofWeek] as number) >= enough ? ofWeek : week + (ofWeek % 24);
  };
  const teach = (at: number, value: number): void => {
    const count = (seen[at] as number) + 1;
    seen[at] = count;
    const rate = Math.max(0.1, 1 / count);
    const off = value - (level[at] as number);
    const wide = spread[at] as number;
    level[at] = (level[at] as number) + (count === 1 ? off : rate * Math.max(-2 * wide, Math.min(2 * wide, off)));
    if (count > 1) spread[at] = wide + rate * (Math.min(Math.abs(off), 3 * wide) - wide);
  };
  return {
    deviation(hour, value) {
      const at = place(hour);
      const count = seen[at] as number;
      if (count < enough) return undefined;
      const usual = level[at] as number;
      // Shrunk towards the prior spread: a few calm days do not make the next one an alarm.
      const scale = (consistent * ((spread[at] as number) * count + prior * 5)) / (count + 5);
      return { z: (value - usual) / (scale + 1e-9), usual };
    },
    learn(hour, value) {
      const ofWeek = ((hour % week) + week) % week;
      teach(ofWeek, value);
      teach(week + (ofWeek % 24), value);
    },
    snapshot: () => ({ level: level.slice(), spread: spread.slice(), seen: seen.slice() }),
    restore(state) {
      level = state.level.slice();
      spread = state.spread.slice();
      seen = state.seen.slice();
    },
  };
}
