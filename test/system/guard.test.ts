import { execFile } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeNamespacePair, type NamespacePair } from "./network-namespaces.ts";
import { cannotRun, until } from "./run-program.ts";
import { guessPasswords, startSshd, trySignIn, type Sshd } from "./sshd-in-namespace.ts";
import { startHaechi, type RunningHaechi } from "./start-haechi.ts";
import { startLapi, type Lapi } from "./start-crowdsec.ts";
import { startTestWarden, type TestWarden } from "./start-warden.ts";
import { makeUfwMachine, type UfwMachine } from "./ufw-machine.ts";

const why = cannotRun("the whole guard against a real sshd", ["sshd", "ssh", "sshpass", "ip", "nft", "socat", "unshare", "setpriv"]);
const noCrowdsec = why ?? cannotRun("the whole guard with crowdsec", ["crowdsec", "cscli"]);
const noUfw = why ?? cannotRun("the whole guard with ufw", ["ufw", "iptables"]);

const nobody = 65_534;
const attacker = "45.9.20.31";
const typist = "45.9.20.32";
const wrong = ["123456", "password", "qwerty", "letmein", "dragon"];
const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const runFile = promisify(execFile);

interface Place {
  readonly folder: string;
  readonly log: string;
  readonly config: string;
}

/** A folder that the user nobody may use, with a configuration in `auto` mode. */
function makePlace(enforcers: string, more = ""): Place {
  const folder = mkdtempSync(join(tmpdir(), "haechi-guard-"));
  chmodSync(folder, 0o755);
  const state = join(folder, "state");
  mkdirSync(state);
  chownSync(state, nobody, nobody);
  const [log, config] = [join(folder, "auth.log"), join(folder, "haechi.yaml")];
  writeFileSync(log, "");
  chmodSync(log, 0o644);
  writeFileSync(
    config,
    `mode: auto\ntimezone: UTC\nstate: ${state}\nsources: [{ file: ${log} }]\nenforcers: [${enforcers}]\nmetrics: { listen: "off" }\nbans: { times: [20s] }\n${more}`,
  );
  return { folder, log, config };
}

/** When a line that fits was first seen in a file, looked at every 25 ms. */
async function whenWritten(path: string, pattern: RegExp, times: number): Promise<number> {
  await until(`${times} × ${pattern}`, () => (readFileSync(path, "utf8").match(pattern) ?? []).length >= times, 60_000);
  return performance.now();
}

describe.skipIf(why)("the whole guard, unprivileged, with nftables through the warden", () => {
  let pair: NamespacePair;
  let sshd: Sshd;
  let warden: TestWarden;
  let place: Place;
  let haechi: RunningHaechi;
  const unprivileged = (): readonly string[] => [
    "ip",
    "netns",
    "exec",
    pair.server.name,
    "setpriv",
    `--reuid=${nobody}`,
    `--regid=${nobody}`,
    "--clear-groups",
  ];
  const up = (): Promise<RunningHaechi> => startHaechi(["up", "--config", place.config], { before: unprivileged() });
  const haechiSays = async (...args: readonly string[]): Promise<string> => {
    const [file, ...rest] = [...unprivileged(), process.execPath, "--disable-warning=ExperimentalWarning", main, ...args, "--config", place.config];
    return (await runFile(file as string, rest)).stdout;
  };
  const ruleset = (): Promise<string> => pair.server.run("nft", ["list", "ruleset"]);
  const isHeld = async (address: string): Promise<boolean> => (await ruleset()).includes(address);

  beforeAll(async () => {
    pair = await makeNamespacePair();
    await pair.addClientAddresses([typist, "45.9.20.33"]);
    warden = await startTestWarden(pair.server);
    place = makePlace("{ nftables: {} }", `warden: { socket: ${warden.socketPath} }\n`);
    sshd = await startSshd(pair.server, { users: { minji: "right-password" }, logPath: place.log });
    haechi = await up();
  });
  afterAll(async () => {
    await haechi?.kill("SIGTERM");
    await warden?.close();
    await sshd?.close();
    await pair?.close();
    rmSync(place.folder, { recursive: true, force: true });
  });

  test("cuts a guesser off within a second of the fifth failure, its open connections too, and nobody else", async () => {
    // Somebody who mistypes twice and then signs in.
    expect(await guessPasswords(pair.client, pair.server.address4, ["wrong-1", "wrong-2"], { user: "minji", from: typist })).toEqual(["refused", "refused"]);
    expect(await trySignIn(pair.client, pair.server.address4, { user: "minji", password: "right-password", from: typist })).toBe("accepted");
    // An open connection of the attacker, idle before sign-in.
    pair.client.start("socat", ["-u", `TCP:${pair.server.address4}:22,bind=${attacker}`, "STDOUT"]);
    const connections = (): Promise<string> => pair.server.run("ss", ["-Htn", "state", "established", "dst", attacker]);
    await until("the attacker holds a connection", async () => (await connections()) !== "");
    const fifth = whenWritten(place.log, new RegExp(`Failed password for \\w+ from ${attacker.replaceAll(".", "\\.")} `, "g"), 5);
    const guesses = guessPasswords(pair.client, pair.server.address4, [...wrong, "once-more"], { user: "root", from: attacker, timeout: 2 });
    const written = await fifth;
    await until("the ban is in the kernel", () => isHeld(attacker), 1_500);
    const banned = performance.now() - written;
    await until("the open connection is gone", async () => (await connections()) === "", 1_500);
    const cut = performance.now() - written;
    console.info(`fifth failure → ban in the kernel ${banned.toFixed(0)} ms, open connections cut ${cut.toFixed(0)} ms`);
    expect(banned).toBeLessThan(1_000);
    expect(cut).toBeLessThan(1_000);
    expect((await guesses).at(-1)).toBe("unreachable");
    expect(await isHeld(typist)).toBe(false);
    expect(await trySignIn(pair.client, pair.server.address4, { user: "minji", password: "right-password", from: typist })).toBe("accepted");
  });

  test("lets the ban end on time", async () => {
    await until("the ban ended", async () => !(await isHeld(attacker)), 25_000);
    await until(
      "the ledger says so",
      async () => (await haechiSays("bans", "--all", "--json")).split("\n").some((line) => line.includes(attacker) && line.includes('"state":"expired"')),
      10_000,
    );
    expect(await trySignIn(pair.client, pair.server.address4, { user: "root", password: "x", from: attacker })).toBe("refused");
  });

  test("heals a warden that was killed, a table deleted by hand and a machine that lost its state, each within one reconcile", async () => {
    const third = "45.9.20.33";
    expect(JSON.parse(await haechiSays("ban", third, "--for", "10m", "--json"))).toMatchObject({ decision: { state: "enforced" } });
    expect(await isHeld(third)).toBe(true);
    await warden.kill();
    await pair.server.run("nft", ["flush", "ruleset"]);
    await warden.restart();
    await until("healed after the warden was killed and the ruleset lost", () => isHeld(third), 6_000);
    await pair.server.run("nft", ["delete", "table", "inet", "haechi"]);
    await until("healed after the table was deleted", () => isHeld(third), 6_000);
    await haechi.kill("SIGKILL");
    await warden.kill();
    await pair.server.run("nft", ["flush", "ruleset"]);
    await warden.restart();
    haechi = await up();
    await until("healed after everything was killed", () => isHeld(third), 6_000);
    expect(JSON.parse(await haechiSays("unban", third, "--json"))).toMatchObject({ released: [{ state: "released" }] });
    expect(await isHeld(third)).toBe(false);
  });

  test("removes everything on flush", async () => {
    await haechiSays("ban", "45.9.20.33", "--for", "10m");
    await haechiSays("flush");
    expect(await ruleset()).not.toContain("haechi");
  });
});

