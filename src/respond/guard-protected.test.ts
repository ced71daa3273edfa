import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { covers, formatAddress, parseCidr, type Cidr } from "#core/ip.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { sqliteState } from "#statestores/sqlite/sqlite.ts";
import { guard } from "./guard.ts";
import { calm, claimed, failing, judge, person, rule, standing } from "./guard-bed.ts";
import { facesOf } from "./reserved.ts";
import { at, guardInputs, rows } from "./test-bed.ts";

/** Protected addresses with the check that must refuse each, whoever asks and whatever is overridden. */
const never: readonly (readonly [check: string, addresses: readonly string[]])[] = [
  ["reserved", ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255"]],
  ["reserved", ["127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.1.1", "169.254.169.254", "fe80::1", "febf::1", "fec0::1"]],
  ["reserved", ["100.64.0.1", "100.100.100.100", "100.127.255.254", "fd7a:115c:a1e0::1", "fd7a:115c:a1e0:ab12::1", "fc00::1", "fdff::1"]],
  ["reserved", ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1", "240.0.0.1", "255.255.255.255", "250.1.2.3"]],
  [
    "reserved",
    [
      "192.0.2.1",
      "198.51.100.7",
      "203.0.113.99",
      "2001:db8::1",
      "3fff::1",
      "3fff:fff::1",
      "198.18.0.1",
      "198.19.255.254",
      "2001:2::1",
      "192.0.0.1",
      "192.88.99.1",
    ],
  ],
  ["reserved", ["100::1", "2001:10::1", "2001:20::1", "64:ff9b:1::1", "4000::1", "8000::1", "e000::1", "5f00::1", "1::1"]],
  ["reserved", ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:a00:1", "::10.0.0.1", "::ffff:0:10.0.0.1"]],
  [
    "reserved",
    ["2002:0a00:0001::1", "2002:7f00:0001::1", "2002:c0a8:0101::", "2002:c000:0201::5", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::192.168.1.1"],
  ],
  ["reserved", ["2001:0:a00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001::7f00:1:0:0:0"]],
  ["own", ["45.9.60.2", "2a03:4000:6:d0::2", "::ffff:45.9.60.2", "2002:2d09:3c02::1", "64:ff9b::45.9.60.2"]],
  ["own", ["45.9.60.1", "9.9.9.9", "2002:0909:0909::1"]],
  ["operator", ["77.88.99.100", "::ffff:77.88.99.100"]],
];

/** Protected unless a person overrides it knowingly. */
const unless: readonly (readonly [check: string, addresses: readonly string[]])[] = [
  ["known-network", ["104.16.0.0", "104.20.1.1", "104.23.255.255", "2606:4700::1", "2606:4700:ffff::1", "::ffff:104.16.1.1", "2002:6810:0101::1"]],
  ["infrastructure", ["185.8.8.0", "185.8.8.15"]],
  ["proxy", ["46.7.7.7"]],
  ["allowed", ["46.55.1.7", "46.55.1.200", "2a09:8::77"]],
];
const allowList = (store: StateStore): Promise<void> =>
  store.commit({ lists: new Map([["allow", ["46.55.1.0/24", "2a09:8::/48"].map((target) => ({ target, note: "office", by: "sora", at: 1 }))]]) });

describe("checks 2 and 3: what is never banned, and what only a person may", () => {
  const neverRows = never.flatMap(([check, addresses]) => addresses.map((address) => [address, check] as const));
  it.each(neverRows)("never bans %s (%s)", async (address, check) => {
    for (const more of [{}, { origin: person }, { origin: person, override: true }, { origin: { kind: "api", token: "t" } as const, override: true }]) {
      const verdict = await judge(address, more);
      expect(verdict.allowed).toBe(false);
      expect(verdict.needsPerson).toBe(false);
      expect(failing(verdict)).toContain(check);
      expect(verdict.checks.find((one) => one.check === check)?.overridable).toBe(false);
    }
  });

  it.each(neverRows.filter(([address]) => address.split(".").length === 4 && !address.includes(":")))(
    "never bans the /24 and /30 around %s",
    async (address) => {
      for (const bits of [24, 30])
        expect((await judge(`${address}/${bits}`, { origin: person, override: true, journal: rows(address, 5) })).allowed).toBe(false);
    },
  );

  const unlessRows = unless.flatMap(([check, addresses]) => addresses.map((address) => [address, check] as const));
  it.each(unlessRows)("bans %s (%s) only when a person overrides it knowingly", async (address, check) => {
    const by = (more: object) => judge(address, { prepare: allowList, ...more });
    for (const more of [{}, { origin: person }, { override: true }]) expect(failing(await by(more))).toContain(check);
    const verdict = await by({ origin: person, override: true });
    expect(verdict.allowed).toBe(true);
    expect(verdict.checks.find((one) => one.check === check)).toMatchObject({ ok: false, why: expect.stringContaining("sora") as string });
  });

  it("takes only the named override", async () => {
    const stands = await standing([]);
    const ask = (override: readonly string[]) => stands.judge({ target: "46.7.7.7", origin: person, override, now: at });
    expect((await ask(["known-network"])).allowed).toBe(false);
    expect((await ask(["proxy"])).allowed).toBe(true);
    expect((await ask(["proxy", "reserved"])).allowed).toBe(true);
  });

  it.each([
    "45.9.60.3",
    "45.9.61.2",
    "9.9.9.10",
    "104.15.255.255",
    "104.24.0.0",
    "185.8.8.16",
    "46.7.7.8",
    "11.0.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "198.20.0.1",
    "192.0.1.1",
    "2a03:4000:6:d1::2",
    "2002:2d09:141f::1",
    "64:ff9b::2d09:141f",
  ])("still bans the neighbour %s", async (address) => {
    expect(failing(await judge(address))).toEqual([]);
  });

  it("bans the address alone where its /64 holds something protected", async () => {
    const verdict = await judge("2a03:4000:6:d0::bad");
    expect(verdict).toMatchObject({ allowed: true, target: "2a03:4000:6:d0::bad" });
    expect(verdict.checks.at(-1)?.check).toBe("narrowed");
    expect((await judge("64:ff9b::2d09:141f")).target).toBe("64:ff9b::2d09:141f");
  });

  it("bans the one bad address of a network that touches the allow list, and refuses when there are several", async () => {
    const one = await judge("46.55.0.0/23", { prepare: allowList, journal: rows("46.55.0.9", 5), inputs: guardInputs({ limits: { width4: 16 } }) });
    expect(one).toMatchObject({ allowed: true, target: "46.55.0.9" });
    const many = await judge("46.55.0.0/23", {
      prepare: allowList,
      journal: [1, 2, 3, 4, 5].flatMap((n) => rows(`46.55.0.${n}`, 2)),
      inputs: guardInputs({ limits: { width4: 16 } }),
    });
    expect(failing(many)).toContain("allowed");
  });

  it("does not ban the person who asks", async () => {
    expect(failing(await judge("45.9.20.31", { origin: person, override: true, asker: "45.9.20.31" }))).toEqual(["operator"]);
    expect(failing(await judge("45.9.20.0/24", { origin: person, override: true, asker: "45.9.20.7" }))).toContain("operator");
  });
});

describe("property", () => {
  const protectedNetworks = [...never, ...unless.slice(0, 3)].flatMap(([, addresses]) => addresses).map((address) => parseCidr(address) as Cidr);
  const overlap = (a: Cidr, b: Cidr): boolean => a.version === b.version && a.first <= b.last && b.first <= a.last;
  const bits = fc.option(fc.nat(128), { nil: undefined });
  const near = fc.tuple(fc.constantFrom(...protectedNetworks), fc.bigInt({ min: -300n, max: 300n }), bits).map(([cidr, offset, prefix]) => {
    const top = (1n << (cidr.version === 4 ? 32n : 128n)) - 1n;
    const value = cidr.first + offset;
    const address = formatAddress(cidr.version, value < 0n ? 0n : value > top ? top : value);
    return prefix === undefined ? address : `${address}/${cidr.version === 4 ? prefix % 33 : prefix}`;
  });
  const any = fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), bits)
    .map(([value, prefix]) => `${formatAddress(6, value)}${prefix === undefined ? "" : `/${prefix}`}`);

  it("allows no input that reaches a protected address, whatever is asked, by whom, with what evidence", async () => {
    const store = sqliteState(":memory:");
    await store.commit({ evidence: protectedNetworks.flatMap((cidr) => rows(formatAddress(cidr.version, cidr.first), 6)) });
    const stands = guard(store, guardInputs(), "en", () => calm);
    await fc.assert(
      fc.asyncProperty(fc.oneof(near, near, any, fc.string(), fc.ipV4(), fc.ipV6()), fc.constantFrom(rule, person), async (target, origin) => {
        const verdict = await stands.judge({ target, origin, now: at, override: ["shared-exit", "caps"], ...claimed(target, 1) });
        if (!verdict.allowed) return;
        const banned = parseCidr(verdict.target) as Cidr;
        const asked = parseCidr(target.trim()) as Cidr;
        expect(covers(banned, asked) || covers(asked, banned)).toBe(true);
        for (const face of facesOf(banned)) expect(protectedNetworks.filter((cidr) => overlap(face, cidr))).toEqual([]);
      }),
      { numRuns: 800 },
    );
    await store.close();
  });
});
