/** Parts of a date that the time modifiers extract. */
export const timeUnits = ["minute", "hour", "day", "week", "month", "year"] as const;
export type TimeUnit = (typeof timeUnits)[number];

/**
 * The part of a date (modifiers appendix 2.1, "Time Modifiers"). A text is read as it is written, without any change of
 * zone (`2025-08-02T22:15:00+09:00` has hour 22); a number is epoch seconds, or milliseconds from 10^11 on, in UTC. `week`
 * is the ISO 8601 week. Undefined where the value is no date.
 */
export function timePart(value: unknown, unit: TimeUnit): number | undefined {
  const date = dateOf(value);
  if (!date) return undefined;
  switch (unit) {
    case "minute":
      return date.getUTCMinutes();
    case "hour":
      return date.getUTCHours();
    case "day":
      return date.getUTCDate();
    case "week":
      return isoWeek(date);
    case "month":
      return date.getUTCMonth() + 1;
    case "year":
      return date.getUTCFullYear();
  }
}

function dateOf(value: unknown): Date | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value;
  if (typeof value === "number" || (typeof value === "string" && /^\d{9,13}(?:\.\d+)?$/.test(value))) {
    const number = Number(value);
    const date = new Date(Math.abs(number) < 1e11 ? number * 1_000 : number);
    return Number.isNaN(date.getTime()) ? undefined : date;
  }
  if (typeof value !== "string") return undefined;
  const found = /^\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2}))?/.exec(value.slice(0, 64));
  if (!found) return undefined;
  const [, year, month, day, hour = "0", minute = "0"] = found;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute)));
  return date.getUTCMonth() === Number(month) - 1 && Number(hour) < 24 && Number(minute) < 60 ? date : undefined;
}

function isoWeek(date: Date): number {
  const thursday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  return Math.ceil(((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / 86_400_000 + 1) / 7);
}
