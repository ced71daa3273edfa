import { expect, it } from "vitest";
import { metricsRegistry } from "./metrics.ts";

it("renders the exposition format with escaped labels and cumulative buckets", () => {
  const metrics = metricsRegistry();
  const lines = metrics.counter("haechi_lines_total", "Lines read.", ["source"]);
  lines.add(2, 'a"b\\c\nd');
  lines.add(3, 'a"b\\c\nd');
  const latency = metrics.histogram("haechi_latency_seconds", "Latency.", [0.1, 1]);
  for (const value of [0.05, 0.05, 0.5, 5]) latency.observe(value);
  expect(metrics.render()).toBe(
    '# HELP haechi_lines_total Lines read.\n# TYPE haechi_lines_total counter\nhaechi_lines_total{source="a\\"b\\\\c\\nd"} 5\n' +
      '# HELP haechi_latency_seconds Latency.\n# TYPE haechi_latency_seconds histogram\nhaechi_latency_seconds_bucket{le="0.1"} 2\nhaechi_latency_seconds_bucket{le="1"} 3\n' +
      'haechi_latency_seconds_bucket{le="+Inf"} 4\nhaechi_latency_seconds_sum 5.6\nhaechi_latency_seconds_count 4\n',
  );
  expect(latency.quantile(0.5)).toBe(0.1);
});

it("holds the number of series, whatever the labels", () => {
  const metrics = metricsRegistry();
  const counter = metrics.counter("haechi_signals_total", "Signals.", ["rule"]);
  for (let i = 0; i < 5_000; i++) counter.add(1, `rule${i}`);
  expect(metrics.render().split("\n").length).toBeLessThan(1_010);
});
