import { describe, expect, it } from "vitest";
import { budget, makeCells, type Cells } from "./cells.ts";

const span = 60_000;

function cellsOf(most = 1_000_000, maxKeys = 1_000, shared = budget(most)): Cells {
  return makeCells({ fields: ["source.ip"], correlations: 2, slots: 1, span, maxKeys, budget: shared });
}

function at(cells: Cells, address: string, time: number) {
  const cell = cells.of({ "@timestamp": time, "source.ip": address }, time);
  if (!cell) throw new Error("no cell");
  return cell;
}

describe("cells", () => {
  it("keeps a group while its windows matter and lets it go by itself when they are over", () => {
    const cells = cellsOf();
    const busy = at(cells, "45.9.20.31", 0);
    at(cells, "103.77.4.9", 0);
    for (let time = 0; time <= span * 5; time += span / 4) {
      expect(at(cells, "45.9.20.31", time)).toBe(busy);
      cells.expire(time);
    }
    expect(cells.size).toBe(1);
    cells.expire(span * 7);
    cells.expire(span * 9);
    expect(cells.size).toBe(0);
    expect(cells.evictions).toBe(0);
  });

  it("loses nothing that still matters when the younger generation is old", () => {
    const cells = cellsOf();
    const late = at(cells, "45.9.20.31", 0);
    at(cells, "103.77.4.9", 1);
    at(cells, "45.9.20.31", span);
    for (let i = 1; i < 4; i++) cells.expire(span + i);
    expect(at(cells, "45.9.20.31", span * 2)).toBe(late);
  });

  it("takes room from the table that holds most, and counts what it drops", () => {
    const shared = budget(20_000);
    const large = cellsOf(0, 100_000, shared);
    const small = cellsOf(0, 100_000, shared);
    const kept = at(small, "45.9.20.31", 0);
    for (let i = 0; i < 5_000; i++) at(large, `10.${i >> 8}.${i & 255}.7`, 1);
    expect(shared.held).toBeLessThan(21_000);
    expect(large.evictions).toBeGreaterThan(3_000);
    expect(small.evictions).toBe(0);
    expect(at(small, "45.9.20.31", 2)).toBe(kept);
  });

  it("holds what it held after a restart", () => {
    const one = cellsOf();
    for (let i = 0; i < 100; i++) at(one, `10.0.${i}.7`, i);
    const two = cellsOf();
    two.restore(structuredClone(one.snapshot()));
    expect(two.size).toBe(100);
    expect(at(two, "10.0.5.7", 200).newest).toBe(200);
    expect(two.size).toBe(100);
  });
});
