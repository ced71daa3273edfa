import { describe, expect, it } from "vitest";
import { parseCidr, type Cidr } from "#core/ip.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { claimed, failing, judge, person, rule, standing, type Journal } from "./guard-bed.ts";
import { at, guardInputs, row, rows, signal } from "./test-bed.ts";

describe("check 1: the target", () => {
  const nonsense = [
    "",
    " ",
    "x",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4/33",
    "1.2.3.4/-1",
    "1.2.3.4/024",
    "::g",
    ":::",
    "1::2::3",
    "2a03::/129",
    "0x2d09141f",
    "757670943",
    "45.9.20.31; nft flush ruleset",
    "45.9.20.31\n10.0.0.1",
    "45.9.20.31 10.0.0.1",
    "$(reboot)",
    "' OR 1=1 --",
    "\u202e13.02.9.54",
    "45.9.20.31\u0000",
    "４５.9.20.31",
    "45.9.20.31,10.0.0.1",
    "45.9.20.0-45.9.20.255",
    "localhost",
    "example.com",
    "\u001b[31m45.9.20.31",
    "x".repeat(100_000),
    "[2a03::1",
    "2a03::1%eth0/64",
    "-1",
    "NaN",
    "null",
    "../../etc/passwd",
    "<img src=x>",
  ];
  it.each(nonsense.map((text) => [JSON.stringify(text).slice(0, 40), text]))("refuses %s", async (_, text) => {
    const verdict = await judge(text, { origin: person, override: true });
    expect(verdict).toMatchObject({ allowed: false, needsPerson: false });
    expect(failing(verdict)).toEqual(["address"]);
    // oxlint-disable-next-line no-control-regex
    expect(JSON.stringify(verdict)).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(verdict.target.length).toBeLessThan(100);
  });

  it.each([
    ["45.9.20.31", "45.9.20.31"],
    [" 45.9.20.31 ", "45.9.20.31"],
    ["45.9.20.0/24", "45.9.20.0/24"],
    ["45.9.20.77/24", "45.9.20.0/24"],
    ["::ffff:45.9.20.31", "45.9.20.31"],
    ["::ffff:2d09:141f", "45.9.20.31"],
    ["::ffff:45.9.20.0/120", "45.9.20.0/24"],
    ["2A03:4000:0006:0d06::1", "2a03:4000:6:d06::/64"],
    ["[2a03:4000:6:d06::1]", "2a03:4000:6:d06::/64"],
    ["2a03:4000:6:d06::1%eth0", "2a03:4000:6:d06::/64"],
    ["2a03:4000:6:d06::/64", "2a03:4000:6:d06::/64"],
    ["2a03:4000:6:d06::/80", "2a03:4000:6:d06::/64"],
    ["2a03:4000:7::/48", "2a03:4000:7::/48"],
  ])("allows %s as %s", async (text, target) => {
    const verdict = await judge(text);
    expect([verdict.target, failing(verdict), verdict.allowed]).toEqual([target, [], true]);
  });

  it.each(["45.9.0.0/16", "45.0.0.0/8", "0.0.0.0/0", "45.9.20.0/23", "2a03:4000::/32", "2a03:4000:7::/47", "::/0", "2000::/3"])(
    "finds %s too wide, even for a person",
    async (text) => {
      for (const more of [{}, { origin: person, override: true }]) {
        const verdict = await judge(text, {
          ...more,
          journal: [...rows("45.9.20.31", 2), ...rows("45.9.99.31", 3), ...rows("2a03:4000:7::1", 3), ...rows("2a03:4000:8::1", 3)],
        });
        expect(verdict.allowed).toBe(false);
        expect(failing(verdict)).toContain("width");
      }
    },
  );

  it("bans the one address behind a network that is too wide", async () => {
    const verdict = await judge("45.9.0.0/16", { journal: rows("45.9.20.31", 5) });
    expect(verdict).toMatchObject({ allowed: true, target: "45.9.20.31" });
    expect(verdict.checks.at(-1)).toMatchObject({ check: "narrowed", ok: true });
  });
});

