import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Case, Decision, Proposal } from "#core/decision.ts";
import type { Signal } from "#core/signal.ts";
import type { EvidenceRow } from "../evidence-store.ts";
import type { StateStore } from "../state-store.ts";

const signal = (id: string, actor: string, last: number): Signal => ({
  id,
  detector: "sigma-rules",
  rule: "ssh-brute-force",
  title: "SSH brute force",
  level: "high",
  actor: { kind: "ip", id: actor },
  first: last - 10,
  last,
  count: 5,
  score: 1.5,
  why: [{ feature: "failures", value: 5, contribution: 1.5 }],
  evidence: [{ source: "auth.log", line: 1, offset: 0, time: last, message: "a\u0000b \u202e \ud83d\udc32 'quote\" ; DROP TABLE signals" }],
  actionable: true,
});

const proposal = (id: string, target: string, created: number): Proposal => ({
  id,
  action: "ban",
  target,
  ttl: 60,
  origin: { kind: "rule", rule: "r", signal: "s" },
  case: undefined,
  reason: "because",
  level: "high",
  score: 1,
  why: [],
  claim: { target, count: 5, from: 0, to: 10 },
  evidence: [],
  verdict: { allowed: true, needsPerson: false, target, checks: [] },
  created,
  expires: created + 100,
  state: "pending",
});

const decision = (id: string, target: string, state: Decision["state"], more: Partial<Decision> = {}): Decision => ({
  id,
  action: "ban",
  target,
  from: 100,
  until: 200,
  origin: { kind: "person", name: "sora", via: "cli" },
  proposal: undefined,
  reason: "because",
  evidence: [],
  state,
  at: 100,
  ...more,
});

const row = (key: string, address: string, time: number): EvidenceRow & { readonly key: string } => ({
  key,
  address,
  time,
  source: "auth.log",
  line: 7,
  offset: 1_234,
  message: "Failed password",
  action: "ssh_login",
  outcome: "failure",
  user: "root",
  userAgent: "",
  status: 0,
  count: 3,
});

