import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogEvent } from "#core/event.ts";
import { scoreOf, type Signal } from "#core/signal.ts";
import { behaviourDetectors } from "#detectors/behaviour-detectors.ts";
import { demoScript } from "#app/demo-script.ts";
import { accessLog } from "#parsers/access-log/access-log.ts";
import { sshd } from "#parsers/sshd/sshd.ts";
import { syslogPlugin } from "#parsers/syslog/syslog.ts";
import { detect, parseEntries, runScenario } from "./scenarios/run.ts";
import { scenario } from "./scenarios/scenarios.ts";

const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const record = { source: "/var/log/x.log", text: "a line", line: 1, offset: 0, writtenBy: 0 };

describe("what is found, ten seeds each, through the real parsers", () => {
  test.each([
    ["scanner at 50/s", 1],
    ["scanner at 1 per 30 s", 1],
    ["ssh guess every 4 min", 1],
    ["ssh guess every 20 min", 1],
    ["ssh brute force", 1],
    ["ssh success after failures", 1],
    ["web brute force, slow", 1],
    ["login botnet 300x2", 0.9],
    ["stuffing from one /16", 0.9],
    ["stuffing, scattered", 0.9],
    ["ssh botnet", 0.9],
    ["probing botnet", 0.5],
  ])("%s", { timeout: 60_000 }, (name, recall) => {
    let found = 0;
    let attackers = 0;
    for (const seed of seeds) {
      const outcome = runScenario(name, seed);
      expect({ seed, wronged: outcome.wronged }).toEqual({ seed, wronged: [] });
      found += outcome.found;
      attackers += outcome.scenario.attackers.size;
      for (const address of outcome.scenario.attackers) {
        const at = outcome.accused.get(address);
        if (outcome.scenario.deadline && at !== undefined) expect(at).toBeLessThanOrEqual(outcome.scenario.deadline);
      }
    }
    expect(found / attackers).toBeGreaterThanOrEqual(recall);
  });
});

describe("innocents that look guilty are left alone, ten seeds each", () => {
  test.each([
    "ordinary day",
    "office on Monday",
    "newsletter",
    "retry storm",
    "developer",
    "carrier NAT",
    "edges in front",
    "broken deployment 404",
    "broken deployment 401",
    "clock jump",
  ])("%s", { timeout: 60_000 }, (name) => {
    for (const seed of seeds) {
      const outcome = runScenario(name, seed);
      expect({
        seed,
        wronged: outcome.wronged,
        networks: outcome.networks,
        cohorts: outcome.signals.filter((signal) => signal.actor.kind === "cohort").length,
      }).toEqual({ seed, wronged: [], networks: [], cohorts: 0 });
    }
  });
});

