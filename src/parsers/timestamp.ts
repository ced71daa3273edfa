import { clfClock, clfTimeLength } from "./clf-time.ts";
import { zonedTime } from "./zoned-time.ts";

const iso = /^(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * Epoch milliseconds of a number that counts seconds, milliseconds, microseconds or nanoseconds since 1970: which of them
 * shows from its size (each reading is right between 1973 and 5138). NaN for none.
 */
export function epochOfNumber(value: number): number {
  const size = Math.abs(value);
  if (!(size < 1e20)) return Number.NaN;
  return size < 1e11 ? Math.round(value * 1_000) : size < 1e14 ? Math.round(value) : size < 1e17 ? Math.round(value / 1e3) : Math.round(value / 1e6);
}

/**
 * A reader of the usual written times: ISO 8601 and RFC 3339 (with `/` for `-` and a space for `T` too), the common log
 * format's, and numbers since 1970. Epoch milliseconds; NaN where the text is none. Times without a zone are of `timeZone`.
 */
export function timestampReader(timeZone: string): (text: string) => number {
  const zoned = zonedTime(timeZone);
  const clf = clfClock();
  return (text) => {
    if (text.length > 64) return Number.NaN;
    const found = iso.exec(text);
    if (found) {
      const [, year, month, day, hours, minutes, seconds, fraction, zone] = found;
      const second = Number(seconds ?? 0);
      if (Number(month) > 12 || Number(month) < 1 || Number(hours) > 24 || Number(minutes) > 59 || second > 60 || Number(day) < 1) return Number.NaN;
      const millisecond = fraction === undefined ? 0 : Math.floor(Number(`0.${fraction}`) * 1_000);
      const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hours), Number(minutes), second, millisecond);
      if (Number(day) > 28 && new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)) return Number.NaN;
      return zone === undefined ? zoned.instant(wall) : wall - zoneMilliseconds(zone);
    }
    if (text.length === clfTimeLength && text.charCodeAt(2) === 47) return clf(text, 0);
    return /^-?\d{1,20}(?:\.\d{1,9})?$/.test(text) ? epochOfNumber(Number(text)) : Number.NaN;
  };
}

/** Milliseconds east of UTC of `Z`, `+09`, `+0900` or `+09:00`. */
export function zoneMilliseconds(zone: string): number {
  if (!zone.startsWith("+") && !zone.startsWith("-")) return 0;
  const digits = zone.replace(":", "").slice(1);
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}
