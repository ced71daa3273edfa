import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { enforcerConformance } from "#contracts/conformance/enforcer.ts";
import type { Ban } from "#core/decision.ts";
import { nftablesEnforcer } from "#enforcers/nftables/nftables.ts";
import { makeNamespacePair, type NamespacePair } from "./network-namespaces.ts";
import { cannotRun, run, until, type Running } from "./run-program.ts";
import { startTestWarden, type TestWarden } from "./start-warden.ts";

const why = cannotRun("nftables", ["nft", "ip", "ss", "socat", "unshare"]);
const signal = (): AbortSignal => AbortSignal.timeout(30_000);
const hour = 3_600_000;
const ban = (target: string, milliseconds = hour): Ban => ({ target, until: Date.now() + milliseconds, decision: "d1", reason: "test" });

describe.skipIf(why)("nftables through a real warden", () => {
  enforcerConformance("nftables", async () => {
    const pair = await makeNamespacePair();
    const warden = await startTestWarden(pair.server);
    return {
      enforcer: nftablesEnforcer(warden.client),
      loseRules: async () => void (await pair.server.run("nft", ["delete", "table", "inet", "haechi"])),
      async plantForeign() {
        const rules =
          "table inet filter {\n set haechi { type ipv4_addr; elements = { 45.9.21.31 }; }\n chain input { type filter hook input priority 0;\n ip saddr @haechi drop\n }\n}\n";
        await pair.server.run("nft", ["-f", "-"], { input: rules });
        const before = await pair.server.run("nft", ["list", "table", "inet", "filter"]);
        return async () => (await pair.server.run("nft", ["list", "table", "inet", "filter"])) === before;
      },
      breakSystem: () => warden.kill(),
      async close() {
        await warden.close();
        await pair.close();
      },
    };
  });

  describe("on the wire", () => {
    let pair: NamespacePair;
    let warden: TestWarden;
    const running: Running[] = [];
    beforeAll(async () => {
      pair = await makeNamespacePair();
      warden = await startTestWarden(pair.server);
      await pair.addClientAddresses(["45.9.20.32", "2a03:4000:6:d06::32"]);
      // Sends one letter a tenth of a second over each connection.
      const words = "SYSTEM:while printf x; do sleep 0.1; done";
      running.push(pair.server.start("socat", ["TCP6-LISTEN:2222,fork,reuseaddr", words]));
      await until("the server listens", async () => (await pair.server.run("ss", ["-Hltn"])).includes(":2222"));
    });
    afterEach(async () => {
      await nftablesEnforcer(warden.client).flush(signal());
    });
    afterAll(async () => {
      for (const one of running) await one.stop("SIGKILL");
      await warden?.close();
      await pair?.close();
    });
    const to = (from: string): string =>
      from.includes(":")
        ? `TCP6:[${pair.server.address6}]:2222,bind=[${from}],connect-timeout=1`
        : `TCP4:${pair.server.address4}:2222,bind=${from},connect-timeout=1`;
    /** Opens a connection from `from` and says whether a byte came back within a second. */
    const connects = async (from: string): Promise<boolean> =>
      (await run("ip", ["netns", "exec", pair.client.name, "timeout", "1", "socat", "-u", to(from), "-"])).stdout.includes("x");

    test.each([
      ["45.9.20.31", "45.9.20.31", "45.9.20.32"],
      ["2a03:4000:6:d06::31", "2a03:4000:6:d06::31", "2a03:4000:6:d06::32"],
    ])("blocks new connections of %s, cuts a live one within a second and lets others through", async (from, target, other) => {
      const enforcer = nftablesEnforcer(warden.client);
      const live = pair.client.start("socat", ["-u", to(from), "-"]);
      running.push(live);
      const bystander = pair.client.start("socat", ["-u", to(other), "-"]);
      running.push(bystander);
      await until("both connections carry data", () => live.output().includes("xx") && bystander.output().includes("xx"));
      const begun = performance.now();
      expect(await enforcer.sync([ban(target)], signal())).toMatchObject({ added: 1, failed: [] });
      await until("the live connection is cut", () => live.child.exitCode !== null || live.child.signalCode !== null, 1_000);
      expect(performance.now() - begun).toBeLessThan(1_000);
      expect(await connects(from)).toBe(false);
      const seen = bystander.output().length;
      await delay(300);
      expect(bystander.output().length).toBeGreaterThan(seen);
      expect(await connects(other)).toBe(true);
      expect((await enforcer.hits?.(signal()))?.get(target)).toBeGreaterThan(0);
      expect((await enforcer.sync([], signal())).removed).toBe(1);
      expect(await connects(from)).toBe(true);
    });

    test("cuts live connections among thousands of bans", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      const live = pair.client.start("socat", ["-u", to("45.9.20.31"), "-"]);
      running.push(live);
      await until("the connection carries data", () => live.output().includes("xx"));
      const many = Array.from({ length: 2_000 }, (_, index) => ban(`103.77.${index >> 8}.${index & 255}`));
      await enforcer.sync([...many, ban("45.9.20.30/31")], signal());
      await until("the live connection is cut", () => live.child.exitCode !== null, 1_000);
    });

    test("kill ends connections without a ban", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      const live = pair.client.start("socat", ["-u", to("45.9.20.31"), "-"]);
      running.push(live);
      await until("the connection carries data", () => live.output().includes("xx"));
      expect(await enforcer.kill?.("45.9.20.31", signal())).toBe(1);
      await until("the connection is cut", () => live.child.exitCode !== null, 1_000);
      expect(await enforcer.kill?.("45.9.20.31", signal())).toBe(0);
      expect(await connects("45.9.20.31")).toBe(true);
    });

    test("the kernel ends a ban while no warden runs", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      await enforcer.sync([ban("45.9.20.31", 2_000)], signal());
      await warden.kill();
      expect(await connects("45.9.20.31")).toBe(false);
      await delay(2_000);
      expect(await connects("45.9.20.31")).toBe(true);
      await warden.restart();
    });

    test("a warden that was killed and started again knows what holds", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      const desired = [ban("45.9.20.31"), ban("103.77.4.0/24")];
      await enforcer.sync(desired, signal());
      await warden.kill();
      expect(await connects("45.9.20.31")).toBe(false);
      await warden.restart();
      expect(await enforcer.sync(desired, signal())).toEqual({ added: 0, removed: 0, kept: 2, failed: [] });
      expect(await nftablesEnforcer(warden.client).list(signal())).toHaveLength(2);
    });

    test("heals a table whose rule, chain or set was changed by hand", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      const desired = [ban("45.9.20.31")];
      await enforcer.sync(desired, signal());
      const damages = [
        ["flush", "chain", "inet", "haechi", "guard"],
        ["flush", "set", "inet", "haechi", "banned4"],
        ["add", "rule", "inet", "haechi", "guard", "ip", "saddr", "45.9.20.32", "drop"],
        ["insert", "rule", "inet", "haechi", "guard", "accept"],
        ["add", "table", "inet", "haechi", "{", "flags", "dormant;", "}"],
      ];
      for (const damage of damages) {
        await pair.server.run("nft", damage);
        await enforcer.sync(desired, signal());
        expect(await connects("45.9.20.31"), damage.join(" ")).toBe(false);
      }
      expect(await connects("45.9.20.32")).toBe(true);
    }, 30_000);

    test("refuses its own addresses, wide networks and what is no address, and blocks the rest", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      const bad = [
        "45.9.20.1",
        "45.9.20.0/24",
        "2a03:4000:6:d06::/64",
        "127.0.0.1",
        "::1",
        "224.0.0.1",
        "103.77.0.0/16",
        "2a03::/32",
        "45.9.21.1/24",
        "045.9.21.1",
        "x; reboot",
      ];
      const report = await enforcer.sync(
        [...bad, "45.9.20.31"].map((target) => ban(target)),
        signal(),
      );
      expect(report).toMatchObject({ added: 1, kept: 0 });
      expect(report.failed.map((one) => one.target)).toEqual(bad);
      expect((await enforcer.list(signal())).map((one) => one.target)).toEqual(["45.9.20.31"]);
    });

    test("takes 10,000 bans in one transaction, and changes to them", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      const desired = Array.from({ length: 10_000 }, (_, index) =>
        ban(index % 10 === 9 ? `2a03:4000:${(index + 16).toString(16)}::/64` : `103.${64 + (index >> 8)}.${index & 255}.${1 + randomInt(250)}`),
      );
      const figures: string[] = [];
      const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
        const begun = performance.now();
        const value = await work();
        figures.push(`${what} ${Math.round(performance.now() - begun)} ms`);
        return value;
      };
      expect(await timed("add 10,000", () => enforcer.sync(desired, signal()))).toEqual({ added: 10_000, removed: 0, kept: 0, failed: [] });
      expect(await timed("the same again", () => enforcer.sync(desired, signal()))).toEqual({ added: 0, removed: 0, kept: 10_000, failed: [] });
      expect(await timed("list", () => enforcer.list(signal()))).toHaveLength(10_000);
      expect(await timed("add 1", () => enforcer.sync([...desired, ban("45.9.20.31")], signal()))).toMatchObject({ added: 1, kept: 10_000 });
      expect(await timed("remove 5,000", () => enforcer.sync(desired.slice(5_000), signal()))).toMatchObject({ removed: 5_001, kept: 5_000 });
      await timed("flush", () => enforcer.flush(signal()));
      expect(await enforcer.list(signal())).toEqual([]);
      console.info(`nftables: ${figures.join(", ")}`);
    });

    test("a transaction that fails changes nothing", async () => {
      const enforcer = nftablesEnforcer(warden.client);
      await enforcer.sync([ban("45.9.20.31")], signal());
      const before = await pair.server.run("nft", ["-s", "list", "table", "inet", "haechi"]);
      // Overlapping elements in one batch: the kernel refuses the whole of it.
      const bad = [
        "flush set inet haechi banned4",
        "add element inet haechi banned4 { 103.77.4.0/24 timeout 1h }",
        "add element inet haechi banned4 { 103.77.4.9-103.77.5.9 timeout 1h }",
      ].join("\n");
      await expect(pair.server.run("nft", ["-f", "-"], { input: bad })).rejects.toThrow();
      expect(await pair.server.run("nft", ["-s", "list", "table", "inet", "haechi"])).toBe(before);
      expect(await connects("45.9.20.31")).toBe(false);
    });
  });
});
