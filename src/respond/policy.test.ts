import { describe, expect, it } from "vitest";
import type { Decision } from "#core/decision.ts";
import { banTime, defaultPolicy, policyAnswer } from "./policy.ts";

const day = 86_400_000;
const past = (from: number, until: number, more: Partial<Decision> = {}): Decision => ({
  id: "d",
  action: "ban",
  target: "45.9.20.31",
  from,
  until,
  origin: { kind: "person", name: "sora", via: "cli" },
  proposal: undefined,
  reason: "",
  evidence: [],
  state: "expired",
  at: from,
  ...more,
});
const at = Date.UTC(2026, 10, 20);

it("takes what is long over for history, whatever its level", () => {
  expect(policyAnswer({ ...defaultPolicy, mode: "auto" }, { level: "critical", actionable: true, last: at - 3 * 3_600_000 }, at)).toBe("ignore");
});

const hours = (earlier: readonly Decision[], now: number): number => banTime(defaultPolicy, "45.9.20.31", earlier, now) / 3_600;

describe("policyAnswer", () => {
  it.each([
    ["watch", "critical", true, "record"],
    ["watch", "low", true, "ignore"],
    ["ask", "critical", true, "ask"],
    ["ask", "medium", true, "ask"],
    ["ask", "informational", true, "ignore"],
    ["auto", "medium", true, "ask"],
    ["auto", "high", true, "act"],
    ["auto", "critical", false, "ignore"],
  ] as const)("in mode %s, level %s, actionable %s: %s", (mode, level, actionable, answer) => {
    expect(policyAnswer({ ...defaultPolicy, mode }, { level, actionable, last: at }, at)).toBe(answer);
  });
});

describe("banTime", () => {
  it("grows with each offence and stays at the last step", () => {
    const bans = [past(0, 1), past(day, day + 1), past(2 * day, 2 * day + 1)];
    expect([0, 1, 2, 3].map((count) => hours(bans.slice(0, count), 3 * day))).toEqual([4, 24, 168, 168]);
  });

  it("forgives a step for each month of peace", () => {
    const bans = [past(0, 1), past(day, day + 1)];
    expect(hours(bans, 32 * day)).toBe(24);
    expect(hours(bans, 62 * day)).toBe(4);
    expect(hours([past(0, 1), past(40 * day, 40 * day + 1)], 41 * day)).toBe(24);
  });

  it("does not count what was released, recorded, failed or another's", () => {
    for (const more of [{ state: "released" }, { state: "recorded" }, { state: "failed" }, { target: "45.9.20.0/24" }] as const)
      expect(hours([past(0, 1, more)], day)).toBe(4);
  });
});
