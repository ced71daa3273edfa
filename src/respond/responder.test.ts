import { describe, expect, it } from "vitest";
import { at, bed, guardInputs, member, row, rows, signal } from "./test-bed.ts";

const sora = { name: "sora", via: "cli" } as const;
const bad = "45.9.20.31";

describe("from a signal to a ban", () => {
  it("asks, enforces after approval, and records `enforced` only when the firewall holds it", async () => {
    const { store, responder, firewall, notices } = bed();
    await store.commit({ evidence: rows(bad, 5) });
    const [proposal] = await responder.handle([signal("a1", bad)]);
    expect(proposal).toMatchObject({ target: bad, state: "pending", ttl: 4 * 3_600 });
    expect(firewall.rules.size).toBe(0);
    expect(notices.map(({ kind }) => kind)).toEqual(["case", "proposal"]);
    const result = await responder.approve(proposal?.id as string, sora);
    expect(result).toMatchObject({ outcome: "approved", decision: { state: "enforced", target: bad } });
    expect([...firewall.rules.keys()]).toEqual([bad]);
    expect(firewall.killed).toEqual([bad]);
    expect((await store.history(result.decision?.id as string)).map(({ state }) => state)).toEqual(["decided", "enforced"]);
  });

  it("acts by itself in auto mode, within 100 ms", async () => {
    const { store, responder, firewall } = bed({ mode: "auto" });
    await store.commit({ evidence: rows(bad, 5) });
    const began = performance.now();
    await responder.handle([signal("a1", bad)]);
    await responder.settled();
    expect(performance.now() - began).toBeLessThan(100);
    expect([...firewall.rules.keys()]).toEqual([bad]);
  });

  it("only records in watch mode", async () => {
    const { store, responder, firewall } = bed({ mode: "watch" });
    await store.commit({ evidence: rows(bad, 5) });
    const [proposal] = await responder.handle([signal("a1", bad)]);
    expect(proposal?.state).toBe("recorded");
    expect(await responder.handle([signal("a2", bad, { rule: "slow-brute-force" })])).toEqual([]);
    await responder.tick();
    expect(firewall.rules.size).toBe(0);
    expect((await store.decisions({ limit: 9 })).map(({ state }) => state)).toEqual(["recorded"]);
  });

  it("does nothing twice: the same signal replayed, grown, or after a restart", async () => {
    const made = bed();
    const { store, responder } = made;
    await store.commit({ evidence: rows(bad, 9) });
    await responder.handle([signal("a1", bad)]);
    expect(await responder.handle([signal("a1", bad), signal("a1", bad, { count: 9 })])).toEqual([]);
    expect(await made.again().handle([signal("a1", bad)])).toEqual([]);
    expect(await store.proposals({ limit: 9 })).toHaveLength(1);
  });

  it("takes up signals that a crash left without a proposal", async () => {
    const made = bed();
    await made.store.commit({ evidence: rows(bad, 5), signals: [signal("a1", bad)] });
    await made.again().tick();
    expect(await made.store.proposals({ state: "pending", limit: 9 })).toHaveLength(1);
  });

  it("does not ban again after a restart for what an earlier ban has punished", async () => {
    const made = bed({ mode: "auto" });
    await made.store.commit({ evidence: rows(bad, 5) });
    await made.responder.ban(bad, sora, 10);
    await made.responder.handle([signal("a1", bad)]);
    made.now += 20_000;
    await made.again().tick();
    expect(made.firewall.rules.size).toBe(0);
    expect(await made.store.proposals({ limit: 9 })).toEqual([]);
  });

  it("refuses without evidence, and looks again when the episode grew", async () => {
    const { store, responder } = bed({ mode: "auto" });
    const [refused] = await responder.handle([signal("a1", bad)]);
    expect(refused?.state).toBe("refused");
    expect(refused?.verdict.checks.find(({ check }) => check === "evidence")?.ok).toBe(false);
    await store.commit({ evidence: rows(bad, 6) });
    expect(await responder.handle([signal("a1", bad)])).toEqual([]);
    const [made] = await responder.handle([signal("a1", bad, { count: 6 })]);
    expect(made?.state).toBe("approved");
    expect(await store.proposals({ limit: 9 })).toHaveLength(1);
  });

  it("proposes each member of a cohort with its own claim", async () => {
    const { store, responder } = bed();
    const members = ["103.77.4.9", "185.220.101.4", "45.9.20.31"].map((address) => member(address));
    await store.commit({ evidence: [...rows("103.77.4.9", 4), ...rows("45.9.20.31", 4), ...rows("185.220.101.4", 1)] });
    const proposals = await responder.handle([signal("c1", "x", { actor: { kind: "cohort", id: "cohort-1" }, members })]);
    expect(proposals.map(({ target, state }) => [target, state])).toEqual([
      ["103.77.4.9", "pending"],
      ["185.220.101.4", "refused"],
      ["45.9.20.31", "pending"],
    ]);
    expect(proposals[0]?.claim).toEqual({ target: "103.77.4.9", count: 4, from: at - 60_000, to: at });
  });

  it("bans the /64 of an IPv6 address and does not propose its neighbour again", async () => {
    const { store, responder } = bed({ mode: "auto" });
    await store.commit({ evidence: [...rows("2a03:4000:6:d06::1", 5), ...rows("2a03:4000:6:d06::2", 5)] });
    const [proposal] = await responder.handle([signal("v6", "2a03:4000:6:d06::1")]);
    expect(proposal?.target).toBe("2a03:4000:6:d06::/64");
    expect(await responder.handle([signal("v6b", "2a03:4000:6:d06::2")])).toEqual([]);
  });

  it("asks a person past the caps", async () => {
    const { store, responder, firewall } = bed({ mode: "auto" }, guardInputs({ limits: { bansPerMinute: 3 } }));
    const addresses = [1, 2, 3, 4, 5].map((n) => `45.9.2${n}.31`);
    await store.commit({ evidence: addresses.flatMap((address) => rows(address, 5)) });
    const proposals = await responder.handle(addresses.map((address, n) => signal(`s${n}`, address)));
    await responder.settled();
    expect(proposals.map(({ state }) => state)).toEqual(["approved", "approved", "approved", "pending", "pending"]);
    expect(firewall.rules.size).toBe(3);
    const result = await responder.approve(proposals[3]?.id as string, sora);
    expect(result.outcome).toBe("approved");
    expect(firewall.rules.size).toBe(4);
  });
});

