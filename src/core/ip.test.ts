import fc from "fast-check";
import { isIPv4, isIPv6 } from "node:net";
import { describe, expect, it } from "vitest";
import { cidrSet, covers, formatCidr, networkOf, normalizeAddress, normalizeTarget, overlaps, parseCidr, parseIpv4, type Cidr } from "./ip.ts";

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`no network: ${text}`);
  return parsed;
};

describe("addresses", () => {
  it.each([
    ["1.2.3.4", "1.2.3.4"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::FFFF:102:304", "1.2.3.4"],
    ["[2001:DB8::1]", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::", "::"],
    ["1::", "1::"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ])("normalises %s to %s", (text, expected) => expect(normalizeAddress(text)).toBe(expected));

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.04",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.-4",
    "0x1.2.3.4",
    "1..3.4",
    ":",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::1::",
    "12345::",
    "g::",
    "1.2.3.4/24",
    "::1/64",
    "::ffff:1.2.3.400",
    "fe80::1%",
    "fe80::1%a b",
    "１.２.３.４",
  ])("refuses %j", (text) => expect(normalizeAddress(text)).toBeUndefined());

  it("takes what node takes as IPv4 and no more", () => {
    fc.assert(fc.property(fc.stringMatching(/^[0-9.]{5,16}$/), (text) => parseIpv4(text) >= 0 === isIPv4(text)));
  });

  it("round-trips every IPv6 form that node takes", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const normal = normalizeAddress(text);
        expect(normal).toBeDefined();
        expect(isIPv6(normal as string) || isIPv4(normal as string)).toBe(true);
        expect(normalizeAddress(normal as string)).toBe(normal);
      }),
    );
  });

  it("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => void [normalizeAddress(text), parseCidr(text), normalizeTarget(text)]));
  });
});

describe("networks", () => {
  it("cuts host bits and maps mapped networks", () => {
    expect(normalizeTarget("45.9.20.31/24")).toBe("45.9.20.0/24");
    expect(normalizeTarget("::ffff:45.9.20.31/120")).toBe("45.9.20.0/24");
    expect(normalizeTarget("0.0.0.0/0")).toBe("0.0.0.0/0");
    expect(normalizeTarget("1.2.3.4/32")).toBe("1.2.3.4");
    expect(normalizeTarget("1.2.3.4/33")).toBeUndefined();
    expect(normalizeTarget("1.2.3.4/024")).toBeUndefined();
    expect(normalizeTarget("::/129")).toBeUndefined();
    expect(networkOf("2a03:4000:6:d06::1", 24, 64)).toBe("2a03:4000:6:d06::/64");
  });

  it("answers cover and touch as a plain walk over the list does", () => {
    const network = fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 8, max: 32 }))
      .map(([a, b, bits]) => cidr(`10.${a % 4}.${b % 8}.${b}/${bits}`));
    fc.assert(
      fc.property(fc.array(network, { maxLength: 30 }), network, (list, asked) => {
        const set = cidrSet(list.map((entry) => [entry, formatCidr(entry)] as const));
        expect(set.covering(asked) !== undefined).toBe(list.some((entry) => covers(entry, asked)));
        expect(set.touching(asked) !== undefined).toBe(list.some((entry) => overlaps(entry, asked)));
      }),
    );
  });
});