describe("check 4: history of success", () => {
  const signedIn = (address: string, time: number) => (store: StateStore) => store.commit({ signIns: [{ address, user: "bob", time }] });
  it.each([
    ["long before", "45.9.20.31", at - 86_400_000, false],
    ["just before", "45.9.20.31", at - 61_000, false],
    ["during the attack", "45.9.20.31", at - 30_000, true],
    ["a neighbour's", "45.9.20.32", at - 86_400_000, true],
  ])("a sign-in %s", async (_, address, time, allowed) => {
    const verdict = await judge("45.9.20.31", { prepare: signedIn(address, time) });
    expect(verdict.allowed).toBe(allowed);
    if (!allowed) expect(failing(verdict)).toEqual(["history"]);
  });

  it("counts for a network and a /64 too", async () => {
    expect(failing(await judge("45.9.20.0/24", { prepare: signedIn("45.9.20.99", 1), journal: rows("45.9.20.31", 5) }))).toContain("history");
    expect(failing(await judge("2a03:4000:6:d06::1", { prepare: signedIn("2a03:4000:6:d06::99", 1) }))).toContain("history");
  });

  it("does not whitewash an attacker who got in by guessing", async () => {
    const prepare = async (store: StateStore): Promise<void> => {
      await store.commit({ signals: [signal("old", "45.9.20.31", { first: at - 86_400_000, last: at - 86_000_000 })] });
      await store.commit({ signIns: [{ address: "45.9.20.31", user: "root", time: at - 86_300_000 }] });
    };
    expect((await judge("45.9.20.31", { prepare })).allowed).toBe(true);
  });
});

describe("check 5: the evidence is read again", () => {
  const target = "45.9.20.31";
  it.each([
    ["none", [] as Journal],
    ["too little", rows(target, 4)],
    ["of a neighbour", rows("45.9.20.32", 9)],
    ["too old", rows(target, 9, {}, at - 3_600_000)],
    ["too young", rows(target, 9, {}, at + 1_000)],
    ["of a certificate authority", rows(target, 9, { message: '"GET /.well-known/acme-challenge/abc_DEF-123 HTTP/1.1" 404 0', action: "http_request" })],
  ])("%s is no evidence", async (_, journal) => {
    const verdict = await judge(target, { journal });
    expect(failing(verdict)).toEqual(["evidence"]);
    expect(verdict.needsPerson).toBe(false);
  });

  it.each([
    ["enough lines", rows(target, 5)],
    ["one line that stands for five", [row(target, at - 1_000, { count: 5 })]],
    ["a path that climbs out of the challenge folder", rows(target, 5, { message: '"GET /.well-known/acme-challenge/../../.env HTTP/1.1" 404 0' })],
  ])("%s are", async (_, journal) => {
    expect((await judge(target, { journal })).allowed).toBe(true);
  });

  it("lets an unban stick, for the network and what is in it", async () => {
    for (const released of [target, "45.9.20.0/24"]) {
      const prepare = (store: StateStore) => store.commit({ releases: [{ target: released, until: at, by: "mina", at }] });
      const verdict = await judge(target, { prepare });
      expect(failing(verdict)).toEqual(["evidence"]);
      expect(verdict.checks.find(({ check }) => check === "evidence")?.why).toContain("mina");
    }
    const earlier = (store: StateStore) => store.commit({ releases: [{ target, until: at - 3_600_000, by: "mina", at }] });
    expect((await judge(target, { prepare: earlier })).allowed).toBe(true);
  });

  it.each([
    [rule, false],
    [{ kind: "agent", investigation: "i" } as const, false],
    [{ kind: "api", token: "t" } as const, false],
    [person, true],
  ])("a ban without a claim by %o", async (origin, allowed) => {
    const stands = await standing([]);
    expect((await stands.judge({ target, origin, now: at })).allowed).toBe(allowed);
  });

  it("demands of a flood no more than the journal keeps", async () => {
    const stands = await standing(rows(target, 600, {}, at - 60_000).map((one) => ({ ...one, time: at - 1 })));
    expect((await stands.judge({ target, origin: rule, now: at, ...claimed(target, 90_000) })).allowed).toBe(true);
  });
});

describe("check 6: shared exits", () => {
  const office = (address: string, agents: number): Journal =>
    Array.from({ length: agents }, (_, n) =>
      rows(address, 6, { action: "http_request", outcome: "success", status: 200, user: "", userAgent: `Browser ${n}` }, at - 3_000_000),
    ).flat();

  it("asks a person about an office behind one address", async () => {
    const verdict = await judge("45.9.20.31", { journal: [...rows("45.9.20.31", 5), ...office("45.9.20.31", 8)] });
    expect(failing(verdict)).toEqual(["shared-exit"]);
    expect(verdict).toMatchObject({ allowed: false, needsPerson: true });
    expect((await judge("45.9.20.31", { journal: [...rows("45.9.20.31", 5), ...office("45.9.20.31", 8)], origin: person, override: true })).allowed).toBe(true);
  });

  it("narrows a network with an office in it to the address that did it", async () => {
    const verdict = await judge("45.9.20.0/24", { journal: [...rows("45.9.20.31", 5), ...office("45.9.20.99", 8)] });
    expect(verdict).toMatchObject({ allowed: true, target: "45.9.20.31" });
    const six = await judge("2a03:4000:6:d06::1", { journal: [...rows("2a03:4000:6:d06::1", 5), ...office("2a03:4000:6:d06::99", 8)] });
    expect(six).toMatchObject({ allowed: true, target: "2a03:4000:6:d06::1" });
  });

  it("does not take a tool that invents agents for a crowd", async () => {
    const tool = Array.from({ length: 60 }, (_, n) =>
      row("45.9.20.31", at - 3_000_000 + n, { action: "http_request", outcome: n % 3 === 0 ? "success" : "failure", userAgent: `Random ${n}` }),
    );
    expect((await judge("45.9.20.31", { journal: [...rows("45.9.20.31", 5), ...tool] })).allowed).toBe(true);
  });
});