/** What every state store must do. `open` gives an empty store each time. */
export function stateStoreConformance(name: string, open: () => Promise<StateStore>): void {
  describe(`${name} is a state store`, () => {
    let store: StateStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());
    const everything = { from: -Infinity, to: Infinity, limit: 1_000 } as const;
    const found = async (target: string): Promise<readonly string[]> => (await store.find({ ...everything, target })).map(({ address }) => address);

    it("starts empty", async () => {
      expect([await store.cursors(), await store.counters()]).toEqual([new Map(), new Map()]);
      expect(await store.checkpoint("none")).toBeUndefined();
      expect(await store.case("none")).toBeUndefined();
      expect(await store.proposal("none")).toBeUndefined();
      expect(await store.signIn("45.9.20.31")).toBeUndefined();
      expect(await store.history("none")).toEqual([]);
    });

    it("gives back what a commit put in, and replaces by id or name", async () => {
      const value: Case = { id: "c1", actor: { kind: "ip", id: "45.9.20.31" }, level: "danger", opened: 1, updated: 2, signals: [], state: "open" };
      await store.commit({
        cursors: new Map([["auth.log", "one"]]),
        checkpoints: new Map([["detector", new Uint8Array([1, 0, 255])]]),
        counters: new Map([["lines", 12]]),
        signals: [signal("s1", "45.9.20.31", 50), signal("s2", "103.77.4.9", 60)],
        cases: [value],
        audit: [{ at: 1, who: "sora", what: "ban", detail: "'); DROP TABLE audit; --" }],
        lists: new Map([["allow", [{ target: "46.1.2.3", note: "office", by: "sora", at: 1 }]]]),
      });
      await store.commit({
        cursors: new Map([["auth.log", "two"]]),
        cases: [{ ...value, state: "closed", updated: 3 }],
        signals: [signal("s1", "45.9.20.31", 70)],
      });
      expect([...(await store.cursors())]).toEqual([["auth.log", "two"]]);
      expect([...((await store.checkpoint("detector")) ?? [])]).toEqual([1, 0, 255]);
      expect((await store.counters()).get("lines")).toBe(12);
      expect(await store.signals({ limit: 9 })).toEqual([signal("s1", "45.9.20.31", 70), signal("s2", "103.77.4.9", 60)]);
      expect((await store.signals({ since: 65, limit: 9 })).map(({ id }) => id)).toEqual(["s1"]);
      expect((await store.signals({ actor: "103.77.4.9", limit: 9 })).map(({ id }) => id)).toEqual(["s2"]);
      expect(await store.cases({ state: "open", limit: 9 })).toEqual([]);
      expect((await store.case("c1"))?.state).toBe("closed");
      expect(await store.audit({ limit: 9 })).toHaveLength(1);
      expect(await store.list("allow")).toMatchObject([{ target: "46.1.2.3", note: "office" }]);
      await store.commit({ lists: new Map([["allow", []]]) });
      expect(await store.list("allow")).toEqual([]);
    });

    it("finds evidence of an address, of a network, and of nothing else", async () => {
      const addresses = [
        "45.9.20.31",
        "45.9.20.255",
        "45.9.21.0",
        "0.0.0.1",
        "255.255.255.255",
        "2a03:4000:6:d06::1",
        "2a03:4000:6:d06:ffff::",
        "2a03:4000:6:d07::",
        "2d09:141f::",
      ];
      await store.commit({ evidence: [...addresses.map((address, i) => row(`k${i}`, address, i)), row("bad", "no address", 1)] });
      expect(await found("45.9.20.31")).toEqual(["45.9.20.31"]);
      expect(await found("45.9.20.0/24")).toEqual(["45.9.20.255", "45.9.20.31"]);
      expect(await found("2a03:4000:6:d06::/64")).toEqual(["2a03:4000:6:d06:ffff::", "2a03:4000:6:d06::1"]);
      expect((await found("0.0.0.0/0")).length).toBe(5);
      expect((await found("::/0")).length).toBe(4);
      expect(await found("nonsense")).toEqual([]);
      expect(await store.find({ target: "45.9.20.31", from: 0, to: 0, limit: 1 })).toEqual([
        (({ key: _key, ...rest }): object => rest)(row("k0", "45.9.20.31", 0)),
      ]);
    });

    it("gives evidence newest first, within its time, at most `limit`, each key once", async () => {
      await store.commit({ evidence: [1, 2, 3, 4].map((time) => row(`k${time}`, "45.9.20.31", time)) });
      await store.commit({ evidence: [row("k4", "45.9.20.31", 4)] });
      const times = async (from: number, to: number, limit: number): Promise<readonly number[]> =>
        (await store.find({ target: "45.9.20.31", from, to, limit })).map(({ time }) => time);
      expect(await times(0, 9, 9)).toEqual([4, 3, 2, 1]);
      expect(await times(2, 3, 9)).toEqual([3, 2]);
      expect(await times(0, 9, 1)).toEqual([4]);
    });

    it("lets the first answer win", async () => {
      await store.commit({ proposals: [proposal("p1", "45.9.20.31", 1), proposal("p2", "103.77.4.9", 2)] });
      const first = await store.decide("p1", "approved", "sora", 5, { decisions: [decision("d1", "45.9.20.31", "decided")] });
      const second = await store.decide("p1", "denied", "mina", 6, { decisions: [decision("d2", "45.9.20.31", "decided")] });
      expect(first).toMatchObject({ decided: true, proposal: { state: "approved", decidedBy: "sora", decidedAt: 5 } });
      expect(second).toMatchObject({ decided: false, proposal: { state: "approved", decidedBy: "sora" } });
      expect(await store.decide("none", "denied", "sora", 7, {})).toEqual({ proposal: undefined, decided: false });
      expect((await store.decisions({ limit: 9 })).map(({ id }) => id)).toEqual(["d1"]);
      expect((await store.proposals({ state: "pending", limit: 9 })).map(({ id }) => id)).toEqual(["p2"]);
      expect((await store.proposals({ target: "45.9.20.31", limit: 9 })).map(({ id }) => id)).toEqual(["p1"]);
      expect((await store.proposals({ limit: 9 })).map(({ id }) => id)).toEqual(["p2", "p1"]);
    });

    it("keeps every row of the ledger and shows the latest", async () => {
      await store.commit({ decisions: [decision("d1", "45.9.20.31", "decided"), decision("d2", "103.77.4.0/24", "decided")] });
      await store.commit({ decisions: [decision("d1", "45.9.20.31", "enforced", { at: 101 })] });
      await store.commit({
        decisions: [decision("d3", "46.1.2.3", "recorded"), decision("d4", "46.1.2.4", "failed"), decision("d5", "46.1.2.5", "enforced", { until: 120 })],
      });
      await store.commit({ decisions: [decision("d2", "103.77.4.0/24", "released", { at: 102 })] });
      expect((await store.history("d1")).map(({ state }) => state)).toEqual(["decided", "enforced"]);
      const ids = async (filter: Parameters<StateStore["decisions"]>[0]): Promise<readonly string[]> => (await store.decisions(filter)).map(({ id }) => id);
      expect(await ids({ limit: 9 })).toEqual(["d2", "d5", "d4", "d3", "d1"]);
      expect(await ids({ active: true, at: 150, limit: 9 })).toEqual(["d4", "d1"]);
      expect(await ids({ active: true, at: 200, limit: 9 })).toEqual([]);
      expect(await ids({ active: true, limit: 9 })).toEqual(["d5", "d4", "d1"]);
      expect(await ids({ target: "103.77.4.9", limit: 9 })).toEqual(["d2"]);
      expect(await ids({ target: "46.1.2.0/24", limit: 9 })).toEqual(["d5", "d4", "d3"]);
      expect(await ids({ target: "2a03::/16", limit: 9 })).toEqual([]);
    });

    it("remembers sign-ins per address and of networks, until they are disowned", async () => {
      await store.commit({
        signIns: [
          { address: "45.9.20.31", user: "bob", time: 10 },
          { address: "45.9.20.31", user: "eve", time: 5 },
          { address: "45.9.20.40", user: "ann", time: 20 },
          { address: "2a03:4000:6:d06::1", user: "ann", time: 1 },
        ],
      });
      expect(await store.signIn("45.9.20.31")).toMatchObject({ address: "45.9.20.31", count: 2, first: 5, last: 10 });
      expect([...((await store.signIn("45.9.20.31"))?.users ?? [])].toSorted()).toEqual(["bob", "eve"]);
      expect(await store.signIn("45.9.20.0/24")).toMatchObject({ address: "45.9.20.40", count: 3, first: 5, last: 20 });
      expect(await store.signIn("2a03:4000:6:d06::/64")).toMatchObject({ count: 1 });
      expect(await store.signIn("45.9.21.0/24")).toBeUndefined();
      await store.commit({ forgetSignIns: ["45.9.20.31"] });
      expect(await store.signIn("45.9.20.31")).toBeUndefined();
      expect(await store.signIn("45.9.20.0/24")).toMatchObject({ count: 1 });
    });

    it("finds releases that share an address", async () => {
      await store.commit({ releases: [{ target: "45.9.20.0/24", until: 10, by: "sora", at: 11 }] });
      expect(await store.releases("45.9.20.31")).toEqual([{ target: "45.9.20.0/24", until: 10, by: "sora", at: 11 }]);
      expect(await store.releases("45.9.0.0/16")).toHaveLength(1);
      expect(await store.releases("45.9.21.1")).toEqual([]);
    });

    it("holds a commit whole or not at all", async () => {
      const broken = { ...decision("d1", "45.9.20.31", "decided"), evidence: [1n] } as unknown as Decision;
      await expect(store.commit({ cursors: new Map([["a", "1"]]), evidence: [row("k1", "45.9.20.31", 1)], decisions: [broken] })).rejects.toThrow();
      expect((await store.cursors()).size).toBe(0);
      expect(await found("45.9.20.31")).toEqual([]);
      await store.commit({ evidence: [row("k1", "45.9.20.31", 1)] });
      expect(await found("45.9.20.31")).toEqual(["45.9.20.31"]);
    });
  });
}
