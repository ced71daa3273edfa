import { ownString } from "#core/own-string.ts";

const monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Month from its three-letter English name, 0 to 11, or -1. */
export function monthOf(name: string): number {
  return monthNames.indexOf(name.toLowerCase());
}

/** Length of `10/Oct/2000:13:55:36 -0700`. */
export const clfTimeLength = 26;

/** Two decimal digits at `at`, or -1. */
function twoDigits(text: string, at: number): number {
  const high = text.charCodeAt(at) - 48;
  const low = text.charCodeAt(at + 1) - 48;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : -1;
}

/** Epoch milliseconds of the minute, or NaN. */
function readMinute(text: string, at: number): number {
  const day = twoDigits(text, at);
  const month = monthOf(text.slice(at + 3, at + 6));
  const century = twoDigits(text, at + 7);
  const year = twoDigits(text, at + 9);
  const hour = twoDigits(text, at + 12);
  const minute = twoDigits(text, at + 15);
  const sign = text.charCodeAt(at + 21);
  const zoneHours = twoDigits(text, at + 22);
  const zoneMinutes = twoDigits(text, at + 24);
  const shaped =
    text.charCodeAt(at + 2) === 47 &&
    text.charCodeAt(at + 6) === 47 &&
    text.charCodeAt(at + 11) === 58 &&
    text.charCodeAt(at + 14) === 58 &&
    text.charCodeAt(at + 17) === 58 &&
    text.charCodeAt(at + 20) === 32 &&
    (sign === 43 || sign === 45);
  if (!shaped || day < 1 || month < 0 || century < 0 || year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59) return Number.NaN;
  if (zoneHours < 0 || zoneHours > 15 || zoneMinutes < 0 || zoneMinutes > 59) return Number.NaN;
  const date = Date.UTC(century * 100 + year, month, day, hour, minute);
  if (new Date(date).getUTCDate() !== day) return Number.NaN;
  const zone = (zoneHours * 60 + zoneMinutes) * 60_000;
  return sign === 43 ? date - zone : date + zone;
}

/**
 * A reader of the common log format's time, `10/Oct/2000:13:55:36 -0700`, that begins at `at`: epoch milliseconds, NaN where
 * there is none. Lines come in order, so the last minute is remembered and only the seconds are read.
 */
export function clfClock(): (text: string, at: number) => number {
  /** `10/Oct/2000:13:55:` */
  let prefix = "-";
  let sign = 0;
  let zoneHours = -1;
  let zoneMinutes = -1;
  let minute = Number.NaN;
  return (text, at) => {
    // One comparison of a slice costs half of what reading its characters does.
    if (
      text.slice(at, at + 18) !== prefix ||
      text.charCodeAt(at + 20) !== 32 ||
      text.charCodeAt(at + 21) !== sign ||
      twoDigits(text, at + 22) !== zoneHours ||
      twoDigits(text, at + 24) !== zoneMinutes
    ) {
      const read = readMinute(text, at);
      if (Number.isNaN(read)) return read;
      minute = read;
      prefix = ownString(text.slice(at, at + 18));
      sign = text.charCodeAt(at + 21);
      zoneHours = twoDigits(text, at + 22);
      zoneMinutes = twoDigits(text, at + 24);
    }
    const seconds = twoDigits(text, at + 18);
    return seconds < 0 || seconds > 60 ? Number.NaN : minute + seconds * 1_000;
  };
}
