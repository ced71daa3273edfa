import { zonedTime } from "../zoned-time.ts";

const day = 86_400_000;
const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Reads the time stamp at the start of a syslog line. `time` is the result of the latest `read` that found one. */
export interface StampReader {
  /** Epoch milliseconds. */
  time: number;
  /**
   * Index after the stamp that starts at `at`, or -1 where there is none. Knows RFC 3164 (`Mar  2 10:11:12`, with an optional
   * fraction) and ISO 8601 / RFC 3339 (`2025-03-02T10:11:12.123456+09:00`, `Z`, or no offset: the zone of the source).
   */
  read(text: string, at: number, writtenBy: number): number;
}

/** Two digits at `at` as a number, or -1. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/**
 * A reader for one source. Lines that follow each other mostly share their minute, so the minute's text and instant are
 * kept and only the seconds are read.
 * A stamp without a year gets `fixedYear`, else the latest year in which it is not later than `writtenBy` plus a day (clocks differ).
 */
export function stampReader(timeZone: string, fixedYear: number | undefined): StampReader {
  const zone = zonedTime(timeZone);
  let bsdMinute = "?";
  let bsdTime = 0;
  // The years' edges: outside of these values of `writtenBy` the minute may belong to another year.
  let bsdFrom = 0;
  let bsdTo = 0;
  let isoMinute = "?";
  let isoWall = 0;
  // A file has one offset from one change of the clock to the next.
  let offsetText = "?";
  let offset = 0;

  const instantIn = (year: number, month: number, date: number, minutes: number): number => zone.instant(Date.UTC(year, month, date) + minutes * 60_000);

  /** Instant of the minute, in the right year for `seconds` after it; remembers it where every second of the minute has that year. */
  const placeMinute = (text: string, month: number, date: number, minutes: number, seconds: number, writtenBy: number): number => {
    if (fixedYear !== undefined) {
      bsdMinute = text;
      bsdFrom = Number.NEGATIVE_INFINITY;
      bsdTo = Number.POSITIVE_INFINITY;
      return (bsdTime = instantIn(fixedYear, month, date, minutes));
    }
    const limit = (Number.isFinite(writtenBy) && Math.abs(writtenBy) < 8e15 ? writtenBy : 0) + day;
    const leapDay = month === 1 && date === 29;
    let later = Number.POSITIVE_INFINITY;
    // 29 February can be eight years away (2096 to 2104), and the zone can put the year off by one.
    for (let year = new Date(limit).getUTCFullYear() + 1, tries = 0; tries < 11; year--, tries++) {
      if (leapDay && !isLeap(year)) continue;
      const time = instantIn(year, month, date, minutes);
      if (time + seconds * 1_000 <= limit) {
        bsdMinute = text;
        bsdTime = time;
        bsdFrom = time + 60_000 - day;
        bsdTo = later - day;
        return time;
      }
      later = time;
    }
    return later;
  };

  const readBsd = (text: string, at: number, writtenBy: number): number => {
    const month = months.indexOf(text.slice(at, at + 3));
    if (month < 0 || month % 3 !== 0 || text.charCodeAt(at + 3) !== 32) return -1;
    let i = at + 4;
    if (text.charCodeAt(i) === 32) i++;
    let date = twoDigits(text, i);
    if (date >= 0) i += 2;
    else date = text.charCodeAt(i++) - 48;
    if (!(date >= 1 && date <= (monthDays[month / 3] as number)) || text.charCodeAt(i) !== 32) return -1;
    const hour = twoDigits(text, i + 1);
    const minute = twoDigits(text, i + 4);
    const second = twoDigits(text, i + 7);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1;
    if (text.charCodeAt(i + 3) !== 58 || text.charCodeAt(i + 6) !== 58) return -1;
    const minuteText = ownMinute(text, at, i + 7);
    reader.time = placeMinute(minuteText, month / 3, date, hour * 60 + minute, second, writtenBy) + second * 1_000;
    return fraction(text, i + 9);
  };

  const readIso = (text: string, at: number): number => {
    const year = twoDigits(text, at) * 100 + twoDigits(text, at + 2);
    const month = twoDigits(text, at + 5);
    const date = twoDigits(text, at + 8);
    const hour = twoDigits(text, at + 11);
    const minute = twoDigits(text, at + 14);
    if (year < 1900 || month < 1 || month > 12 || date < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1;
    if (date > (monthDays[month - 1] as number) || (month === 2 && date === 29 && !isLeap(year))) return -1;
    const separator = text.charCodeAt(at + 10);
    if (text.charCodeAt(at + 4) !== 45 || text.charCodeAt(at + 7) !== 45 || (separator !== 84 && separator !== 32)) return -1;
    if (text.charCodeAt(at + 13) !== 58 || text.charCodeAt(at + 16) !== 58) return -1;
    isoMinute = ownMinute(text, at, at + 17);
    isoWall = Date.UTC(year, month - 1, date, hour, minute);
    return finishIso(text, at + 17);
  };

  const finishIso = (text: string, at: number): number => {
    const second = twoDigits(text, at);
    if (second < 0 || second > 60) return -1;
    reader.time = isoWall + second * 1_000;
    let i = fraction(text, at + 2);
    if (text.startsWith(offsetText, i)) {
      reader.time -= offset;
      return i + offsetText.length;
    }
    const sign = text.charCodeAt(i);
    if (sign === 90 || sign === 122) return i + 1;
    if (sign !== 43 && sign !== 45) {
      reader.time += zone.instant(isoWall) - isoWall;
      return i;
    }
    const hours = twoDigits(text, i + 1);
    if (hours < 0) return -1;
    const offsetAt = i;
    i += 3;
    if (text.charCodeAt(i) === 58) i++;
    const minutes = twoDigits(text, i);
    if (minutes >= 0) i += 2;
    offset = (hours * 60 + Math.max(0, minutes)) * (sign === 43 ? 60_000 : -60_000);
    // Kept only with its minutes, so that `+09` is not found in `+09:30`.
    offsetText = minutes < 0 ? "?" : ownMinute(text, offsetAt, i);
    reader.time -= offset;
    return i;
  };

  /** Index after an optional fraction of a second at `at`; its milliseconds are added to the time. */
  const fraction = (text: string, at: number): number => {
    const point = text.charCodeAt(at);
    if (point !== 46 && point !== 44) return at;
    let i = at + 1;
    let unit = 100;
    let milliseconds = 0;
    for (let digit = text.charCodeAt(i) - 48; digit >= 0 && digit <= 9 && i < at + 10; digit = text.charCodeAt(++i) - 48) {
      milliseconds += digit * unit;
      unit = unit === 100 ? 10 : unit === 10 ? 1 : 0;
    }
    reader.time += milliseconds;
    return i === at + 1 ? at : i;
  };

  const reader: StampReader = {
    time: 0,
    read(text, at, writtenBy) {
      const digitFirst = text.charCodeAt(at) <= 57;
      if (digitFirst) return text.startsWith(isoMinute, at) ? finishIso(text, at + isoMinute.length) : readIso(text, at);
      if (text.startsWith(bsdMinute, at) && writtenBy >= bsdFrom && writtenBy < bsdTo) {
        const second = twoDigits(text, at + bsdMinute.length);
        if (second < 0 || second > 60) return -1;
        reader.time = bsdTime + second * 1_000;
        return fraction(text, at + bsdMinute.length + 2);
      }
      return readBsd(text, at, writtenBy);
    },
  };
  return reader;
}

/** A copy that does not keep the file's chunk alive; short, so cheap. */
function ownMinute(text: string, from: number, to: number): string {
  return Buffer.from(text.slice(from, to), "latin1").toString("latin1");
}
