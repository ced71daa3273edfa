import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enforcerConformance } from "#contracts/conformance/enforcer.ts";
import type { Ban } from "#core/decision.ts";
import { ufwEnforcer } from "#enforcers/ufw/ufw.ts";
import { cannotRun, run, until, type Running } from "./run-program.ts";
import { makeUfwMachine, type UfwMachine } from "./ufw-machine.ts";

const why = cannotRun("ufw", ["ufw", "iptables", "ip", "ss", "socat", "unshare"]);
const signal = (): AbortSignal => AbortSignal.timeout(30_000);
const hour = 3_600_000;
const ban = (target: string, milliseconds = hour): Ban => ({ target, until: Date.now() + milliseconds, decision: "d1", reason: "test" });

describe.skipIf(why)("ufw through a real warden", () => {
  enforcerConformance("ufw", async () => {
    const machine = await makeUfwMachine();
    return {
      enforcer: ufwEnforcer(machine.warden.client),
      async loseRules() {
        await machine.ufw("delete", "deny", "from", "45.9.21.31");
        await machine.ufw("delete", "deny", "from", "2a03:4000:8:d06::/64");
        // The other two stay in ufw's files and are lost in the kernel only.
        await machine.pair.server.run("iptables", ["-F", "ufw-user-input"]);
        await machine.pair.server.run("ip6tables", ["-F", "ufw6-user-input"]);
      },
      async plantForeign() {
        await machine.ufw("deny", "from", "185.220.101.9", "comment", "haechi is a beast");
        await machine.ufw("deny", "from", "185.220.101.0/25");
        const foreign = async (): Promise<string> =>
          (await machine.ufw("show", "added"))
            .split("\n")
            .filter((line) => !/'haechi \d+'/.test(line))
            .join("\n");
        const before = await foreign();
        expect(before).toContain("185.220.101.9");
        return async () => (await foreign()) === before;
      },
      breakSystem: () => machine.warden.kill(),
      close: () => machine.close(),
    };
  });

  describe("on the wire", () => {
    let machine: UfwMachine;
    const running: Running[] = [];
    beforeAll(async () => {
      machine = await makeUfwMachine();
      await machine.pair.addClientAddresses(["45.9.20.32"]);
      running.push(machine.pair.server.start("socat", ["TCP6-LISTEN:2222,fork,reuseaddr", "SYSTEM:while printf x; do sleep 0.1; done"]));
      await until("the server listens", async () => (await machine.pair.server.run("ss", ["-Hltn"])).includes(":2222"));
    });
    afterAll(async () => {
      for (const one of running) await one.stop("SIGKILL");
      await machine?.close();
    });
    const to = (from: string): string =>
      from.includes(":")
        ? `TCP6:[${machine.pair.server.address6}]:2222,bind=[${from}],connect-timeout=1`
        : `TCP4:${machine.pair.server.address4}:2222,bind=${from},connect-timeout=1`;
    const connects = async (from: string): Promise<boolean> =>
      (await run("ip", ["netns", "exec", machine.pair.client.name, "timeout", "1", "socat", "-u", to(from), "-"])).stdout.includes("x");

    test.each(["45.9.20.31", "2a03:4000:6:d06::31"])("denies %s before the allow rule, cuts its connection, counts and lets go", async (from) => {
      const enforcer = ufwEnforcer(machine.warden.client);
      const live = machine.pair.client.start("socat", ["-u", to(from), "-"]);
      running.push(live);
      await until("the connection carries data", () => live.output().includes("xx"));
      expect(await enforcer.sync([ban(from)], signal())).toMatchObject({ added: 1, failed: [] });
      await until("the live connection is cut", () => live.child.exitCode !== null, 1_000);
      expect(await connects(from)).toBe(false);
      expect(await connects("45.9.20.32")).toBe(true);
      expect((await enforcer.hits?.(signal()))?.get(from)).toBeGreaterThan(0);
      await enforcer.flush(signal());
      expect(await connects(from)).toBe(true);
    });

    test("a ban ends while the guard is away, and one that ended while the warden was dead ends when it starts", async () => {
      const enforcer = ufwEnforcer(machine.warden.client);
      await enforcer.sync([ban("45.9.20.31", 2_500)], signal());
      expect(await connects("45.9.20.31")).toBe(false);
      await until("the rule is gone", async () => !(await machine.ufw("show", "added")).includes("45.9.20.31"), 8_000);
      expect(await connects("45.9.20.31")).toBe(true);
      await enforcer.sync([ban("45.9.20.31", 1_500)], signal());
      await machine.warden.kill();
      await delay(2_000);
      expect(await machine.ufw("show", "added")).toContain("45.9.20.31");
      await machine.warden.restart();
      await until("the rule is gone", async () => !(await machine.ufw("show", "added")).includes("45.9.20.31"), 8_000);
    });

    test("says that ufw is inactive instead of blocking nobody", async () => {
      const inactive = await makeUfwMachine(false);
      try {
        await expect(ufwEnforcer(inactive.warden.client).sync([ban("45.9.20.31")], signal())).rejects.toMatchObject({ code: "ufw-inactive" });
        expect(await inactive.ufw("show", "added")).not.toContain("45.9.20.31");
      } finally {
        await inactive.close();
      }
    });
  });

  test("leaves the machine's own ufw alone", async () => {
    expect(await readFile("/etc/ufw/user.rules", "utf8")).not.toContain("haechi");
  });
});
