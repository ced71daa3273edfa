import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import type { Decision, GuardVerdict } from "#core/decision.ts";
import { file, jsonLines, program } from "./haechi.ts";

const { home, run } = program();
file(home, "haechi.yaml", "enforcers:\n  - dry-run: {}\ninfrastructure: [77.91.70.0/24]\nproxies: [91.204.10.8]\n");

const own = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

describe("what is never banned, whoever asks", () => {
  test.each([
    ["127.0.0.1", "loopback"],
    ["10.1.2.3", "a private network"],
    ["192.168.0.0/24", "a private network"],
    ["100.64.1.1", "Tailscale"],
    ["192.0.2.4", "documentation"],
    ["224.0.0.1", "multicast"],
    ["::1", "loopback"],
    ["fd00::5", "private"],
    ["::ffff:127.0.0.1", "loopback"],
    ["45.9.0.0/16", "too wide"],
    ["77.91.70.9", "your own infrastructure"],
    ["91.204.10.8", "your trusted proxy"],
    ["66.249.66.1", "googlebot"],
    ["nonsense", "not an IP address"],
    ...(own === undefined ? [] : [[own, "this machine's own address"]]),
  ])("%s: %s", async (target, words) => {
    const { code, out } = await run(["ban", target as string, "--json"]);
    expect(code).toBe(1);
    const { verdict, decision } = JSON.parse(out) as { verdict: GuardVerdict; decision?: Decision };
    expect(decision).toBeUndefined();
    expect(verdict.allowed).toBe(false);
    const refusals = verdict.checks.filter(({ ok }) => !ok);
    expect(refusals.map(({ why }) => why.toLowerCase()).join("\n")).toContain((words as string).toLowerCase());
  });

  test("the refusal is told in words, and what no person may override stays refused", async () => {
    for (const more of [[], ["--override"]]) {
      const { code, out } = await run(["ban", "127.0.0.1", ...more]);
      expect(code).toBe(1);
      expect(out).toMatch(/^127\.0\.0\.1 is not banned:\n/);
      expect(out).toContain("✗ 127.0.0.1 touches this machine's loopback");
    }
    expect((await run(["ban", "127.0.0.1", "--lang", "ko"])).out).toMatch(/✗ .*[가-힣]/);
  });

  test("nor the address the operator came from", async () => {
    const { code, out } = await run(["ban", "121.134.22.0/24"], { env: { SSH_CONNECTION: "121.134.22.8 50122 77.91.70.9 22" } });
    expect(code).toBe(1);
    expect(out).toContain("would lock you out");
  });
});

describe("bans without a running guard", () => {
  test("are made, listed, released and kept in the ledger", async () => {
    const made = await run(["ban", "45.9.20.31", "--for", "1h"]);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^banned {2}45\.9\.20\.31 {2}until \d{4}-/m);
    const six = JSON.parse((await run(["ban", "2a03:4000:6:d06::1", "--for", "90m", "--json"])).out) as { decision: Decision };
    expect(six.decision).toMatchObject({ target: "2a03:4000:6:d06::/64", state: "enforced", origin: { kind: "person", name: "tester", via: "cli" } });
    expect(six.decision.until - six.decision.from).toBe(5_400_000);
    expect(jsonLines<Decision>((await run(["bans", "--json"])).out).map(({ target }) => target)).toEqual(["2a03:4000:6:d06::/64", "45.9.20.31"]);
    expect((await run(["unban", "45.9.20.31"])).out).toContain("released  45.9.20.31");
    const again = await run(["unban", "45.9.20.31"]);
    expect(again).toMatchObject({ code: 1 });
    expect(again.out).toContain("45.9.20.31 is not banned.");
    expect((await run(["bans", "--all"])).out).toMatch(/45\.9\.20\.31 +released/);
  });

  test("flush releases all of them", async () => {
    expect((await run(["ban", "103.77.4.9"])).code).toBe(0);
    const { code, out } = await run(["flush"]);
    expect(code).toBe(0);
    expect(out).toContain("nothing is banned");
    expect((await run(["bans"])).out).toBe("Nothing is banned.\n");
  });

  test("a duration that is none, or too long, is refused", async () => {
    for (const time of ["soon", "0s", "9999d"]) expect((await run(["ban", "45.9.20.31", "--for", time])).code, time).toBe(2);
  });
});

describe("the allow list", () => {
  test("stands before a ban until a person overrides it knowingly", async () => {
    expect((await run(["allow", "add", "45.9.20.40", "--note", "the office"])).code).toBe(0);
    expect((await run(["allow"])).out).toMatch(/^45\.9\.20\.40 {2}the office {2}tester/);
    const refused = await run(["ban", "45.9.20.40"]);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain("on your allow list (the office).  (--override goes over it)");
    expect((await run(["ban", "45.9.20.40", "--override", "--for", "1m"])).code).toBe(0);
    expect((await run(["allow", "remove", "45.9.20.40"])).code).toBe(0);
    expect((await run(["allow", "remove", "45.9.20.40"])).code).toBe(1);
  });
});

describe("what is not there", () => {
  test.each([
    ["case", "cabcdefgh"],
    ["approve", "pabcdefgh"],
    ["deny", "pabcdefgh"],
    ["allow", "ad"],
    ["allow", "add", "nonsense"],
  ])("%s %s", async (...args) => {
    const { code, err } = await run(args);
    expect(code).toBe(2);
    expect(err).toMatch(/^haechi: /);
  });

  test("status without a guard says how to start one", async () => {
    const { code, out } = await run(["status"]);
    expect(code).toBe(0);
    expect(out).toContain("No guard is running");
    expect((await run(["status", "--lang", "ko"])).out).toMatch(/정상.*\n.*haechi up/);
  });

  test("doctor names what is missing, and doctor --json is a line a finding", async () => {
    file(home, "log.yaml", `enforcers:\n  - dry-run: {}\nsources:\n  - file: ${home}/none.log\n`);
    const { out } = await run(["doctor", "--config", "log.yaml", "--json"]);
    const findings = jsonLines<{ check: string; state: string; message: string }>(out);
    expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(["state", "logs", "clock", "firewall", "ports"]));
  });
});
