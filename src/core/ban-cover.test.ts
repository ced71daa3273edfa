import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { banCover, flattenBans, rangeToCidrs, subtractBans, type Piece } from "./ban-cover.ts";
import { formatCidr, overlaps, parseCidr, type Cidr } from "./ip.ts";

const cidr = (text: string): Cidr => parseCidr(text) as Cidr;
const piece = (text: string, until: number): Piece => ({ cidr: cidr(text), until });
const print = (pieces: readonly Piece[]): string[] => pieces.map((one) => `${formatCidr(one.cidr)} ${one.until}`);

/** Networks inside 45.9.20.0/28, so that they collide often. */
const bans = fc.array(
  fc.record({ address: fc.integer({ min: 0, max: 15 }), prefix: fc.integer({ min: 28, max: 32 }), until: fc.integer({ min: 1, max: 4 }) }),
  { maxLength: 12 },
);
const build = (drawn: readonly { address: number; prefix: number; until: number }[]): Piece[] =>
  drawn.map((one) => piece(`45.9.20.${one.address}/${one.prefix}`, one.until));
const untilOf = (pieces: readonly Piece[], address: Cidr): number =>
  Math.max(0, ...pieces.filter((one) => overlaps(one.cidr, address)).map((one) => one.until));
const addresses = Array.from({ length: 16 }, (_, index) => cidr(`45.9.20.${index}`));

describe("flattening bans", () => {
  test("keeps single addresses and networks apart as they are", () => {
    expect(print(flattenBans([piece("45.9.21.0/24", 5), piece("45.9.20.31", 9), piece("2a03:4000:6:d06::/64", 1)]))).toEqual([
      "45.9.20.31 9",
      "45.9.21.0/24 5",
      "2a03:4000:6:d06::/64 1",
    ]);
  });
  test("drops what a wider and longer ban covers", () => {
    expect(print(flattenBans([piece("45.9.20.5", 5), piece("45.9.20.0/24", 5)]))).toEqual(["45.9.20.0/24 5"]);
  });
  test("cuts the wider ban around a narrower one that lasts longer", () => {
    expect(print(flattenBans([piece("45.9.20.5", 9), piece("45.9.20.4/30", 5)]))).toEqual(["45.9.20.4 5", "45.9.20.5 9", "45.9.20.6/31 5"]);
  });
  test("never overlaps and blocks each address until the latest end", () => {
    fc.assert(
      fc.property(bans, (drawn) => {
        const given = build(drawn);
        const flat = flattenBans(given);
        for (const [i, a] of flat.entries()) for (const b of flat.slice(i + 1)) expect(overlaps(a.cidr, b.cidr)).toBe(false);
        for (const address of addresses) expect(untilOf(flat, address)).toBe(untilOf(given, address));
      }),
    );
  });
  test("is stable: flattening what is flat changes nothing", () => {
    fc.assert(
      fc.property(bans, (drawn) => {
        const flat = flattenBans(build(drawn));
        expect(print(flattenBans(flat))).toEqual(print(flat));
      }),
    );
  });
  test("takes 20,000 bans quickly", () => {
    const many = Array.from({ length: 20_000 }, (_, i) => piece(`103.${(i >> 8) & 255}.${i & 255}.7`, 1 + (i % 7)));
    expect(flattenBans(many).length).toBe(20_000);
  });
});

test("a range is made of the fewest networks", () => {
  expect(rangeToCidrs(4, cidr("45.9.20.1").first, cidr("45.9.20.8").first).map(formatCidr)).toEqual(["45.9.20.1", "45.9.20.2/31", "45.9.20.4/30", "45.9.20.8"]);
  expect(rangeToCidrs(4, 5n, 4n)).toEqual([]);
});

test("subtracting frees exactly the addresses asked for", () => {
  fc.assert(
    fc.property(bans, bans, (drawn, drawnHoles) => {
      const flat = flattenBans(build(drawn));
      const holes = build(drawnHoles).map((one) => one.cidr);
      const { left } = subtractBans(flat, holes);
      for (const address of addresses) expect(untilOf(left, address)).toBe(holes.some((hole) => overlaps(hole, address)) ? 0 : untilOf(flat, address));
    }),
  );
});

test("a cover holds a network only where all of its addresses are blocked long enough", () => {
  fc.assert(
    fc.property(bans, fc.integer({ min: 0, max: 15 }), fc.integer({ min: 28, max: 32 }), fc.integer({ min: 1, max: 4 }), (drawn, address, prefix, until) => {
      const flat = flattenBans(build(drawn));
      const asked = cidr(`45.9.20.${address}/${prefix}`);
      const inside = addresses.filter((one) => overlaps(one, asked));
      const cover = banCover(flat);
      expect(cover.holds(asked, until)).toBe(inside.every((one) => untilOf(flat, one) >= until));
      expect(cover.touches(asked)).toBe(inside.some((one) => untilOf(flat, one) > 0));
    }),
  );
});
