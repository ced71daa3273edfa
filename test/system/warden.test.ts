import { spawn } from "node:child_process";
import { chmod, chown, lstat, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Ban } from "#core/decision.ts";
import { wardenLimits } from "#core/warden-message.ts";
import { nftablesEnforcer } from "#enforcers/nftables/nftables.ts";
import { startWarden } from "#enforcers/warden-client.ts";
import { makeNamespacePair, type NamespacePair } from "./network-namespaces.ts";
import { cannotRun, run, until } from "./run-program.ts";
import { startTestWarden, type TestWarden } from "./start-warden.ts";

const why = cannotRun("warden", ["nft", "ip", "ss", "setpriv", "unshare"]);
const program = new URL("./warden-program.ts", import.meta.url).pathname;
const nobody = 65_534;
const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const ban = (target: string): Ban => ({ target, until: Date.now() + 60_000, decision: "d1", reason: "test" });

describe.skipIf(why)("the warden's socket", () => {
  let pair: NamespacePair;
  let warden: TestWarden;
  beforeAll(async () => {
    pair = await makeNamespacePair();
    warden = await startTestWarden(pair.server);
  });
  afterAll(async () => {
    await warden?.close();
    await pair?.close();
  });

  /** Sends bytes as they are; gives what comes back until the other side ends the connection or a line came. */
  const say = (bytes: string | Buffer, lines = 1): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(warden.socketPath);
      let heard = "";
      socket.setTimeout(10_000, () => socket.destroy(new Error("silence")));
      socket.on("error", (error) => (heard === "" ? reject(error) : resolve(heard)));
      socket.on("close", () => resolve(heard));
      socket.setEncoding("utf8").on("data", (chunk: string) => {
        heard += chunk;
        if (heard.split("\n").length > lines) socket.end();
      });
      socket.on("connect", () => socket.write(bytes));
    });
  /** The same as user `uid`, by a program in the warden's namespace: `ss` sees the sockets of its own only. */
  const sayAs = (uid: number, line: string): Promise<{ status: number; stdout: string }> => {
    const script = `const s=require("net").connect(process.argv[1]);let h="";s.on("error",(e)=>{console.log(e.code);process.exit(3)});s.on("close",()=>process.exit(h?0:4));s.on("data",(d)=>{h+=d;console.log(String(d));s.end()});s.write(process.argv[2]+"\\n")`;
    return run("ip", [
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
      line,
    ]);
  };

  test("belongs to the one user with mode 0600", async () => {
    const info = await lstat(warden.socketPath);
    expect(info.isSocket()).toBe(true);
    expect(info.mode & 0o777).toBe(0o600);
    expect(info.uid).toBe(nobody);
    expect((await stat(dirname(warden.socketPath))).uid).toBe(0);
  });

  test("serves that user and nobody else", async () => {
    const request = JSON.stringify({ id: 7, do: "list" });
    expect(JSON.parse((await sayAs(nobody, request)).stdout)).toEqual({ id: 7, ok: true, result: { bans: [] } });
    expect((await sayAs(61_234, request)).stdout.trim()).toBe("EACCES");
  });

  test("refuses a stranger even when the file's mode was opened by mistake", async () => {
    await chmod(warden.socketPath, 0o666);
    try {
      const { status, stdout } = await sayAs(61_234, JSON.stringify({ id: 7, do: "list" }));
      expect(stdout).not.toContain("bans");
      expect(status).not.toBe(0);
      await until("the refusal is told", () => warden.output().includes("61234"));
      expect(JSON.parse((await sayAs(nobody, JSON.stringify({ id: 8, do: "list" }))).stdout)).toMatchObject({ id: 8, ok: true });
    } finally {
      await chmod(warden.socketPath, 0o600);
    }
  });

  test.each([
    ["no JSON", "hello\n"],
    ["another request", '{"id":1,"do":"exec","command":"reboot"}\n'],
    ["further fields", '{"id":1,"do":"list","x":1}\n'],
    ["a wrong target", '{"id":1,"do":"block","only":true,"bans":[{"target":{},"until":1}]}\n'],
    ["an end that is no number", '{"id":1,"do":"block","only":true,"bans":[{"target":"45.9.20.31","until":"x"}]}\n'],
  ])("answers %s with an error and ends the connection", async (_, line) => {
    expect(JSON.parse(await say(line))).toMatchObject({ ok: false, fault: { code: "warden-message" } });
    expect(await warden.client.request({ do: "list" }, signal())).toEqual({ bans: [] });
  });

  test("ends a connection that sends an endless line", async () => {
    const heard = await say(Buffer.alloc(wardenLimits.line + 1_024, "x"));
    expect(heard).toContain("warden-message");
    expect(await warden.client.request({ do: "list" }, signal())).toEqual({ bans: [] });
  });

  test("answers several requests in one packet, and one in several", async () => {
    const heard = await say('{"id":1,"do":"list"}\n{"id":2,"do":"hits"}\n{"id":3,"do":"list"}\n', 3);
    expect(
      heard
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { id: number }).id),
    ).toEqual([1, 2, 3]);
  });

  test("does not start beside another one, in a folder others may write, or for a user that is not there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "haechi-warden-"));
    try {
      const tryStart = (socket: string, user: string) => run(process.execPath, [program, "--socket", socket, "--user", user], { timeout: 5_000 });
      expect(await tryStart(warden.socketPath, "nobody")).toMatchObject({ status: 2, stderr: expect.stringContaining("Another warden") as string });
      await chmod(folder, 0o777);
      expect(await tryStart(join(folder, "w.sock"), "nobody")).toMatchObject({ status: 2, stderr: expect.stringContaining("must belong to root") as string });
      await chmod(folder, 0o700);
      await mkdir(join(folder, "inner"));
      await chown(folder, nobody, nobody);
      expect(await tryStart(join(folder, "inner", "w.sock"), "nobody")).toMatchObject({ status: 2, stderr: expect.stringContaining(folder) as string });
      expect(await tryStart(warden.socketPath, "no-such-user")).toMatchObject({ status: 2, stderr: expect.stringContaining("no user") as string });
      expect(await tryStart(warden.socketPath, "$(reboot)")).toMatchObject({ status: 2 });
      expect(await run(process.execPath, [program, "--user", "nobody", "--backend", "iptables"])).toMatchObject({
        status: 2,
        stderr: expect.stringContaining("iptables") as string,
      });
      expect(await run("setpriv", ["--reuid=65534", process.execPath, program, "--socket", "/run/x/w.sock", "--user", "nobody"])).toMatchObject({
        status: 2,
        stderr: expect.stringContaining("root") as string,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("a guard that gave up root uses a warden it started, which ends with it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "haechi-warden-"));
    const socketPath = join(folder, "own", "warden.sock");
    await chmod(folder, 0o711);
    const lines: string[] = [];
    const command = ["ip", "netns", "exec", pair.server.name, process.execPath, program] as const;
    const started = await startWarden({ command, socketPath, user: "nobody", backend: "nftables", log: (line) => lines.push(line) }, signal());
    try {
      const info = await stat(dirname(socketPath));
      expect([info.uid, info.mode & 0o777]).toEqual([0, 0o710]);
      expect(lines.join("\n")).toContain(socketPath);
      expect(await nftablesEnforcer(started.client).sync([ban("45.9.21.31")], signal())).toMatchObject({ added: 1 });
      await nftablesEnforcer(started.client).flush(signal());
    } finally {
      await started.close();
    }
    expect(await started.exited).toBe(0);
    await expect(lstat(socketPath)).rejects.toThrow("ENOENT");
    // The guard dies without a word: the child sees the end of its standard input.
    const orphan = spawn(command[0], [...command.slice(1), "--socket", socketPath, "--user", "nobody", "--while-stdin"], { stdio: ["pipe", "ignore", "pipe"] });
    const ended = new Promise((resolve) => orphan.once("close", resolve));
    await new Promise((resolve) => orphan.stderr.once("data", resolve));
    orphan.stdin.destroy();
    expect(await ended).toBe(0);
    await rm(folder, { recursive: true, force: true });
  });

  test("says which program is missing or broken", async () => {
    const empty = await startTestWarden(pair.server, {
      prepare: "for name in /usr/sbin/nft /sbin/nft; do [ ! -e $name ] || { mount --bind /dev/null $name; break; }; done",
    });
    try {
      await expect(nftablesEnforcer(empty.client).sync([ban("45.9.21.31")], signal())).rejects.toMatchObject({ code: "command-missing" });
    } finally {
      await empty.close();
    }
  });
});
