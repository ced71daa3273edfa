import { describe, expect, it } from "vitest";
import type { Origin } from "#core/decision.ts";
import type { FeedChange, FeedEntry } from "./feeds.ts";
import { at, bed, guardInputs, rows, signal, type Bed } from "./test-bed.ts";

const sora = { name: "sora", via: "cli" } as const;
const bad = "45.9.20.31";
const hour = 3_600_000;

const entry = (id: number, target: string, more: Partial<FeedEntry> = {}): FeedEntry => ({
  id,
  target,
  until: at + 4 * hour,
  scenario: "crowdsecurity/ssh-bf",
  near: true,
  ...more,
});
const whole = (...added: readonly FeedEntry[]): FeedChange => ({ whole: true, added, removed: [] });
const change = (added: readonly FeedEntry[], removed: readonly number[] = []): FeedChange => ({ whole: false, added, removed });
/** A community list: so many addresses, each with a number from `start` on. */
const community = (count: number, start = 1): FeedEntry[] =>
  Array.from({ length: count }, (_, i) => entry(start + i, `103.${77 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`, { near: false }));

const states = async ({ store }: Bed): Promise<readonly string[]> => (await store.decisions({ limit: 100 })).map(({ target, state }) => `${target} ${state}`);

describe("a source of bans", () => {
  it("bans in auto mode what it holds, for as long as it does, and says that no log lines of this machine are the ground", async () => {
    const made = bed({ mode: "auto" });
    await made.responder.follow("crowdsec", whole(entry(7, bad)));
    await made.responder.settled();
    expect(await made.store.decisions({ active: true, limit: 9 })).toMatchObject([
      { target: bad, until: at + 4 * hour, state: "enforced", feed: { name: "crowdsec", id: 7 }, origin: { kind: "feed", name: "crowdsec", id: 7 } },
    ]);
    expect(made.firewall.rules.get(bad)).toMatchObject({ feed: "crowdsec" });
    const [proposal] = await made.store.proposals({ limit: 1 });
    const why = proposal?.verdict.checks.find(({ check }) => check === "evidence");
    expect(why).toMatchObject({
      ok: true,
      why: expect.stringMatching(/decision 7 of crowdsec \(crowdsecurity\/ssh-bf\).*no log lines of this machine/) as string,
    });
  });

  it("only records in watch mode, and asks in ask mode", async () => {
    const watching = bed({ mode: "watch" });
    await watching.responder.follow("crowdsec", whole(entry(1, bad)));
    expect(await states(watching)).toEqual([`${bad} recorded`]);
    const asking = bed({ mode: "ask" });
    await asking.responder.follow("crowdsec", whole(entry(1, bad)));
    expect(asking.notices.map(({ kind }) => kind)).toEqual(["proposal"]);
    const [proposal] = await asking.store.proposals({ state: "pending", limit: 9 });
    expect(await asking.responder.approve(proposal?.id as string, sora)).toMatchObject({
      outcome: "approved",
      decision: { feed: { id: 1 }, origin: { kind: "person" } },
    });
    // Approved by a person, it came from the feed all the same.
    await asking.responder.follow("crowdsec", change([], [1]));
    await asking.responder.settled();
    expect(asking.firewall.rules.size).toBe(0);
  });

  it("releases what was taken back, and only what came from there", async () => {
    const made = bed({ mode: "auto" });
    await made.store.commit({ evidence: rows("45.9.20.40", 5) });
    await made.responder.handle([signal("a1", "45.9.20.40")]);
    await made.responder.ban("45.9.20.41", sora);
    await made.responder.follow("crowdsec", whole(entry(1, bad), entry(2, "45.9.20.40"), entry(3, "45.9.20.41"), entry(4, "45.9.20.42")));
    await made.responder.settled();
    expect([...made.firewall.rules.keys()].toSorted()).toEqual([bad, "45.9.20.40", "45.9.20.41", "45.9.20.42"]);
    await made.responder.follow("crowdsec", change([], [1, 2, 3, 99]));
    await made.responder.settled();
    expect([...made.firewall.rules.keys()].toSorted()).toEqual(["45.9.20.40", "45.9.20.41", "45.9.20.42"]);
    expect(made.notices.filter(({ kind }) => kind === "released")).toMatchObject([
      { target: bad, text: "crowdsec took back its decision, so 45.9.20.31 is released." },
    ]);
    await made.responder.follow("other", whole());
    await made.responder.follow("crowdsec", whole());
    await made.responder.settled();
    expect([...made.firewall.rules.keys()].toSorted()).toEqual(["45.9.20.40", "45.9.20.41"]);
    // Taken back is no act of a person: a new decision bans again.
    await made.responder.follow("crowdsec", change([entry(5, bad)]));
    await made.responder.settled();
    expect(made.firewall.rules.has(bad)).toBe(true);
  });

  it("changes nothing when it is read anew, after a restart too, and notices what was taken back meanwhile", async () => {
    const made = bed({ mode: "auto" });
    const all = whole(entry(1, bad), entry(2, "45.9.20.32"), entry(3, "185.8.8.3"));
    await made.responder.follow("crowdsec", all);
    await made.responder.follow("crowdsec", all);
    await made.responder.settled();
    const before = await states(made);
    const again = made.again();
    made.now += 1_000;
    await again.follow("crowdsec", whole(...all.added.map((one) => ({ ...one, until: one.until + 700 }))));
    await again.settled();
    expect(await states(made)).toEqual(before);
    expect(await made.store.proposals({ limit: 9 })).toHaveLength(3);
    const third = made.again();
    await third.follow("crowdsec", whole(entry(2, "45.9.20.32")));
    await third.settled();
    expect([...made.firewall.rules.keys()]).toEqual(["45.9.20.32"]);
  });

  it("keeps a ban while the feed names the target under another number, and through a list that is published anew", async () => {
    const made = bed({ mode: "auto" });
    await made.responder.follow("crowdsec", whole(entry(1, bad), entry(2, bad)));
    await made.responder.follow("crowdsec", change([], [1]));
    await made.responder.follow("crowdsec", change([entry(3, bad)], [2]));
    await made.responder.settled();
    expect(made.firewall.rules.has(bad)).toBe(true);
    expect(await states(made)).toEqual([`${bad} enforced`]);
    // The number that stays lasts longer than the ban: it holds on.
    await made.responder.follow("crowdsec", change([entry(3, bad, { until: at + 9 * hour })]));
    made.now = at + 4 * hour + 1_000;
    await made.responder.tick();
    await made.responder.tick();
    await made.responder.settled();
    expect(made.firewall.rules.get(bad)?.until).toBeGreaterThan(at + 8 * hour);
  });

  it("passes every check of the guard", async () => {
    const made = bed({ mode: "auto" });
    await made.store.commit({ signIns: [{ address: "45.9.20.50", user: "minji", time: at - hour }] });
    await made.responder.allow.add("45.9.20.51", "office", sora);
    const refused = [
      "10.0.0.5",
      "45.9.60.2",
      "45.9.60.1",
      "9.9.9.9",
      "45.9.0.0/16",
      "104.16.1.1",
      "185.8.8.3",
      "46.7.7.7",
      "77.88.99.100",
      "45.9.20.50",
      "45.9.20.51",
      "203.0.113.9",
    ];
    await made.responder.follow("crowdsec", whole(...refused.map((target, i) => entry(i + 1, target)), entry(99, "2a03:4000:6:d06::1")));
    await made.responder.settled();
    expect([...made.firewall.rules.keys()]).toEqual(["2a03:4000:6:d06::/64"]);
    expect((await made.store.proposals({ state: "refused", limit: 99 })).map(({ target }) => target).toSorted()).toEqual(refused.toSorted());
    expect(made.notices.filter(({ kind }) => kind === "refused" || kind === "feed")).toHaveLength(1);
  });

  it("does not undo what a person released, under whatever number", async () => {
    const made = bed({ mode: "auto" });
    await made.responder.follow("crowdsec", whole(entry(1, bad)));
    await made.responder.unban(bad, sora);
    await made.responder.follow("crowdsec", whole(entry(1, bad)));
    await made.responder.follow("crowdsec", whole(entry(2, bad)));
    await made.responder.settled();
    expect(made.firewall.rules.size).toBe(0);
    const [proposal] = await made.store.proposals({ limit: 1 });
    expect(proposal?.verdict.checks.filter(({ ok }) => !ok)).toMatchObject([
      { check: "evidence", why: expect.stringContaining("sora released this address") as string },
    ]);
  });

  it("withdraws a proposal nobody answered yet", async () => {
    const made = bed({ mode: "ask" });
    await made.responder.follow("crowdsec", whole(entry(1, bad)));
    await made.responder.follow("crowdsec", change([], [1]));
    expect(await made.store.proposals({ limit: 9 })).toMatchObject([{ state: "expired", decidedBy: "crowdsec" }]);
  });
});

