import { scoreOf, type Actor } from "#core/signal.ts";
import { describe, expect, it } from "vitest";
import { episodes, type EpisodeRule, type Episodes, type Touch } from "./episodes.ts";

const rule: EpisodeRule = { rule: "ssh-brute-force", title: "SSH brute force", level: "high", actionable: true, threshold: 5, gap: 60_000 };

function actor(address = "45.9.20.31"): Actor {
  return { kind: "ip", id: address };
}

function hit(time: number, user = "root"): Touch {
  return {
    time,
    weight: 1,
    reference: () => ({ source: "auth.log", line: time / 1_000, offset: 0, time, message: `line ${time}` }),
    user,
    path: undefined,
  };
}

const opening = (count: number, first: number) => () => ({ count, first, evidence: [], users: ["root"], paths: [] });

function feed(into: Episodes, times: readonly number[]) {
  return times.flatMap((time) => into.hit(0, actor(), hit(time), opening(5, time)).map(({ id, count, last }) => ({ id, count, last })));
}

describe("episodes", () => {
  it("reports an episode when it opens and each time its count has doubled, under one id", () => {
    const open = episodes("sigma-rules", [rule], 100);
    const signals = feed(
      open,
      Array.from({ length: 20 }, (_, i) => i * 1_000),
    );
    expect(signals.map(({ count }) => count)).toEqual([5, 10, 20]);
    expect(new Set(signals.map(({ id }) => id)).size).toBe(1);
    expect(open.finish().map(({ count, last }) => ({ count, last }))).toEqual([{ count: 24, last: 19_000 }]);
    expect(open.finish()).toEqual([]);
  });

  it("starts a new episode after a pause longer than the gap and tells the last state of the old one", () => {
    const open = episodes("sigma-rules", [rule], 100);
    const signals = feed(open, [0, 1_000, 2_000, 62_001]);
    expect(signals.map(({ count }) => count)).toEqual([5, 7, 5]);
    expect(signals[0]?.id).toBe(signals[1]?.id);
    expect(signals[2]?.id).not.toBe(signals[0]?.id);
  });

  it("prolongs an episode found before, until it is over", () => {
    const open = episodes("sigma-rules", [rule], 100);
    feed(open, [0]);
    const found = open.find(0, "45.9.20.31", 1_000);
    expect(found && open.prolong(0, found, hit(1_000))).toEqual([]);
    expect(found && open.prolong(0, found, hit(90_000))).toBeUndefined();
    open.close(70_000);
    expect(found && open.prolong(0, found, hit(2_000))).toBeUndefined();
  });

  it("closes what is idle and tells only what changed since", () => {
    const open = episodes("sigma-rules", [rule], 100);
    feed(open, [0, 1_000]);
    expect(open.close(61_000)).toEqual([]);
    expect(open.close(61_001).map(({ count }) => count)).toEqual([6]);
    expect(open.size).toBe(0);
  });

  it("does not count a line from before the episode began, for the guard would not find it there", () => {
    const open = episodes("sigma-rules", [rule], 100);
    feed(open, [10_000, 5_000, 11_000]);
    expect(open.finish()[0]).toMatchObject({ count: 6, first: 10_000, last: 11_000 });
  });

  it("holds no more episodes than allowed and ends the one that was quiet longest", () => {
    const open = episodes("sigma-rules", [rule], 10);
    for (let i = 0; i < 50; i++) open.hit(0, actor(`45.9.20.${i}`), hit(i * 100), opening(5, i * 100));
    expect(open.size).toBeLessThanOrEqual(10);
    expect(open.evictions).toBeGreaterThanOrEqual(40);
    expect(open.find(0, "45.9.20.49", 5_000)).toBeDefined();
    expect(open.find(0, "45.9.20.0", 5_000)).toBeUndefined();
  });

  it("keeps the first five and the latest five lines, and explains its score exactly", () => {
    const open = episodes("sigma-rules", [rule], 100);
    for (let i = 0; i < 30; i++) open.hit(0, actor(), hit(i * 1_000, `user${i}`), opening(1, 0));
    const [signal] = open.finish();
    expect(signal?.evidence.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 25, 26, 27, 28, 29]);
    expect(signal?.users).toHaveLength(20);
    expect(signal?.score).toBe(scoreOf(signal?.why ?? []));
    expect(signal?.why.map(({ feature }) => feature)).toEqual(["base", "rule", "events", "distinct_users"]);
  });

  it("shows the lines before each report of a flood, whatever its length", () => {
    const open = episodes("sigma-rules", [rule], 100);
    const signals = Array.from({ length: 700 }, (_, i) => open.hit(0, actor(), hit(i * 1_000), opening(5, 0))).flat();
    for (const signal of signals.slice(2)) {
      const end = signal.last / 1_000;
      expect(signal.evidence.slice(5).map(({ line }) => line)).toEqual([end - 4, end - 3, end - 2, end - 1, end]);
    }
    expect(699 - (open.finish()[0]?.evidence.at(-1)?.line ?? 0)).toBeLessThanOrEqual(8);
  });

  it("goes on after a restart where it was", () => {
    const one = episodes("sigma-rules", [rule], 100);
    feed(one, [0, 1_000, 2_000]);
    const two = episodes("sigma-rules", [rule], 100);
    two.restore(structuredClone(one.snapshot()));
    const times = Array.from({ length: 10 }, (_, i) => 3_000 + i * 1_000);
    expect(feed(two, times)).toEqual(feed(one, times));
    expect(two.finish()).toEqual(one.finish());
  });
});
