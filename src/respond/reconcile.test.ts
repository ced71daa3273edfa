import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decision } from "#core/decision.ts";
import { parseCidr, type Cidr } from "#core/ip.ts";
import { mayFollow } from "./ledger.ts";
import { desiredBans } from "./reconcile.ts";
import { at, bed, memoryEnforcer, rows, signal } from "./test-bed.ts";

const sora = { name: "sora", via: "cli" } as const;
const bad = "45.9.20.31";
const hour = 3_600_000;

const decision = (id: string, target: string, until: number, state: Decision["state"] = "decided"): Decision => ({
  id,
  action: "ban",
  target,
  from: at,
  until,
  origin: { kind: "person", name: "sora", via: "cli" },
  proposal: undefined,
  reason: "by hand",
  evidence: [],
  state,
  at,
});

describe("desiredBans", () => {
  it("leaves out what a wider ban holds, and brings it back after that", () => {
    const decisions = [
      decision("a", bad, at + 9 * hour),
      decision("b", "45.9.20.0/24", at + hour),
      decision("c", "103.77.4.9", at + hour),
      decision("d", "103.77.4.9", at + 2 * hour),
    ];
    const now = desiredBans(decisions, at);
    expect(now.bans.map(({ target, decision: id }) => [target, id])).toEqual([
      ["45.9.20.0/24", "b"],
      ["103.77.4.9", "d"],
    ]);
    expect([...now.heldBy]).toEqual(expect.arrayContaining([["a", "45.9.20.0/24"]]));
    expect(desiredBans(decisions, at + hour).bans.map(({ target }) => target)).toEqual([bad, "103.77.4.9"]);
    expect(desiredBans(decisions, at + 9 * hour).bans).toEqual([]);
  });

  it("covers exactly the due addresses without overlaps", () => {
    const target = fc.tuple(fc.nat(15), fc.integer({ min: 24, max: 32 })).map(([last, bits]) => `45.9.20.${last}/${bits}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(target, fc.integer({ min: -2, max: 5 })), { maxLength: 12 }), (entries) => {
        const decisions = entries.map(([network, until], i) => decision(`d${i}`, network, at + until));
        const { bans } = desiredBans(decisions, at);
        const cidrs = bans.map((ban) => parseCidr(ban.target) as Cidr);
        for (const [i, a] of cidrs.entries()) for (const b of cidrs.slice(i + 1)) expect(a.first <= b.last && b.first <= a.last).toBe(false);
        const held = (set: readonly Cidr[], value: bigint): boolean => set.some(({ first, last }) => first <= value && value <= last);
        const due = decisions.filter(({ until }) => until > at).map((one) => parseCidr(one.target) as Cidr);
        const base = (parseCidr("45.9.20.0") as Cidr).first;
        for (let i = 0n; i < 32n; i++) expect(held(cidrs, base + i)).toBe(held(due, base + i));
      }),
    );
  });
});

describe("the firewall follows the ledger", () => {
  it("heals what somebody removed or added, and says so", async () => {
    const made = bed();
    await made.responder.ban(bad, sora);
    made.firewall.rules.clear();
    made.firewall.rules.set("46.1.1.1", { target: "46.1.1.1", until: at + hour, decision: "x", reason: "" });
    await made.responder.tick();
    expect([...made.firewall.rules.keys()]).toEqual([bad]);
    expect(made.notices.filter(({ kind }) => kind === "drift")).toHaveLength(1);
    await made.responder.tick();
    expect(made.notices.filter(({ kind }) => kind === "drift")).toHaveLength(1);
    expect((await made.responder.status()).enforcers[0]).toMatchObject({ name: "memory", fault: undefined, held: 1, healed: 2 });
  });

  it("ends bans on time", async () => {
    const made = bed();
    const { decision: made1 } = await made.responder.ban(bad, sora, 60);
    made.now += 59_000;
    await made.responder.tick();
    expect(made.firewall.rules.size).toBe(1);
    made.now += 1_000;
    await made.responder.tick();
    expect(made.firewall.rules.size).toBe(0);
    expect((await made.store.history(made1?.id as string)).map(({ state }) => state)).toEqual(["decided", "enforced", "expired"]);
    expect(made.notices.map(({ kind }) => kind)).toEqual(["enforced", "expired"]);
  });

  it("says `failed` while the firewall is away, tells once, and heals when it is back", async () => {
    const made = bed();
    made.firewall.fault = new Error("no such socket\u001b[31m");
    const { decision: row } = await made.responder.ban(bad, sora);
    expect(row).toMatchObject({ state: "failed", note: expect.stringContaining("no such socket") as string });
    await made.responder.tick();
    await made.responder.tick();
    expect(made.notices.map(({ kind }) => kind)).toEqual(["enforcer-down", "failed"]);
    expect(JSON.stringify(made.notices)).not.toContain("\\u001b");
    made.firewall.fault = undefined;
    await made.responder.tick();
    expect([...made.firewall.rules.keys()]).toEqual([bad]);
    expect((await made.store.history(row?.id as string)).map(({ state }) => state)).toEqual(["decided", "failed", "enforced"]);
  });

  it("marks only the target that the firewall refused", async () => {
    const made = bed();
    made.firewall.refused.add(bad);
    const first = await made.responder.ban(bad, sora);
    const second = await made.responder.ban("103.77.4.9", sora);
    expect([first.decision?.state, second.decision?.state]).toEqual(["failed", "enforced"]);
  });

  it("does not wait for ever for one that hangs", async () => {
    const firewall = memoryEnforcer();
    const { reconciler } = await import("./reconcile.ts");
    const { ledger } = await import("./ledger.ts");
    const { proof } = await import("./proof.ts");
    const { store } = bed();
    await store.commit({ decisions: [decision("d1", bad, at + hour)] });
    const hanging = { ...memoryEnforcer("hanging"), sync: () => new Promise<never>(() => undefined) };
    const made = reconciler({
      ledger: ledger(store),
      enforcers: [hanging, firewall],
      proof: proof(store, () => false),
      clock: () => at,
      language: "en",
      onNotice: () => undefined,
      patience: 30,
    });
    await made.run();
    expect([...firewall.rules.keys()]).toEqual([bad]);
    expect(made.status().map(({ fault }) => fault !== undefined)).toEqual([true, false]);
    expect((await store.history("d1")).at(-1)?.state).toBe("failed");
  });

  it("survives a restart with the same bans and no new rows", async () => {
    const made = bed({ mode: "auto" });
    await made.store.commit({ evidence: rows(bad, 5) });
    await made.responder.handle([signal("a1", bad)]);
    await made.responder.settled();
    const before = (await made.store.decisions({ limit: 9 })).map(({ id, state }) => [id, state]);
    made.firewall.rules.clear();
    await made.again().tick();
    expect([...made.firewall.rules.keys()]).toEqual([bad]);
    expect((await made.store.decisions({ limit: 9 })).map(({ id, state }) => [id, state])).toEqual(before);
  });
});

describe("property", () => {
  const targets = ["45.9.20.31", "45.9.20.0/24", "103.77.4.9", "2a03:4000:6:d06::1", "185.220.101.4"];
  type Step =
    | { readonly do: "ban"; readonly target: string; readonly ttl: number }
    | { readonly do: "unban"; readonly target: string }
    | { readonly do: "wait"; readonly seconds: number }
    | { readonly do: "damage" | "break" | "mend" | "tick" | "restart" | "flush" }
    | { readonly do: "signal"; readonly target: string; readonly id: string };
  const target = fc.constantFrom(...targets);
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant("ban" as const), target, ttl: fc.integer({ min: 1, max: 500 }) }),
    fc.record({ do: fc.constant("unban" as const), target }),
    fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ do: fc.constantFrom("damage" as const, "break" as const, "mend" as const, "tick" as const, "restart" as const, "flush" as const) }),
    fc.record({ do: fc.constant("signal" as const), target, id: fc.constantFrom("a", "b", "c") }),
  );

  it("whatever happens in whatever order, the ledger takes legal steps and a healthy firewall holds exactly what is due", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const made = bed({ mode: "auto" });
        await made.store.commit({ evidence: targets.flatMap((one) => rows(one.split("/")[0] as string, 9)) });
        let { responder } = made;
        for (const one of steps) {
          if (one.do === "ban") await responder.ban(one.target, sora, one.ttl);
          else if (one.do === "unban") await responder.unban(one.target, sora);
          else if (one.do === "wait") made.now += one.seconds * 1_000;
          else if (one.do === "damage") made.firewall.rules.clear();
          else if (one.do === "break") made.firewall.fault = new Error("away");
          else if (one.do === "mend") made.firewall.fault = undefined;
          else if (one.do === "tick") await responder.tick();
          else if (one.do === "flush") await responder.flush(sora);
          else if (one.do === "signal") await responder.handle([signal(`${one.id}${one.target}`, one.target)]);
          else responder = made.again();
        }
        await responder.settled();
        made.firewall.fault = undefined;
        await responder.tick();
        const all = await made.store.decisions({ limit: 999 });
        for (const { id } of all) {
          const states = (await made.store.history(id)).map(({ state }) => state);
          expect(states[0]).toBe("decided");
          for (const [i, state] of states.slice(1).entries()) expect(mayFollow(states[i] as Decision["state"], state)).toBe(true);
        }
        const due = all.filter(({ state, until }) => until > made.now && state !== "released" && state !== "expired");
        expect(due.every(({ state }) => state === "enforced")).toBe(true);
        expect([...made.firewall.rules.keys()].toSorted()).toEqual(
          desiredBans(due, made.now)
            .bans.map((ban) => ban.target)
            .toSorted(),
        );
        await made.store.close();
      }),
      { numRuns: 60 },
    );
  });
});
