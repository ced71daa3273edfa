import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GuardStatus } from "#app/guard-methods.ts";
import type { Decision } from "#core/decision.ts";
import { eventually, file, jsonLines, program, stackTrace, type Started } from "./haechi.ts";

const { home, run, start } = program();
const log = file(home, "auth.log", "");
const config = file(
  home,
  "haechi.yaml",
  `mode: ask
timezone: UTC
state: ${join(home, "state")}
sources:
  - file: ${log}
enforcers:
  - dry-run: {}
bans:
  times: [2s]
approvals:
  expire: 4s
metrics:
  listen: 127.0.0.1:0
`,
);

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Seven failed passwords of one address, now. */
function attack(address: string): void {
  const now = new Date();
  const stamp = `${months[now.getUTCMonth()]} ${String(now.getUTCDate()).padStart(2)} ${now.toISOString().slice(11, 19)}`;
  const line = (port: number): string => `${stamp} web1 sshd[77]: Failed password for root from ${address} port ${port} ssh2\n`;
  appendFileSync(log, Array.from({ length: 7 }, (_, index) => line(41_000 + index)).join(""));
}

async function status(): Promise<GuardStatus> {
  const { out, err } = await run(["status", "--json"]);
  expect(err).toBe("");
  return JSON.parse(out) as GuardStatus;
}
const proposalFor = (address: string): Promise<GuardStatus["proposals"][number]> =>
  eventually(
    async () => (await status()).proposals.find(({ target }) => target === address),
    10,
    () => `a proposal to ban ${address}`,
  );
const ledger = async (address: string): Promise<Decision | undefined> =>
  jsonLines<Decision>((await run(["bans", "--all", "--json"])).out).find(({ target }) => target === address);

let guard: Started;
beforeAll(async () => {
  guard = start(["up"]);
  await guard.until(/Next: haechi status/, 40);
}, 60_000);
afterAll(async () => {
  await guard.stop();
});