describe("a community list of 15,000", () => {
  it("asks for 20 and tells it once; answers make room for more, its own decisions first", async () => {
    const made = bed({ mode: "ask" });
    await made.responder.follow("crowdsec", whole(...community(15_000), entry(90_000, bad)));
    for (let i = 0; i < 5; i++) await made.responder.tick();
    const pending = await made.store.proposals({ state: "pending", limit: 99 });
    expect(pending).toHaveLength(20);
    expect(pending.map(({ target }) => target)).toContain(bad);
    expect(made.notices).toHaveLength(1);
    expect(made.notices[0]).toMatchObject({ kind: "feed", text: expect.stringContaining("20 proposed") as string });
    expect(made.notices[0]?.text).toContain("14981 more wait");
    const id = pending[0]?.id as string;
    await made.responder.deny(id, sora);
    await made.responder.tick();
    expect(await made.store.proposals({ state: "pending", limit: 99 })).toHaveLength(20);
    expect(made.notices).toHaveLength(1);
    // A restart proposes nothing twice.
    const again = made.again();
    await again.follow("crowdsec", whole(...community(15_000), entry(90_000, bad)));
    await again.tick();
    expect(await made.store.proposals({ state: "pending", limit: 99 })).toHaveLength(20);
  });

  it("acts in half of the caps a minute, so that an alarm of this machine finds room", async () => {
    const made = bed({ mode: "auto" }, guardInputs({ limits: { bansPerMinute: 30, bansPerCycle: 60 } }));
    await made.store.commit({ evidence: rows(bad, 5) });
    await made.responder.follow("crowdsec", whole(...community(15_000)));
    for (let i = 0; i < 20; i++) {
      made.now += 2_000;
      await made.responder.tick();
    }
    expect(made.firewall.rules.size).toBe(15);
    await made.responder.handle([signal("a1", bad)]);
    await made.responder.settled();
    expect(made.firewall.rules.has(bad)).toBe(true);
    made.now += 60_000;
    await made.responder.tick();
    expect(made.firewall.rules.size).toBe(31);
    expect(made.notices.filter(({ kind }) => kind === "feed")).toHaveLength(1);
    expect(made.notices.filter(({ kind, text }) => kind === "enforced" && text.includes("15 bans from crowdsec"))).toHaveLength(2);
    expect(await made.store.proposals({ state: "pending", limit: 9 })).toEqual([]);
  });

  it("published anew under other numbers, releases nobody it still names", async () => {
    const made = bed({ mode: "auto" });
    await made.responder.follow("crowdsec", whole(...community(1_000)));
    await made.responder.settled();
    const held = [...made.firewall.rules.keys()];
    await made.responder.follow(
      "crowdsec",
      change(
        community(1_000, 5_001),
        community(1_000).map(({ id }) => id),
      ),
    );
    await made.responder.settled();
    expect([...made.firewall.rules.keys()]).toEqual(expect.arrayContaining(held));
    expect(made.notices.filter(({ kind }) => kind === "released")).toEqual([]);
  });

  it("in watch mode is recorded piece by piece, no turn longer than a few hundred", async () => {
    const made = bed({ mode: "watch" });
    const began = performance.now();
    await made.responder.follow("crowdsec", whole(...community(1_000)));
    for (let i = 0; i < 12; i++) await made.responder.tick();
    console.info(`1,000 feed bans put before the guard in ${Math.round(performance.now() - began)} ms`);
    expect(await made.store.decisions({ limit: 5_000 })).toHaveLength(1_000);
    expect(made.notices.filter(({ kind }) => kind === "feed")).toMatchObject([
      { level: "info" },
      { level: "info", text: expect.stringContaining("0 more wait") as string },
    ]);
  });
});

describe("the evidence check", () => {
  it("believes a feed only as an origin of its own: nobody else may ban without log lines", async () => {
    const { responder } = bed();
    const origin: Origin = { kind: "agent", investigation: "i1" };
    expect((await responder.propose({ target: bad, origin, reason: "looks bad" })).state).toBe("refused");
  });
});
