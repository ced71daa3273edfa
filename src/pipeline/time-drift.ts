/** What the time stamps of a live source look like beside the clock. */
export interface DriftFinding {
  /** Clock minus event time, milliseconds; positive = stamps lie in the past. */
  readonly offset: number;
  /** Minutes east of UTC by which the zone is off, where the offset is a whole number of quarter hours; else undefined. */
  readonly zoneMinutes: number | undefined;
}

/** Watches one source. */
export interface DriftWatch {
  /** Takes the event time of a line that has just been written and the clock; gives a finding when it changes. */
  observe(eventTime: number, clock: number): DriftFinding | undefined;
}

const window = 32;
const tolerance = 120_000;
const quarter = 900_000;

/**
 * Finds a clock that is wrong and a zone that is wrong: the median of the last 32 offsets of lines that were read as they
 * were written. Real zones differ by quarter hours (tz database), so an offset near one names the likely zone.
 */
export function driftWatch(): DriftWatch {
  const offsets = new Float64Array(window);
  let seen = 0;
  let told = 0;
  return {
    observe(eventTime, clock) {
      offsets[seen++ % window] = clock - eventTime;
      if (seen % window !== 0) return undefined;
      const sorted = offsets.toSorted();
      const median = sorted[window / 2] as number;
      const spread = (sorted[(window * 3) / 4] as number) - (sorted[window / 4] as number);
      // Lines that differ among themselves are old lines being written late, not a wrong clock.
      if (spread > tolerance) return undefined;
      const wrong = Math.abs(median) > tolerance ? median : 0;
      if (Math.abs(wrong - told) <= tolerance) return undefined;
      told = wrong;
      const nearest = Math.round(median / quarter) * quarter;
      return {
        offset: wrong,
        zoneMinutes:
          wrong !== 0 && nearest !== 0 && Math.abs(median - nearest) <= tolerance && Math.abs(nearest) <= 14 * 3_600_000 ? -nearest / 60_000 : undefined,
      };
    },
  };
}
