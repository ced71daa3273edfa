import fc from "fast-check";
import { expect, it } from "vitest";
import type { LogEvent } from "#core/event.ts";
import { parseCidr, type Cidr } from "#core/ip.ts";
import { addressTally } from "./address-tally.ts";

it("counts as a plain map does, for both families", () => {
  const address = fc.oneof(fc.ipV4(), fc.constantFrom("2a03:4000::1", "2a03:4000::2", "1.2.3.4", "0.0.0.0", "255.255.255.255"));
  fc.assert(
    fc.property(fc.array(fc.tuple(address, fc.boolean()), { maxLength: 300 }), (seen) => {
      const tally = addressTally();
      const plain = new Map<string, number>();
      for (const [ip, failed] of seen) {
        const event: LogEvent = { "@timestamp": 0, "source.ip": ip, "event.outcome": failed ? "failure" : "success" };
        tally.add(event, 0, 0);
        if (failed) plain.set(ip, (plain.get(ip) ?? 0) + 1);
      }
      for (const [ip] of seen) expect(tally.of(ip)?.failures ?? 0).toBe(plain.get(ip) ?? 0);
      expect(tally.addresses).toBe(new Set(seen.map(([ip]) => ip)).size);
    }),
  );
});

it("keeps every address through growth and stops at its capacity", () => {
  const tally = addressTally(20_000);
  const name = (i: number): string => `${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.7`;
  for (let i = 0; i < 30_000; i++) tally.add({ "@timestamp": 0, "source.ip": name(i) }, 0, i);
  expect(tally.addresses).toBe(20_000);
  expect(tally.dropped).toBe(10_000);
  for (let i = 0; i < 20_000; i += 97) expect(tally.of(name(i))?.events).toBe(1);
  expect(tally.of(name(25_000))).toBeUndefined();
});

it("samples the lines of an address evenly, from its first failure on", () => {
  const tally = addressTally();
  for (let i = 0; i < 1_000; i++) tally.add({ "@timestamp": 0, "source.ip": "45.9.20.31", "event.outcome": i < 100 ? "success" : "failure" }, 3, i);
  const places = tally.samples("45.9.20.31");
  expect(places.length).toBeGreaterThan(16);
  expect(places[0]).toEqual({ file: 3, offset: 100 });
  const gaps = new Set(places.slice(1).map(({ offset }, i) => offset - (places[i]?.offset ?? 0)));
  expect([...gaps]).toEqual([32]);
  expect(tally.within(parseCidr("45.9.20.0/24") as Cidr)).toEqual(["45.9.20.31"]);
});
