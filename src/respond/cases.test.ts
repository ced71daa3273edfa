import { describe, expect, it } from "vitest";
import { caseBook, caseLevel, overallLevel } from "./cases.ts";
import { at, signal } from "./test-bed.ts";

const hour = 3_600_000;
const address = "45.9.20.31";

describe("levels", () => {
  it.each([
    [[{ level: "low" }], "normal"],
    [[{ level: "medium" }], "caution"],
    [[{ level: "high", actionable: false }], "caution"],
    [[{ level: "high" }], "danger"],
    [[{ level: "medium" }, { level: "medium", rule: "web-scan" }], "danger"],
    [[{ level: "medium" }, { level: "medium" }], "caution"],
    [[], "normal"],
  ] as const)("%j is %s", (signals, level) => {
    expect(caseLevel(signals.map((more, i) => signal(`s${i}`, address, more)))).toBe(level);
  });

  it("takes the highest for the whole", () => {
    expect(overallLevel([])).toBe("normal");
    expect(overallLevel([{ level: "caution" }, { level: "danger" }, { level: "normal" }])).toBe("danger");
  });
});

describe("caseBook", () => {
  it("joins signals of one actor within the gap, and opens a new case after it", () => {
    const book = caseBook(hour);
    const [first] = book.add([signal("s1", address)]);
    const [joined] = book.add([signal("s2", address, { first: at + hour, last: at + hour, rule: "web-scan" })]);
    expect(joined).toMatchObject({ id: first?.id, opened: at - 60_000, updated: at + hour });
    expect(joined?.signals.map(({ id }) => id)).toEqual(["s1", "s2"]);
    const later = book.add([signal("s3", address, { first: at + 3 * hour, last: at + 3 * hour })]);
    expect(later.map(({ state }) => state)).toEqual(["closed", "open"]);
    expect(later[1]?.id).not.toBe(first?.id);
    expect(book.add([signal("s4", "103.77.4.9")])[0]?.id).not.toBe(later[1]?.id);
  });

  it("keeps the newest state of an episode, whatever the order of arrival", () => {
    const book = caseBook(hour);
    book.add([signal("s1", address, { count: 9, last: at + 10 })]);
    const [value] = book.add([signal("s1", address, { count: 5 })]);
    expect(value?.signals).toMatchObject([{ id: "s1", count: 9 }]);
    expect(value?.updated).toBe(at + 10);
  });

  it("gives the same ids on replay, and goes on after a restart", () => {
    const one = caseBook(hour).add([signal("s1", address)]);
    expect(caseBook(hour).add([signal("s1", address)])).toEqual(one);
    expect(caseBook(hour, one).add([signal("s2", address, { rule: "web-scan" })])[0]?.id).toBe(one[0]?.id);
  });

  it("is bounded: signals in a case, and open cases", () => {
    const book = caseBook(hour);
    for (let i = 0; i < 80; i++) book.add([signal(`s${i}`, address, { first: at + i, last: at + i })]);
    expect([...book.open.values()][0]?.signals).toHaveLength(50);
    const many = book.add(Array.from({ length: 10_050 }, (_, i) => signal(`m${i}`, `45.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)));
    expect(book.open.size).toBe(10_000);
    expect(many.some(({ state }) => state === "closed")).toBe(true);
  });

  it("closes what is idle", () => {
    const book = caseBook(hour);
    book.add([signal("s1", address)]);
    expect(book.closeIdle(at + hour)).toEqual([]);
    expect(book.closeIdle(at + hour + 1)).toMatchObject([{ state: "closed" }]);
    expect(book.open.size).toBe(0);
  });
});
