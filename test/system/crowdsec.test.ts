import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enforcerConformance } from "#contracts/conformance/enforcer.ts";
import type { Ban, Decision } from "#core/decision.ts";
import type { EvidenceReference } from "#core/signal.ts";
import { allowlisted } from "#enforcers/crowdsec/allowlists.ts";
import { crowdsecEnforcer } from "#enforcers/crowdsec/crowdsec.ts";
import { decisionsStream, type DecisionsChange } from "#enforcers/crowdsec/decisions-stream.ts";
import { lapiMachine } from "#enforcers/crowdsec/lapi.ts";
import { cannotRun, mustRun, until } from "./run-program.ts";
import { startLapi, type Lapi } from "./start-crowdsec.ts";
import { startHaechi, type RunningHaechi } from "./start-haechi.ts";

const why = cannotRun("crowdsec", ["crowdsec", "cscli"]);
const signal = (): AbortSignal => AbortSignal.timeout(30_000);
const hour = 3_600_000;
const haechiMain = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const ban = (target: string, milliseconds = 4 * hour): Ban => ({
  target,
  until: Date.now() + milliseconds,
  decision: "d-12345678",
  reason: "9 failed passwords",
});

interface CscliAlert {
  readonly id: number;
  readonly events_count: number;
  readonly events: readonly unknown[];
  readonly decisions: readonly { readonly value: string; readonly scope: string; readonly duration: string; readonly origin: string; readonly type: string }[];
}

