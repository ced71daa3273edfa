import { expect, it } from "vitest";
import { driftWatch } from "./time-drift.ts";

const feed = (offset: (i: number) => number) => {
  const watch = driftWatch();
  const found = [];
  for (let i = 0; i < 64; i++) found.push(watch.observe(1_760_000_000_000 + i * 1_000 - offset(i), 1_760_000_000_000 + i * 1_000));
  return found.filter((finding) => finding !== undefined);
};

it("is silent while stamps follow the clock", () => expect(feed((i) => i * 20)).toEqual([]));
it("names the zone that stamps seem to be in, once", () =>
  expect(feed(() => -9 * 3_600_000 + 800)).toEqual([{ offset: -9 * 3_600_000 + 800, zoneMinutes: 540 }]));
it("tells a wrong clock from a wrong zone", () => expect(feed(() => 400_000)).toEqual([{ offset: 400_000, zoneMinutes: undefined }]));
it("does not take old lines written late for a wrong clock", () => expect(feed((i) => i * 600_000)).toEqual([]));
