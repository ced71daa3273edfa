import * as fc from "fast-check";
import { expect, test } from "vitest";
import { zonedTime } from "./zoned-time.ts";

const iso = (zone: string, ...wall: readonly [number, number, number, number, number]): string =>
  new Date(zonedTime(zone).instant(Date.UTC(...wall))).toISOString();

test("summer and winter time", () => {
  expect(iso("Asia/Seoul", 2025, 2, 2, 10, 11)).toBe("2025-03-02T01:11:00.000Z");
  expect(iso("Europe/Berlin", 2025, 0, 15, 12, 0)).toBe("2025-01-15T11:00:00.000Z");
  expect(iso("Europe/Berlin", 2025, 6, 15, 12, 0)).toBe("2025-07-15T10:00:00.000Z");
  expect(iso("Asia/Kathmandu", 2025, 6, 15, 12, 0)).toBe("2025-07-15T06:15:00.000Z");
});

test("around a change of the clock", () => {
  // 30 March 2025: 02:00 becomes 03:00; 26 October: 03:00 becomes 02:00.
  expect(iso("Europe/Berlin", 2025, 2, 30, 1, 59)).toBe("2025-03-30T00:59:00.000Z");
  expect(iso("Europe/Berlin", 2025, 2, 30, 2, 30)).toBe("2025-03-30T01:30:00.000Z");
  expect(iso("Europe/Berlin", 2025, 2, 30, 3, 0)).toBe("2025-03-30T01:00:00.000Z");
  expect(iso("Europe/Berlin", 2025, 9, 26, 1, 59)).toBe("2025-10-25T23:59:00.000Z");
  expect(iso("Europe/Berlin", 2025, 9, 26, 2, 30)).toBe("2025-10-26T00:30:00.000Z");
  expect(iso("Europe/Berlin", 2025, 9, 26, 3, 0)).toBe("2025-10-26T02:00:00.000Z");
  // Lord Howe moves by half an hour.
  expect(iso("Australia/Lord_Howe", 2025, 9, 5, 1, 59)).toBe("2025-10-04T15:29:00.000Z");
  expect(iso("Australia/Lord_Howe", 2025, 9, 5, 2, 30)).toBe("2025-10-04T15:30:00.000Z");
});

test("an unknown zone is refused when it is named", () => {
  expect(() => zonedTime("Mars/Olympus")).toThrow(RangeError);
});

test("whatever the order of asking, the wall clock of the instant is the one asked for", () => {
  const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Seoul"].map((name) => ({
    zone: zonedTime(name),
    format: new Intl.DateTimeFormat("sv-SE", { timeZone: name, dateStyle: "short", timeStyle: "medium" }),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 2_000_000_000 }), ({ zone, format }, seconds) => {
      const wall = `${format.format(seconds * 1_000)}Z`.replace(" ", "T");
      const instant = zone.instant(Date.parse(wall));
      // Every instant's wall clock leads back to an instant with that wall clock, the first of two.
      expect(`${format.format(instant)}Z`.replace(" ", "T")).toBe(wall);
      expect(instant).toBeLessThanOrEqual(seconds * 1_000);
    }),
    { numRuns: 500 },
  );
});