describe("check 7: caps", () => {
  it.each([
    ["a minute", { minute: 30, cycle: 0, targets: [] }],
    ["a cycle", { minute: 0, cycle: 60, targets: [] }],
  ])("asks a person past the bans %s", async (_, load) => {
    const verdict = await judge("45.9.20.31", { load });
    expect(failing(verdict)).toEqual(["caps"]);
    expect(verdict.needsPerson).toBe(true);
    expect((await judge("45.9.20.31", { load, origin: person, override: true })).allowed).toBe(true);
  });

  it("asks before it cuts off a large share of the ordinary traffic, alone or with the bans before it", async () => {
    const visits = (address: string, count: number): Journal =>
      rows(address, count, { action: "http_request", outcome: "success", status: 200 }, at - 1_000_000);
    const alone = await judge("45.9.20.31", { journal: [...rows("45.9.20.31", 5), ...visits("45.9.20.31", 80), ...visits("46.3.3.3", 20)] });
    expect(failing(alone)).toEqual(["caps"]);
    const journal = [...rows("45.9.20.31", 5), ...visits("45.9.20.31", 20), ...visits("103.77.4.9", 20), ...visits("46.3.3.3", 60)];
    expect((await judge("45.9.20.31", { journal })).allowed).toBe(true);
    const together = await judge("45.9.20.31", { journal, load: { minute: 1, cycle: 1, targets: [parseCidr("103.77.4.0/24") as Cidr] } });
    expect(failing(together)).toEqual(["caps"]);
  });
});

describe("crawlers that publish no addresses", () => {
  const agent = "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)";
  const yeti = {
    name: "naver-yeti",
    kind: "crawler",
    date: "2026-01-01",
    source: "https://naver.com/",
    note: "",
    networks: [],
    agents: ["Yeti/"],
    domains: ["naver.com"],
  } as const;
  const asks = (reverse: () => Promise<readonly string[]>, forward: () => Promise<readonly string[]>) =>
    judge("45.9.20.31", {
      journal: rows("45.9.20.31", 5, { userAgent: agent, action: "http_request" }),
      inputs: guardInputs({ lists: () => [yeti], lookup: { reverse, forward } }),
    });

  it("believes a name that leads there and back, and nothing else", async () => {
    const name = async () => ["crawl.45-9-20-31.web.naver.com"];
    expect(failing(await asks(name, async () => ["45.9.20.31"]))).toEqual(["crawler"]);
    expect((await asks(name, async () => ["45.9.20.99"])).allowed).toBe(true);
    expect(
      (
        await asks(
          async () => ["naver.com.evil.example"],
          async () => ["45.9.20.31"],
        )
      ).allowed,
    ).toBe(true);
    expect(
      (
        await asks(
          async () => ["evilnaver.com"],
          async () => ["45.9.20.31"],
        )
      ).allowed,
    ).toBe(true);
    expect(
      (
        await asks(
          () => Promise.reject(Object.assign(new Error("x"), { code: "ENOTFOUND" })),
          async () => [],
        )
      ).allowed,
    ).toBe(true);
  });

  it("asks a person when the name servers do not answer", async () => {
    const verdict = await asks(
      () => Promise.reject(Object.assign(new Error("x"), { code: "ETIMEOUT" })),
      async () => [],
    );
    expect(verdict).toMatchObject({ allowed: false, needsPerson: true });
  });
});

describe("what the guard says", () => {
  it("reports every check, in the operator's language", async () => {
    const ids = [
      "address",
      "width",
      "reserved",
      "own",
      "allowed",
      "infrastructure",
      "proxy",
      "known-network",
      "crawler",
      "history",
      "operator",
      "evidence",
      "shared-exit",
      "caps",
    ];
    const english = await judge("10.0.0.0/8", { journal: [] });
    const korean = await judge("10.0.0.0/8", { journal: [], language: "ko" });
    expect(english.checks.map(({ check }) => check)).toEqual(ids);
    expect(failing(english)).toEqual(["width", "reserved", "evidence"]);
    expect(failing(korean)).toEqual(failing(english));
    for (const { why } of korean.checks) expect(why).toMatch(/[가-힣]/);
    for (const { why } of [...english.checks, ...korean.checks]) expect(why).not.toMatch(/\{\w+\}/);
  });
});