describe("what the agent or an API client proposes", () => {
  const origin = { kind: "agent", investigation: "i1" } as const;
  const claim = { target: bad, count: 3, from: at - 60_000, to: at };

  it("waits for a person even in auto mode, and asking twice is asking once", async () => {
    const { store, responder, firewall } = bed({ mode: "auto" });
    await store.commit({ evidence: rows(bad, 5) });
    const first = await responder.propose({ target: bad, origin, reason: "looks\u001b[31m bad", claim, ttl: 60 });
    expect(first).toMatchObject({ state: "pending", ttl: 60, target: bad });
    expect(first.reason).not.toContain("\u001b");
    expect(await responder.propose({ target: bad, origin, reason: "again", claim })).toEqual(first);
    expect(firewall.rules.size).toBe(0);
    expect((await responder.approve(first.id, sora)).outcome).toBe("approved");
    expect(firewall.rules.size).toBe(1);
  });

  it("gets no further than the guard", async () => {
    const { responder } = bed();
    expect((await responder.propose({ target: bad, origin, reason: "a feeling", claim })).state).toBe("refused");
    expect((await responder.propose({ target: "10.0.0.1", origin, reason: "a feeling" })).state).toBe("refused");
    await expect(responder.propose({ target: "the bad one", origin, reason: "" })).rejects.toMatchObject({ code: "respond-bad-target" });
  });
});

describe("answers", () => {
  it("lets the first one win and tells the late one", async () => {
    const { store, responder, firewall } = bed();
    await store.commit({ evidence: rows(bad, 5) });
    const [proposal] = await responder.handle([signal("a1", bad)]);
    const id = proposal?.id as string;
    const both = await Promise.all([responder.deny(id, { name: "mina", via: "api" }), responder.approve(id, sora)]);
    expect(both.map(({ outcome }) => outcome)).toEqual(["denied", "late"]);
    expect(both[1]?.text).toContain("mina");
    expect(firewall.rules.size).toBe(0);
  });

  it("counts silence as a denial", async () => {
    const made = bed({ answerWithin: 1_000 });
    await made.store.commit({ evidence: rows(bad, 5) });
    const [proposal] = await made.responder.handle([signal("a1", bad)]);
    made.now += 2_000;
    const late = await made.responder.approve(proposal?.id as string, sora);
    expect(late).toMatchObject({ outcome: "late", proposal: { state: "expired" } });
    await made.responder.tick();
    expect(made.firewall.rules.size).toBe(0);
  });

  it("denies and allows in one step, so that the next signal is refused", async () => {
    const { store, responder } = bed();
    await store.commit({ evidence: rows(bad, 9) });
    const [proposal] = await responder.handle([signal("a1", bad)]);
    await responder.deny(proposal?.id as string, sora, { allow: "our tester" });
    const [next] = await responder.handle([signal("a2", bad, { rule: "other", first: at - 50_000 })]);
    expect(next?.state).toBe("refused");
    expect(next?.verdict.checks.find(({ check }) => check === "allowed")?.why).toContain("our tester");
  });

  it("takes another time from the person who approves", async () => {
    const { store, responder } = bed();
    await store.commit({ evidence: rows(bad, 5) });
    const [proposal] = await responder.handle([signal("a1", bad)]);
    const { decision } = await responder.approve(proposal?.id as string, sora, { ttl: 60 });
    expect(decision && decision.until - decision.from).toBe(60_000);
    await expect(responder.approve("p0000000", sora)).rejects.toMatchObject({ code: "respond-unknown-proposal" });
  });
});

