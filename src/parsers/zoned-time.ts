const day = 86_400_000;
/** Days remembered per zone; eleven years, then forgotten at once. */
const rememberedDays = 4_096;

/** Turns wall clock times of one time zone into instants. */
export interface ZonedTime {
  /**
   * Instant (epoch milliseconds) of a wall clock time given as if it were UTC (`Date.UTC(…)`). A time that occurs twice is
   * the first of the two; one that the clock jumped over is taken with the offset before the jump (as Temporal's "compatible").
   */
  instant(wall: number): number;
}

/**
 * Wall clock of an IANA zone, by Intl's rules. Intl costs microseconds, so offsets are remembered by day; only days on which
 * the clock changes are asked again. Throws RangeError for a name that Intl does not know: configuration checks names before.
 */
export function zonedTime(timeZone: string): ZonedTime {
  if (timeZone === "UTC" || timeZone === "Etc/UTC" || timeZone === "GMT") return { instant: (wall) => wall };
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });

  const ask = (instant: number): number => {
    if (!(Math.abs(instant) < 8e15)) return 0;
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value);
    const wall = Date.UTC(part["year"] ?? 0, (part["month"] ?? 1) - 1, part["day"], part["hour"], part["minute"], part["second"]);
    return wall - Math.floor(instant / 1_000) * 1_000;
  };

  // Offset of a day on which it stays the same; NaN for a day on which it changes.
  const days = new Map<number, number>();
  const offset = (instant: number): number => {
    const number = Math.floor(instant / day);
    let known = days.get(number);
    if (known === undefined) {
      const first = ask(number * day);
      known = first === ask((number + 1) * day) ? first : Number.NaN;
      if (days.size >= rememberedDays) days.clear();
      days.set(number, known);
    }
    return Number.isNaN(known) ? ask(instant) : known;
  };

  return {
    instant(wall) {
      const before = offset(wall - day);
      const after = offset(wall + day);
      if (before === after || offset(wall - before) === before) return wall - before;
      return offset(wall - after) === after ? wall - after : wall - before;
    },
  };
}
