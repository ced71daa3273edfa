import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wardenUnit } from "#app/units.ts";
import type { Ban } from "#core/decision.ts";
import { nftablesEnforcer } from "#enforcers/nftables/nftables.ts";
import { ufwEnforcer } from "#enforcers/ufw/ufw.ts";
import { makeNamespacePair, type NamespacePair } from "./network-namespaces.ts";
import { cannotRun, run, until, type Running } from "./run-program.ts";
import { startTestWarden, type TestWarden } from "./start-warden.ts";
import { makeUfwMachine, type UfwMachine } from "./ufw-machine.ts";

const why = cannotRun("the warden with its unit's capabilities", ["nft", "ip", "ss", "setpriv", "unshare", "socat"]);
const noUfw = why ?? cannotRun("the ufw warden with its unit's capabilities", ["ufw", "iptables"]);
const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const ban = (target: string, seconds = 60): Ban => ({ target, until: Date.now() + seconds * 1_000, decision: "d1", reason: "test" });

/** The unit's capabilities and read-only file system (`ProtectSystem=strict`), for a shell that is about to become the warden. */
function confined(capabilities: readonly string[] = [], writable: readonly string[] = []): string {
  const [, listed = ""] = /^CapabilityBoundingSet=(.+)$/m.exec(wardenUnit("/usr/bin/haechi")) ?? [];
  const kept = [...listed.split(" "), ...capabilities].map((name) => name.toLowerCase().replace(/^cap_/, "+"));
  return [
    // /tmp is private and writable in the unit; here it also has the socket.
    ...["/tmp", ...writable].map((path) => `mount --rbind ${path} ${path}`),
    "mount -o remount,bind,ro /",
    "! touch /etc/haechi-was-here 2>/dev/null",
    `set -- setpriv --no-new-privs --bounding-set=-all,${kept.join(",")} "$@"`,
  ].join("\n");
}

describe.skipIf(why)("the nftables warden with the capabilities of its unit alone", () => {
  let pair: NamespacePair;
  let warden: TestWarden;
  let listener: Running;
  beforeAll(async () => {
    pair = await makeNamespacePair();
    warden = await startTestWarden(pair.server, { prepare: confined() });
  });
  afterAll(async () => {
    await listener?.stop();
    await warden?.close();
    await pair?.close();
  });

  test("has no others", async () => {
    const pids = (await run("ip", ["netns", "pids", pair.server.name])).stdout.trim().split("\n");
    const status = await run("grep", ["-h", "CapEff", ...pids.map((pid) => `/proc/${pid}/status`)]);
    // CHOWN 0, DAC_OVERRIDE 1, NET_ADMIN 12, SYS_PTRACE 19.
    expect(status.stdout.trim().split("\n")).toContain(`CapEff:\t${(2 ** 0 + 2 ** 1 + 2 ** 12 + 2 ** 19).toString(16).padStart(16, "0")}`);
  });

  test("blocks, ends connections, counts, releases and flushes", async () => {
    listener = pair.server.start("socat", ["TCP-LISTEN:8080,fork,reuseaddr", "EXEC:cat"]);
    await until("somebody listens", async () => (await pair.server.run("ss", ["-Hltn"])).includes(":8080"));
    const held = pair.client.start("socat", ["-u", `TCP:${pair.server.address4}:8080`, "STDOUT"]);
    await until("the connection stands", async () => (await pair.server.run("ss", ["-Htn", "state", "established"])).includes("45.9.20.31"));
    const enforcer = nftablesEnforcer(warden.client);
    expect(await enforcer.sync([ban("45.9.20.31"), ban("2a03:4000:6:d06::31")], signal())).toMatchObject({ added: 2, failed: [] });
    await until("the connection is gone", async () => !(await pair.server.run("ss", ["-Htn", "state", "established"])).includes("45.9.20.31"));
    await run("ip", ["netns", "exec", pair.client.name, "socat", "-u", `TCP:${pair.server.address4}:8080,connect-timeout=1`, "STDOUT"]);
    expect((await enforcer.hits?.(signal()))?.get("45.9.20.31")).toBeGreaterThan(0);
    expect(await enforcer.sync([], signal())).toMatchObject({ removed: 2 });
    await enforcer.flush(signal());
    expect(await pair.server.run("nft", ["list", "ruleset"])).not.toContain("haechi");
    await held.stop();
  });

  test("still sees who is at the other end, and takes its place again after it was killed", async () => {
    const script = `const s=require("net").connect(process.argv[1]);s.on("error",()=>process.exit(3));s.on("close",()=>process.exit(4));s.on("data",()=>process.exit(0));s.write('{"id":1,"do":"list"}\\n')`;
    const ask = (uid: number) =>
      run("ip", [
        "netns",
        "exec",
        pair.server.name,
        "setpriv",
        `--reuid=${uid}`,
        `--regid=${uid}`,
        "--clear-groups",
        process.execPath,
        "-e",
        script,
        warden.socketPath,
      ]);
    expect((await ask(65_534)).status).toBe(0);
    expect((await ask(61_234)).status).toBe(3);
    await run("chmod", ["0666", warden.socketPath]);
    expect((await ask(61_234)).status).toBe(4);
    expect(warden.output()).toContain("61234");
    await warden.kill();
    await warden.restart();
    expect((await ask(65_534)).status).toBe(0);
  });
});

describe.skipIf(noUfw)("the ufw warden with the capabilities of its drop-in alone", () => {
  let machine: UfwMachine;
  beforeAll(async () => {
    machine = await makeUfwMachine(true, confined(["CAP_NET_RAW"], ["/run"]));
  });
  afterAll(() => machine?.close());

  test("denies, ends on time, reloads what the kernel lost, and flushes", async () => {
    const enforcer = ufwEnforcer(machine.warden.client);
    expect(await enforcer.sync([ban("45.9.20.31"), ban("45.9.20.32", 4)], signal())).toMatchObject({ added: 2, failed: [] });
    expect(await machine.ufw("show", "added")).toContain("45.9.20.31");
    await until("one ended on time", async () => !(await machine.ufw("show", "added")).includes("45.9.20.32"), 15_000);
    await machine.pair.server.run("iptables", ["-F", "ufw-user-input"]);
    expect(await enforcer.sync([ban("45.9.20.31")], signal())).toMatchObject({ failed: [] });
    expect(await machine.pair.server.run("iptables-save", [])).toContain("45.9.20.31");
    await enforcer.flush(signal());
    expect(await machine.ufw("show", "added")).not.toContain("haechi");
  }, 60_000);
});