describe("bans by hand, releases, the allow list", () => {
  it("bans at once, and an unban sticks against the same evidence but not against new", async () => {
    const made = bed({ mode: "auto" });
    const { store, responder, firewall } = made;
    await store.commit({ evidence: rows(bad, 5) });
    await responder.handle([signal("a1", bad)]);
    await responder.settled();
    expect(firewall.rules.size).toBe(1);
    expect(await responder.unban(bad, sora)).toHaveLength(1);
    expect(firewall.rules.size).toBe(0);
    const [again] = await responder.handle([signal("a2", bad, { rule: "slow-brute-force" })]);
    expect(again?.state).toBe("refused");
    expect(again?.verdict.checks.find(({ check }) => check === "evidence")?.why).toContain("sora");
    made.now += 3_600_000;
    await store.commit({ evidence: rows(bad, 5, {}, made.now - 10_000) });
    const [fresh] = await responder.handle([signal("a3", bad, { first: made.now - 10_000, last: made.now })]);
    expect(fresh?.state).toBe("approved");
  });

  it("gives a person's ban only what may be overridden", async () => {
    const { responder, firewall } = bed();
    expect((await responder.ban("104.16.1.1", sora)).decision).toBeUndefined();
    expect((await responder.ban("104.16.1.1", sora, 60, true)).decision?.state).toBe("enforced");
    for (const never of ["45.9.60.2", "127.0.0.1", "10.1.2.3", "9.9.9.9", "45.9.60.1", "0.0.0.0/0", "::/0", "77.88.99.100"])
      expect((await responder.ban(never, sora, 60, true)).decision, never).toBeUndefined();
    expect([...firewall.rules.keys()]).toEqual(["104.16.1.1"]);
  });

  it("lifts bans of what is put on the allow list", async () => {
    const { responder, firewall } = bed();
    await responder.ban(bad, sora);
    await responder.allow.add("45.9.20.0/24", "office", sora);
    expect(firewall.rules.size).toBe(0);
    expect(await responder.allow.list()).toMatchObject([{ target: "45.9.20.0/24", note: "office", by: "sora" }]);
    expect((await responder.ban(bad, sora)).decision).toBeUndefined();
    expect(await responder.allow.remove("45.9.20.0/24", sora)).toBe(true);
    expect((await responder.ban(bad, sora)).decision?.state).toBe("enforced");
    await expect(responder.allow.add("nonsense", "", sora)).rejects.toMatchObject({ code: "respond-bad-target" });
  });

  it("bans longer each time: 4 h, 1 d, 1 w", async () => {
    const made = bed();
    const hours: number[] = [];
    for (let offence = 0; offence < 4; offence++) {
      const { decision } = await made.responder.ban(bad, sora);
      hours.push(((decision?.until ?? 0) - (decision?.from ?? 0)) / 3_600_000);
      made.now = (decision?.until ?? 0) + 1_000;
      await made.responder.tick();
    }
    expect(hours).toEqual([4, 24, 168, 168]);
  });

  it("disowns sign-ins of a stolen account", async () => {
    const { store, responder } = bed();
    await store.commit({ signIns: [{ address: bad, user: "bob", time: at - 86_400_000 }], evidence: rows(bad, 5) });
    expect((await responder.ban(bad, sora)).decision).toBeUndefined();
    await responder.disown(bad, sora);
    expect((await responder.ban(bad, sora)).decision?.state).toBe("enforced");
  });

  it("flushes everything", async () => {
    const { responder, firewall, store } = bed();
    await responder.ban(bad, sora);
    expect((await responder.flush(sora)).size).toBe(0);
    await responder.tick();
    expect(firewall.rules.size).toBe(0);
    expect(await store.decisions({ active: true, limit: 9 })).toEqual([]);
    expect(await responder.status()).toMatchObject({ bans: 0, mode: "ask" });
  });
});

describe("a ban is proved", () => {
  it("says so when a banned address still knocks, with the likely cause, once", async () => {
    const made = bed();
    await made.responder.ban(bad, sora);
    made.now += 60_000;
    await made.store.commit({ evidence: [row(bad, made.now - 5_000, { action: "http_request", message: "GET /\u001b[31m" })] });
    await made.responder.tick();
    await made.responder.tick();
    const told = made.notices.filter(({ kind }) => kind === "still-knocking");
    expect(told).toHaveLength(1);
    expect(told[0]?.text).toContain("proxy");
    expect(told[0]?.text).not.toContain("\u001b");
  });

  it("takes a moving counter, or silence, as proof", async () => {
    const made = bed();
    await made.responder.ban(bad, sora);
    await made.responder.ban("103.77.4.9", sora);
    made.firewall.counters.set(bad, 7);
    made.now += 60_000;
    await made.responder.tick();
    expect(made.notices.filter(({ kind }) => kind === "proved").map(({ target }) => target)).toEqual([bad]);
    made.now += 600_000;
    await made.responder.tick();
    expect(made.notices.filter(({ kind }) => kind === "proved").map(({ target }) => target)).toEqual([bad, "103.77.4.9"]);
  });
});