describe("haechi up in ask mode", () => {
  test("says what it watches, its mode and that nothing is blocked for real", () => {
    for (const part of [`file:${log}`, "Mode: ask (a person approves). Enforcing with: dry-run.", join(home, "state"), "Metrics: http://127.0.0.1:"])
      expect(guard.text()).toContain(part);
  });

  test("proposes; an approval makes the ban, once; the ban runs out", async () => {
    attack("45.9.20.31");
    const proposal = await proposalFor("45.9.20.31");
    expect(proposal).toMatchObject({ state: "pending", action: "ban", ttl: 2 });
    expect(proposal.verdict.allowed).toBe(true);
    expect((await status()).sources).toMatchObject([{ id: `file:${log}`, lines: 7, unparsed: 0 }]);
    const approved = await run(["approve", proposal.id]);
    expect(approved).toMatchObject({ code: 0 });
    expect(approved.out).toMatch(/^45\.9\.20\.31 is banned until \d{4}-/);
    const again = await run(["approve", proposal.id]);
    expect(again.code).toBe(1);
    expect(again.out).toContain("Too late: tester was first");
    expect((await run(["deny", proposal.id])).out).toContain("Too late");
    await guard.until(/The ban of 45\.9\.20\.31 is over\./);
    expect((await ledger("45.9.20.31"))?.state).toBe("expired");
    const cases = await run(["cases"]);
    expect(cases.out).toMatch(/^c\w+ {2}danger {2}45\.9\.20\.31/);
    const shown = await run(["case", proposal.case ?? ""]);
    expect(shown.out).toContain(`${log}:1`);
    expect(shown.out).toContain("score +");
  });

  test("a denied proposal bans nobody; a case's id or the address answers, too", async () => {
    attack("103.77.4.9");
    await proposalFor("103.77.4.9");
    const denied = await run(["deny", "103.77.4.9", "--allow"]);
    expect(denied).toMatchObject({ code: 0 });
    expect(await ledger("103.77.4.9")).toBeUndefined();
    expect((await run(["allow"])).out).toMatch(/^103\.77\.4\.9 {2}denied/);
  });

  test("an answer that comes too late is told so", async () => {
    attack("185.220.101.4");
    const { id } = await proposalFor("185.220.101.4");
    await guard.until(new RegExp(`Nobody answered proposal ${id}`));
    const late = await run(["approve", id]);
    expect(late.code).toBe(1);
    expect(late.out).toContain("Too late: nobody answered");
    expect(await ledger("185.220.101.4")).toBeUndefined();
  });

  test("bans and releases by hand reach the running guard", async () => {
    expect((await run(["ban", "91.92.240.7", "--for", "1h"])).code).toBe(0);
    expect((await status()).bans).toBe(1);
    expect((await run(["unban", "91.92.240.7"])).code).toBe(0);
    expect((await status()).bans).toBe(0);
  });

  test("metrics are Prometheus text", async () => {
    const page = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(guard.text())?.[0] ?? "";
    const text = await (await fetch(page)).text();
    expect(text).toMatch(/^haechi_source_lines\{source=".*auth\.log"\} 21$/m);
    expect(text).toMatch(/^haechi_signals_total\{rule="ssh-brute-force"\} [1-9]/m);
    for (const line of text.trimEnd().split("\n")) expect(line).toMatch(/^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{[^}]*\})? -?[\d.e+-]+|\w+(?:\{[^}]*\})? \+Inf)$/);
    expect((await fetch(page.replace("/metrics", "/healthz"))).status).toBe(200);
    expect((await fetch(page.replace("/metrics", "/secret"))).status).toBe(404);
  });

  test("a second guard on the same state is refused in words", async () => {
    const { code, err } = await run(["up"]);
    expect(code).toBe(2);
    expect(err).toMatch(/in use by another Haechi|already running/);
    expect(err).not.toMatch(stackTrace);
  });

  test("a changed file is put in force; a bad one is told and the one before stays", async () => {
    const before = readFileSync(config, "utf8");
    writeFileSync(config, `${before}tiemzone: UTC\n`);
    await guard.until(/haechi\.yaml is faulty; the configuration before stays in force\.\n.*tiemzone.*did you mean “timezone”/);
    expect(guard.child.exitCode).toBeNull();
    writeFileSync(config, before.replace("mode: ask", "mode: watch"));
    await guard.until(/haechi\.yaml was read again and is in force/);
    await eventually(
      async () => ((await status()).mode === "watch" ? true : undefined),
      5,
      () => "mode watch",
    );
    attack("77.90.185.3");
    await eventually(
      async () => ((await ledger("77.90.185.3"))?.state === "recorded" ? true : undefined),
      8,
      () => "what would have been done",
    );
    const told = guard.text().length;
    guard.child.kill("SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(guard.text().slice(told)).not.toMatch(/is faulty/);
    expect((await status()).running).toBe(true);
  });

  test("SIGTERM stops it cleanly, and a restart doubles nothing", async () => {
    expect(await guard.stop()).toBe(0);
    expect(guard.text()).toContain("Stopped; everything read is committed.");
    guard = start(["up", "--lang", "ko"]);
    await guard.until(/방식|모드/);
    await eventually(
      async () => ((await status()).running ? true : undefined),
      5,
      () => "the guard",
    );
    expect((await status()).sources).toMatchObject([{ lines: 28 }]);
    expect(guard.text()).not.toMatch(/Watching|Next:|Mode:/);
  });
});

test("up without a readable configuration says where and why, in the operator's language", async () => {
  const bad = file(home, "bad.yaml", "mode: aks\nsourcs: []\n");
  const english = await run(["up", "--config", bad]);
  expect(english.code).toBe(2);
  expect(english.err).toMatch(/bad\.yaml has 2 fault\(s\)/);
  expect((await run(["up", "--config", bad], { env: { LANG: "ko_KR.UTF-8" } })).err).toMatch(/[가-힣]/);
});
