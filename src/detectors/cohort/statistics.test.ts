import * as fc from "fast-check";
import { expect, test } from "vitest";
import { quantileSketch } from "../baseline/quantile-sketch.ts";
import { cusum } from "./cusum.ts";
import { addValue, countValues, newSketch } from "./hyper-log-log.ts";
import { surprise } from "./statistics.ts";

test("surprise grows with the count, falls with what is expected, and is never negative", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5_000 }), fc.double({ min: 0.1, max: 500, noNaN: true }), (count, expected) => {
      const value = surprise(count, expected);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(surprise(count + 1, expected)).toBeGreaterThanOrEqual(value);
      expect(surprise(count, expected + 1)).toBeLessThanOrEqual(value + 1e-9);
    }),
  );
});

test.each([10, 300, 5_000, 60_000])("HyperLogLog counts %d within a fifth", (distinct) => {
  const sketch = newSketch();
  for (let i = 0; i < distinct; i++) for (let k = 0; k < 2; k++) addValue(sketch, Math.imul(i, 2_654_435_761) >>> 2);
  expect(Math.abs(countValues(sketch) / distinct - 1)).toBeLessThan(0.2);
});

test("quantiles are within the stated error", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 20, maxLength: 300 }), fc.constantFrom(0.1, 0.5, 0.9), (values, q) => {
      const sketch = quantileSketch();
      for (const value of values) sketch.add(value);
      const exact = values.toSorted((a, z) => a - z)[Math.ceil(q * values.length) - 1] as number;
      expect(Math.abs(sketch.quantile(q) / exact - 1)).toBeLessThan(0.06);
    }),
  );
});

test("CUSUM is quiet on a steady series and speaks soon after a shift, which does not become its mean", () => {
  const series = cusum();
  const noise = (i: number): number => Math.sin(i * 12.9898) * 0.5;
  for (let i = 0; i < 500; i++) {
    series.step(2 + noise(i));
    expect(series.level).toBeLessThan(1);
  }
  let steps = 0;
  while (series.level < 1 && steps < 20) series.step(5 + noise(steps++));
  expect(steps).toBeLessThan(8);
  for (let i = 0; i < 50; i++) series.step(5 + noise(i));
  expect(series.level).toBeGreaterThan(1);
});
