import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stampReader } from "./stamp.ts";

const read = (text: string, writtenBy: string, zone = "UTC", year?: number): string | undefined => {
  const reader = stampReader(zone, year);
  return reader.read(text, 0, Date.parse(writtenBy)) < 0 ? undefined : new Date(reader.time).toISOString();
};

describe("the year of a stamp without one", () => {
  test("is the latest in which the line can have been written", () => {
    expect(read("Mar  2 10:11:12", "2025-06-01T00:00:00Z")).toBe("2025-03-02T10:11:12.000Z");
    expect(read("Jun  2 00:00:00", "2025-06-01T00:00:00Z")).toBe("2025-06-02T00:00:00.000Z");
    expect(read("Jun  2 00:00:01", "2025-06-01T00:00:00Z")).toBe("2024-06-02T00:00:01.000Z");
    expect(read("Dec 31 23:59:59", "2025-01-01T00:00:05Z")).toBe("2024-12-31T23:59:59.000Z");
    expect(read("Jan  1 00:00:01", "2024-12-31T23:59:58Z")).toBe("2025-01-01T00:00:01.000Z");
  });

  test("is a leap year on 29 February", () => {
    expect(read("Feb 29 12:00:00", "2025-06-01T00:00:00Z")).toBe("2024-02-29T12:00:00.000Z");
    expect(read("Feb 29 12:00:00", "2028-03-01T00:00:00Z")).toBe("2028-02-29T12:00:00.000Z");
    expect(read("Feb 29 12:00:00", "2028-02-01T00:00:00Z")).toBe("2024-02-29T12:00:00.000Z");
    expect(read("Feb 29 12:00:00", "2103-06-01T00:00:00Z")).toBe("2096-02-29T12:00:00.000Z");
  });

  test("is the zone's, not that of UTC", () => {
    expect(read("Jan  1 00:30:00", "2024-12-31T15:31:00Z", "Asia/Seoul")).toBe("2024-12-31T15:30:00.000Z");
    expect(read("Dec 31 23:30:00", "2025-01-01T04:31:00Z", "America/New_York")).toBe("2025-01-01T04:30:00.000Z");
    expect(read("Jul  1 12:00:00", "2025-12-01T00:00:00Z", "Europe/Berlin")).toBe("2025-07-01T10:00:00.000Z");
  });

  test("is the fixed one where there is one", () => {
    expect(read("Dec 31 10:11:12", "2025-06-01T00:00:00Z", "UTC", 2031)).toBe("2031-12-31T10:11:12.000Z");
  });

  test("does not depend on the lines before", () => {
    const shared = stampReader("Europe/Berlin", undefined);
    const moment = fc.integer({ min: Date.UTC(2023, 11, 30), max: Date.UTC(2025, 0, 3) });
    fc.assert(
      fc.property(moment, moment, (time, writtenBy) => {
        const date = new Date(time);
        const text = `${date.toUTCString().slice(8, 11)} ${String(date.getUTCDate()).padStart(2)} ${date.toISOString().slice(11, 19)}`;
        const alone = stampReader("Europe/Berlin", undefined);
        for (const by of [writtenBy, writtenBy + 1, time - 86_400_000, time - 86_400_000 - 3_600_000]) {
          expect(shared.read(text, 0, by)).toBe(15);
          alone.read(text, 0, by);
          expect(shared.time).toBe(alone.time);
          expect(shared.time).toBeLessThanOrEqual(by + 86_400_000);
          if (!text.startsWith("Feb 29")) expect(shared.time).toBeGreaterThan(by - 366 * 86_400_000 - 86_400_000);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("a file without a time of writing still gives a time", () => {
    for (const by of [Number.NaN, Number.POSITIVE_INFINITY, -1e17, 0]) {
      const reader = stampReader("Asia/Seoul", undefined);
      expect(reader.read("Mar  2 10:11:12", 0, by)).toBe(15);
      expect(Number.isFinite(reader.time)).toBe(true);
    }
  });
});

test("ISO 8601 with offsets, fractions and neither", () => {
  const by = "2025-06-01T00:00:00Z";
  expect(read("2025-03-02T10:11:12.987654321+09:00", by)).toBe("2025-03-02T01:11:12.987Z");
  expect(read("2025-03-02T10:11:12,5Z", by)).toBe("2025-03-02T10:11:12.500Z");
  expect(read("2025-03-02T10:11:60Z", by)).toBe("2025-03-02T10:12:00.000Z");
  expect(read("2025-03-02T10:11:12", by, "Asia/Seoul")).toBe("2025-03-02T01:11:12.000Z");
  expect(read("2025-03-02T10:11:12-0800", by)).toBe("2025-03-02T18:11:12.000Z");
  expect(read("2025-02-29T10:11:12Z", by)).toBeUndefined();
  expect(read("2025-03-02T10:61:12Z", by)).toBeUndefined();
  expect(read("2025-03-02", by)).toBeUndefined();
});