describe.skipIf(why)("crowdsec with the real local API", () => {
  enforcerConformance("crowdsec", async () => {
    const lapi = await startLapi();
    return {
      enforcer: crowdsecEnforcer({ ...lapi, timeout: 5_000 }),
      loseRules: async () => void (await lapi.cscli("decisions", "delete", "--all")),
      async plantForeign() {
        await lapi.cscli("decisions", "add", "--ip", "185.220.101.9", "--duration", "4h", "--reason", "by hand");
        return async () => (await lapi.cscli("decisions", "list", "-o", "json")).includes("185.220.101.9");
      },
      breakSystem: () => lapi.stop(),
      close: () => lapi.close(),
    };
  });

  describe("as cscli and bouncers see it", () => {
    let lapi: Lapi;
    beforeAll(async () => {
      lapi = await startLapi();
    });
    afterAll(() => lapi?.close());
    const seen = async (): Promise<CscliAlert[]> =>
      ((JSON.parse(await lapi.cscli("decisions", "list", "-o", "json")) as CscliAlert[] | null) ?? []).toSorted((a, b) => a.id - b.id);

    test("an address and networks are decisions with scope, duration in hours and the true count of events", async () => {
      const line = (index: number): EvidenceReference => ({
        source: "auth.log",
        line: index,
        offset: -1,
        time: Date.now() - index * 1_000,
        message: `Failed password ${index}`,
      });
      const evidence = Array.from({ length: 30 }, (_, index) => line(index));
      const enforcer = crowdsecEnforcer(lapi);
      const report = await enforcer.sync(
        [{ ...ban("45.9.20.31", 24 * hour), events: 1_234, evidence }, ban("103.77.4.0/24"), ban("2a03:4000:6:d06::/64", 90 * 60_000)],
        signal(),
      );
      expect(report).toEqual({ added: 3, removed: 0, kept: 0, failed: [] });
      const alerts = await seen();
      expect(alerts.map((alert) => alert.decisions.map(({ value, scope, origin, type }) => ({ value, scope, origin, type }))).flat()).toEqual([
        { value: "45.9.20.31", scope: "Ip", origin: "crowdsec", type: "ban" },
        { value: "103.77.4.0/24", scope: "Range", origin: "crowdsec", type: "ban" },
        { value: "2a03:4000:6:d06::/64", scope: "Range", origin: "crowdsec", type: "ban" },
      ]);
      expect(alerts.map((alert) => alert.decisions[0]?.duration.split("h")[0])).toEqual(["23", "3", "1"]);
      expect(alerts[0]?.events_count).toBe(1_234);
      expect(alerts[0]?.events).toHaveLength(10);
    });

    test("a release deletes that decision alone", async () => {
      const enforcer = crowdsecEnforcer(lapi);
      await lapi.cscli("decisions", "add", "--ip", "185.220.101.9", "--duration", "4h");
      await enforcer.sync([ban("45.9.20.31"), ban("45.9.20.32")], signal());
      await enforcer.sync([ban("45.9.20.32")], signal());
      expect((await seen()).flatMap((alert) => alert.decisions.map((decision) => decision.value)).toSorted()).toEqual(["185.220.101.9", "45.9.20.32"]);
      await enforcer.flush(signal());
      expect((await seen()).flatMap((alert) => alert.decisions.map((decision) => decision.value))).toEqual(["185.220.101.9"]);
      await lapi.cscli("decisions", "delete", "--all");
    });

    test("another machine's bans of the same name are not ours", async () => {
      await lapi.cscli("machines", "add", "second", "--password", "second-password", "--force", "-f", "/dev/null");
      const ours = crowdsecEnforcer(lapi);
      const theirs = crowdsecEnforcer({ url: lapi.url, machine: "second", password: "second-password" });
      await theirs.sync([ban("45.9.20.40")], signal());
      await ours.sync([ban("45.9.20.41")], signal());
      await ours.flush(signal());
      expect((await theirs.list(signal())).map((one) => one.target)).toEqual(["45.9.20.40"]);
      await theirs.flush(signal());
    });

    test("takes 1,000 bans, which is more than a page of alerts", async () => {
      const enforcer = crowdsecEnforcer(lapi);
      const many = Array.from({ length: 1_000 }, (_, index) => ban(`103.77.${index >> 8}.${index & 255}`));
      const begun = performance.now();
      expect(await enforcer.sync(many, signal())).toMatchObject({ added: 1_000, failed: [] });
      console.info(`crowdsec: 1,000 bans in ${Math.round(performance.now() - begun)} ms`);
      expect(await enforcer.sync(many, signal())).toMatchObject({ added: 0, kept: 1_000 });
      await enforcer.flush(signal());
      expect(await enforcer.list(signal())).toEqual([]);
    }, 60_000);

    test("has no allow lists in this version, which stops no ban", async () => {
      const machine = lapiMachine(lapi);
      expect((await machine.ask("GET", "/allowlists/check/45.9.20.31", undefined, signal())).status).toBe(404);
      expect(await allowlisted(machine, ["45.9.20.31", "103.77.4.0/24"], signal())).toEqual(new Map());
    });

    test("signs in again after the server was restarted", async () => {
      const enforcer = crowdsecEnforcer(lapi);
      await enforcer.sync([ban("45.9.20.31")], signal());
      await lapi.stop();
      await expect(enforcer.list(signal())).rejects.toMatchObject({ code: "crowdsec-unreachable" });
      await lapi.restart();
      expect(await enforcer.list(signal())).toHaveLength(1);
      await enforcer.flush(signal());
    });

    test("says that the password or the key is wrong", async () => {
      await expect(crowdsecEnforcer({ ...lapi, password: "wrong" }).sync([ban("45.9.20.31")], signal())).rejects.toMatchObject({ code: "crowdsec-login" });
      await expect(decisionsStream({ url: lapi.url, apiKey: "wrong" }, signal()).next()).rejects.toMatchObject({ code: "crowdsec-key" });
    });

    test("streams what others decide and nothing of ours", async () => {
      const enforcer = crowdsecEnforcer(lapi);
      await lapi.cscli("decisions", "delete", "--all");
      const stop = new AbortController();
      const stream = decisionsStream({ url: lapi.url, apiKey: await lapi.makeBouncerKey(), interval: 200 }, AbortSignal.any([stop.signal, signal()]));
      const next = async (): Promise<DecisionsChange> => (await stream.next()).value as DecisionsChange;
      expect((await next()).added).toEqual([]);
      await enforcer.sync([ban("45.9.20.31")], signal());
      await lapi.cscli("decisions", "add", "--range", "103.77.9.0/24", "--duration", "2h", "--reason", "by hand");
      const { added } = await next();
      expect(added).toMatchObject([{ target: "103.77.9.0/24", origin: "cscli" }]);
      expect(Math.abs((added[0]?.until ?? 0) - Date.now() - 2 * hour)).toBeLessThan(10_000);
      await lapi.cscli("decisions", "delete", "--range", "103.77.9.0/24");
      expect((await next()).removed).toMatchObject([{ target: "103.77.9.0/24" }]);
      const waiting = stream.next();
      stop.abort();
      expect((await waiting.catch(() => ({ done: true }))).done).toBe(true);
      await enforcer.flush(signal());
    });
  });
});

