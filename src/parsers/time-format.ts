import { monthOf } from "./clf-time.ts";
import { ParserError } from "./parser-error.ts";
import { timestampReader, zoneMilliseconds } from "./timestamp.ts";
import { zonedTime } from "./zoned-time.ts";

/** Reads times of one written form. */
export interface TimeFormat {
  /** Epoch milliseconds, NaN where `text` is not of the form. `writtenBy` (epoch milliseconds) settles the year where none is written. */
  read(text: string, writtenBy: number): number;
  /** Length of every such time where it is always the same. */
  readonly length: number | undefined;
}

interface Wall {
  year: number | undefined;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  /** Hours to add for `PM`, -1 where the half of the day is not written. */
  half: number;
  zone: number | undefined;
  epoch: number | undefined;
}

type Step = (wall: Wall, text: string, at: number) => number;

/** Reads `minimum` to `maximum` digits; the step gives the index behind them, -1 where they are not there. */
function digits(minimum: number, maximum: number, low: number, high: number, set: (wall: Wall, value: number) => void): Step {
  return (wall, text, at) => {
    let end = at;
    while (end < at + maximum && text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
    const value = Number(text.slice(at, end));
    if (end - at < minimum || value < low || value > high) return -1;
    set(wall, value);
    return end;
  };
}

const year = digits(4, 4, 0, 9_999, (wall, value) => void (wall.year = value));
const month = digits(2, 2, 1, 12, (wall, value) => void (wall.month = value - 1));
const day = digits(2, 2, 1, 31, (wall, value) => void (wall.day = value));
const hour = digits(2, 2, 0, 24, (wall, value) => void (wall.hour = value));
const minute = digits(2, 2, 0, 59, (wall, value) => void (wall.minute = value));
const second = digits(2, 2, 0, 60, (wall, value) => void (wall.second = value));
const word: Step = (_wall, text, at) => {
  let end = at;
  while (/[A-Za-z]/.test(text.charAt(end))) end++;
  return end > at ? end : -1;
};

/** Steps and usual length of each conversion of strftime (POSIX) that is understood. */
const conversions: Readonly<Record<string, readonly [Step, number | undefined]>> = {
  Y: [year, 4],
  y: [digits(2, 2, 0, 99, (wall, value) => void (wall.year = value < 69 ? 2_000 + value : 1_900 + value)), 2],
  m: [month, 2],
  d: [day, 2],
  e: [(wall, text, at) => digits(1, 2, 1, 31, (to, value) => void (to.day = value))(wall, text, text.charCodeAt(at) === 32 ? at + 1 : at), undefined],
  H: [hour, 2],
  I: [digits(1, 2, 1, 12, (wall, value) => void (wall.hour = value % 12)), undefined],
  M: [minute, 2],
  S: [second, 2],
  b: [
    (wall, text, at) => {
      wall.month = monthOf(text.slice(at, at + 3));
      return wall.month < 0 ? -1 : at + 3;
    },
    3,
  ],
  B: [
    (wall, text, at) => {
      wall.month = monthOf(text.slice(at, at + 3));
      return wall.month < 0 ? -1 : word(wall, text, at);
    },
    undefined,
  ],
  a: [word, 3],
  A: [word, undefined],
  Z: [word, undefined],
  p: [
    (wall, text, at) => {
      const half = text.slice(at, at + 2).toLowerCase();
      wall.half = half === "pm" ? 12 : 0;
      return half === "am" || half === "pm" ? at + 2 : -1;
    },
    2,
  ],
  z: [
    (wall, text, at) => {
      const zone = /^(?:Z|[+-]\d\d:?\d\d)/.exec(text.slice(at, at + 6))?.[0];
      if (zone === undefined) return -1;
      wall.zone = zoneMilliseconds(zone);
      return at + zone.length;
    },
    undefined,
  ],
  f: [
    (wall, text, at) => {
      const fraction = /^\d{1,9}/.exec(text.slice(at, at + 9))?.[0];
      if (fraction === undefined) return -1;
      wall.millisecond = Math.floor(Number(`0.${fraction}`) * 1_000);
      return at + fraction.length;
    },
    undefined,
  ],
  s: [digits(1, 11, 0, 99_999_999_999, (wall, value) => void (wall.epoch = value * 1_000)), undefined],
};
const shorthands: Readonly<Record<string, string>> = { T: "%H:%M:%S", R: "%H:%M", F: "%Y-%m-%d", D: "%m/%d/%y", h: "%b", L: "%f" };

/**
 * A reader for a time format: `iso8601`, `clf`, `epoch` (any number since 1970; all three read each other's forms too), or
 * strftime conversions (`%Y-%m-%d %H:%M:%S`; `%f` and `%L` = fraction of a second). Times without a zone are of `timeZone`; without
 * a year they get `fixedYear`, else the last year in which they lie before `writtenBy`. Throws ParserError `time-format`.
 */
export function timeFormat(format: string, timeZone: string, fixedYear?: number): TimeFormat {
  if (format === "iso8601" || format === "clf" || format === "epoch") {
    const read = timestampReader(timeZone);
    return { read, length: format === "clf" ? 26 : undefined };
  }
  const zoned = zonedTime(timeZone);
  const steps: Step[] = [];
  let length: number | undefined = 0;
  const pattern = format.replace(/%(.)/gs, (all, letter: string) => shorthands[letter] ?? all);
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern.charAt(i);
    const conversion = letter === "%" ? pattern.charAt(i + 1) : "";
    if (conversion !== "") i++;
    const known = conversions[conversion];
    if (known) {
      steps.push(known[0]);
      length = length === undefined || known[1] === undefined ? undefined : length + known[1];
    } else if (conversion === "" || conversion === "%") {
      steps.push((_wall, text, at) => (text.startsWith(letter, at) ? at + 1 : -1));
      if (length !== undefined) length++;
    } else throw new ParserError("time-format", "parsers.time-format", { format, conversion: `%${conversion}` });
  }
  if (!/%[sdeH]/.test(pattern)) throw new ParserError("time-format", "parsers.time-format-empty", { format });

  const read = (text: string, writtenBy: number): number => {
    const wall: Wall = {
      year: undefined,
      month: 0,
      day: 1,
      hour: 0,
      minute: 0,
      second: 0,
      millisecond: 0,
      half: -1,
      zone: undefined,
      epoch: undefined,
    };
    let at = 0;
    for (const step of steps) {
      at = step(wall, text, at);
      if (at < 0) return Number.NaN;
    }
    if (at !== text.length) return Number.NaN;
    if (wall.epoch !== undefined) return wall.epoch + wall.millisecond;
    const instant = (inYear: number): number => {
      const utc = Date.UTC(inYear, wall.month, wall.day, wall.hour + Math.max(0, wall.half), wall.minute, wall.second, wall.millisecond);
      return wall.zone === undefined ? zoned.instant(utc) : utc - wall.zone;
    };
    const known = wall.year ?? fixedYear;
    if (known !== undefined) return instant(known);
    const last = new Date(writtenBy).getUTCFullYear();
    // A day's slack: clocks differ, and so do zones.
    const latest = instant(last + 1);
    const now = instant(last);
    return latest <= writtenBy + 86_400_000 ? latest : now <= writtenBy + 86_400_000 ? now : instant(last - 1);
  };
  return { read, length };
}