describe("signals", () => {
  test("explain themselves exactly, claim no more than was there, and name evidence", () => {
    for (const name of ["scanner at 1 per 30 s", "ssh botnet", "login botnet 300x2"]) {
      const { signals, scenario: built } = runScenario(name, 2);
      const events = new Map<string, number>();
      for (const { event } of parseEntries(built.entries)) events.set(String(event["source.ip"]), (events.get(String(event["source.ip"])) ?? 0) + 1);
      expect(signals.length).toBeGreaterThan(0);
      for (const signal of signals) {
        expect(signal.score).toBe(scoreOf(signal.why));
        expect(signal.id).toMatch(/^[0-9a-f]{16}$/);
        expect(signal.first).toBeLessThanOrEqual(signal.last);
        expect(signal.evidence.length).toBeLessThanOrEqual(10);
        if (signal.actionable) expect(signal.evidence.length).toBeGreaterThan(0);
        if (signal.actor.kind === "ip") expect(signal.count).toBeLessThanOrEqual(events.get(signal.actor.id) ?? 0);
        for (const member of signal.members ?? []) {
          expect(member.score).toBe(scoreOf(member.why));
          expect(member.events).toBeGreaterThan(0);
          expect(member.events).toBeLessThanOrEqual(events.get(member.address) ?? 0);
        }
      }
    }
  });

  test("are the same after a restart from a snapshot at any place", () => {
    for (const [name, seed] of [
      ["stuffing, scattered", 4],
      ["scanner at 1 per 30 s", 3],
      ["ssh botnet", 7],
    ] as const) {
      const parsed = parseEntries(scenario(name, seed).entries);
      const whole = detect(parsed, behaviourDetectors());
      fc.assert(
        fc.property(fc.integer({ min: 0, max: parsed.length }), (cut) => {
          const before = behaviourDetectors();
          const signals: Signal[] = [];
          for (const { event, record } of parsed.slice(0, cut)) for (const detector of before) signals.push(...detector.observe(event, record));
          const after = behaviourDetectors();
          after.forEach((detector, i) => detector.restore(structuredClone(before[i]?.snapshot())));
          signals.push(...detect(parsed.slice(cut), after));
          expect(signals).toEqual(whole);
        }),
        { numRuns: 4 },
      );
    }
  });

  test("who opens a few wrong bookmarks is never proposed; who goes on is, under the same id", () => {
    const [slow] = behaviourDetectors({ language: "ko" });
    const ask = (path: string, second: number): readonly Signal[] =>
      slow.observe(
        {
          "@timestamp": 1.78e12 + second * 1_000,
          "event.action": "http_request",
          "source.ip": "45.9.20.31",
          "http.request.method": "GET",
          "url.path": path,
          "http.response.status_code": 404,
        },
        record,
      );
    const few = ["/.env", "/.git/config", "/.env", "/.git/config", "/wp-login.php"].flatMap(ask);
    expect(few.length).toBeGreaterThan(0);
    expect(few.some(({ actionable }) => actionable)).toBe(false);
    expect(slow.finish().some(({ actionable }) => actionable)).toBe(false);
    const more = ask("/dump.sql", 60);
    expect(more).toMatchObject([{ id: few[0]?.id, actionable: true, title: "속도를 가리지 않는 경로 탐색" }]);
  });

  test("five failed sign-ins are the least that is acted on", () => {
    const [slow] = behaviourDetectors({ slow: { falseAlarm: 0.2 } });
    const signals = [1, 2, 3, 4, 5].map((second) =>
      slow.observe(
        { "@timestamp": 1.78e12 + second, "event.action": "ssh_login", "event.outcome": "failure", "source.ip": "45.9.20.31", "user.name": `u${second}` },
        record,
      ),
    );
    expect(signals.slice(0, 4).flat()).not.toEqual([]);
    expect(
      signals
        .slice(0, 4)
        .flat()
        .some(({ actionable }) => actionable),
    ).toBe(false);
    expect(signals[4]).toMatchObject([{ actionable: true }]);
  });

  test("a running botnet is told while it runs: the demo's, before its script ends", () => {
    const context = { timeZone: "UTC", year: undefined, trustedProxies: [] };
    const parsers = { "access.log": accessLog.build(context), "auth.log": syslogPlugin([sshd]).build(context) };
    const start = Date.UTC(2026, 6, 1, 12);
    const parsed = demoScript().flatMap(({ at, log, text }, i) => {
      const line = { source: log, text: text(new Date(start + at * 1_000)), line: i, offset: -1, writtenBy: start + at * 1_000 };
      const event = parsers[log].parse(line);
      return event ? [{ event, record: line }] : [];
    });
    const detectors = behaviourDetectors();
    const live = parsed.flatMap(({ event, record: line }) => detectors.flatMap((detector) => detector.observe(event, line)));
    const cohort = live.findLast(({ actor }) => actor.kind === "cohort");
    expect(cohort).toMatchObject({ rule: "cohort-sign-in", actionable: true });
    expect(cohort?.members?.length).toBeGreaterThan(30);
  });

  test("nothing throws, whatever the event", () => {
    const value = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.array(fc.string()));
    const event = fc.record(
      {
        "@timestamp": fc.oneof(fc.double(), fc.integer({ min: 0, max: 4e12 })),
        "event.action": fc.oneof(fc.constantFrom("http_request", "ssh_login", "ssh_invalid_user", "ssh_preauth_close"), value),
        "event.outcome": fc.oneof(fc.constantFrom("success", "failure"), value),
        "source.ip": fc.oneof(fc.ipV4(), fc.ipV6(), value),
        "user.name": value,
        "url.path": fc.oneof(fc.webPath(), value),
        "url.query": value,
        "http.request.method": value,
        "http.response.status_code": fc.oneof(fc.integer({ min: 100, max: 599 }), value),
        "http.response.body.bytes": value,
        "haechi.count": value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const detectors = behaviourDetectors({ maxSources: 4, cohort: { maxTokens: 4 } });
        for (const each of events)
          for (const detector of detectors)
            for (const signal of detector.observe(each as unknown as LogEvent, record)) expect(signal.score).toBe(scoreOf(signal.why));
        for (const detector of detectors) detector.finish();
      }),
      { numRuns: 200 },
    );
  });

  test("memory is bounded and what is dropped is counted", () => {
    const detectors = behaviourDetectors({ maxSources: 1_000, cohort: { maxTokens: 50 } });
    for (let i = 0; i < 5_000; i++) {
      const event: LogEvent = {
        "@timestamp": 1.78e12 + i,
        "event.action": "http_request",
        "source.ip": `45.9.${i >> 8}.${i & 255}`,
        "http.request.method": "GET",
        "url.path": `/x${i}/.env`,
        "http.response.status_code": 404,
        "user_agent.original": `a${i}`,
      };
      for (const detector of detectors) detector.observe(event, record);
    }
    for (const detector of detectors) expect(detector.evictions).toBeGreaterThanOrEqual(4_000);
  });
});