describe.skipIf(why)("crowdsec as a source of bans for the whole guard", () => {
  let lapi: Lapi;
  let folder: string;
  let haechi: RunningHaechi;
  const restart = async (): Promise<void> => {
    haechi = await startHaechi(["up", "--config", join(folder, "haechi.yaml")]);
  };
  const haechiSays = (...args: readonly string[]): Promise<string> =>
    mustRun(process.execPath, ["--disable-warning=ExperimentalWarning", haechiMain, ...args, "--config", join(folder, "haechi.yaml")]);
  const bans = async (...args: readonly string[]): Promise<readonly Decision[]> =>
    (await haechiSays("bans", "--json", ...args)).split("\n").flatMap((line) => (line === "" ? [] : (JSON.parse(line) as Decision)));
  const held = async (target: string): Promise<Decision | undefined> => (await bans()).find((decision) => decision.target === target);

  beforeAll(async () => {
    lapi = await startLapi();
    folder = await mkdtemp(join(tmpdir(), "haechi-feed-"));
    await writeFile(join(folder, "auth.log"), "");
    const crowdsec = { url: lapi.url, machine: lapi.machine, password: lapi.password, bouncerKey: await lapi.makeBouncerKey() };
    const config = {
      mode: "auto",
      state: join(folder, "state"),
      sources: [{ file: join(folder, "auth.log") }],
      enforcers: [{ "dry-run": {} }, { crowdsec }],
      metrics: { listen: "off" },
    };
    await writeFile(join(folder, "haechi.yaml"), JSON.stringify(config));
    await restart();
  });
  afterAll(async () => {
    await haechi?.kill("SIGTERM");
    await lapi?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("cscli adds: the ban is in the ledger and not given back; cscli deletes: it is released, and what is the guard's own stays", async () => {
    await haechiSays("ban", "45.9.20.40", "--for", "1h");
    await lapi.cscli("decisions", "add", "--ip", "45.9.20.31", "--duration", "2h", "--reason", "by hand");
    await lapi.cscli("decisions", "add", "--range", "103.77.4.0/24", "--duration", "2h");
    await lapi.cscli("decisions", "add", "--ip", "10.1.2.3", "--duration", "2h");
    const ban = (await until("the ban is in the ledger", () => held("45.9.20.31"), 20_000)) as Decision;
    expect(ban).toMatchObject({ origin: { kind: "feed", name: "crowdsec", scenario: "by hand" } });
    expect(Math.abs(ban.until - Date.now() - 2 * hour)).toBeLessThan(30_000);
    await until("it is in force", async () => (await held("45.9.20.31"))?.state === "enforced");
    expect((await bans()).map(({ target }) => target).toSorted()).toEqual(["103.77.4.0/24", "45.9.20.31", "45.9.20.40"]);
    const listed = JSON.parse(await lapi.cscli("decisions", "list", "-o", "json")) as CscliAlert[];
    const ours = listed.flatMap(({ decisions }) => decisions).filter(({ origin }) => origin === "crowdsec");
    expect(ours.map(({ value }) => value)).toEqual(["45.9.20.40"]);
    await lapi.cscli("decisions", "delete", "--ip", "45.9.20.31");
    await until("the ban is released", async () => !(await held("45.9.20.31")), 20_000);
    expect((await bans("--all")).find(({ target }) => target === "45.9.20.31")).toMatchObject({ state: "released" });
    expect((await bans()).map(({ target }) => target).toSorted()).toEqual(["103.77.4.0/24", "45.9.20.40"]);
  });

  test("what is deleted while the guard is down is released when it is back, and nothing is banned twice", async () => {
    await lapi.cscli("decisions", "add", "--ip", "45.9.20.32", "--duration", "2h");
    await until("the ban is in the ledger", () => held("45.9.20.32"), 20_000);
    await haechi.kill("SIGKILL");
    await lapi.cscli("decisions", "delete", "--range", "103.77.4.0/24");
    await restart();
    await until("the deleted one is released", async () => !(await held("103.77.4.0/24")), 20_000);
    expect((await bans("--all")).map(({ target }) => target).toSorted()).toEqual(["103.77.4.0/24", "45.9.20.31", "45.9.20.32", "45.9.20.40"]);
  });
});