/** Feeds a real sshd's log to a guard with another enforcer. */
describe.skipIf(noCrowdsec)("the whole guard with crowdsec", () => {
  let pair: NamespacePair;
  let sshd: Sshd;
  let lapi: Lapi;
  let place: Place;
  let haechi: RunningHaechi;
  beforeAll(async () => {
    pair = await makeNamespacePair();
    lapi = await startLapi();
    place = makePlace(
      `{ crowdsec: { url: "${lapi.url}", machine: "${lapi.machine}", password: "${lapi.password}", bouncerKey: "${await lapi.makeBouncerKey()}" } }`,
    );
    sshd = await startSshd(pair.server, { users: { minji: "right-password" }, logPath: place.log });
    haechi = await startHaechi(["up", "--config", place.config]);
  });
  afterAll(async () => {
    await haechi?.kill("SIGTERM");
    await sshd?.close();
    await lapi?.close();
    await pair?.close();
    rmSync(place.folder, { recursive: true, force: true });
  });

  test("the guesser's ban is a decision that cscli lists, and is gone when it ends", async () => {
    const guesses = guessPasswords(pair.client, pair.server.address4, wrong, { user: "root", from: attacker });
    await guesses;
    const decisions = async (): Promise<string> => lapi.cscli("decisions", "list", "-o", "json");
    await until("cscli lists the decision", async () => (await decisions()).includes(attacker), 5_000);
    expect(await decisions()).not.toContain(typist);
    await until("the decision ended", async () => !(await decisions()).includes(attacker), 30_000);
  });
});

describe.skipIf(noUfw)("the whole guard with ufw", () => {
  let machine: UfwMachine;
  let sshd: Sshd;
  let place: Place;
  let haechi: RunningHaechi;
  beforeAll(async () => {
    machine = await makeUfwMachine();
    await machine.pair.addClientAddresses([typist]);
    await machine.ufw("allow", "22/tcp");
    place = makePlace("{ ufw: {} }", `warden: { socket: ${machine.warden.socketPath} }\n`);
    sshd = await startSshd(machine.pair.server, { users: { minji: "right-password" }, logPath: place.log });
    haechi = await startHaechi(["up", "--config", place.config], {
      before: ["ip", "netns", "exec", machine.pair.server.name, "setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"],
    });
  });
  afterAll(async () => {
    await haechi?.kill("SIGTERM");
    await sshd?.close();
    await machine?.close();
    rmSync(place.folder, { recursive: true, force: true });
  });

  test("the guesser is denied by a rule, the typist is not, and the rule is gone on time", async () => {
    expect(await guessPasswords(machine.pair.client, machine.pair.server.address4, ["wrong-1", "wrong-2"], { user: "minji", from: typist })).toEqual([
      "refused",
      "refused",
    ]);
    expect(await trySignIn(machine.pair.client, machine.pair.server.address4, { user: "minji", password: "right-password", from: typist })).toBe("accepted");
    await guessPasswords(machine.pair.client, machine.pair.server.address4, wrong, { user: "root", from: attacker, timeout: 2 });
    await until("ufw has the rule", async () => (await machine.ufw("show", "added")).includes(attacker), 5_000);
    expect(await trySignIn(machine.pair.client, machine.pair.server.address4, { user: "root", password: "x", from: attacker, timeout: 2 })).toBe("unreachable");
    expect(await trySignIn(machine.pair.client, machine.pair.server.address4, { user: "minji", password: "right-password", from: typist })).toBe("accepted");
    await until("the rule is gone", async () => !(await machine.ufw("show", "added")).includes(attacker), 35_000);
  });
});
