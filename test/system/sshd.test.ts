import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Ban } from "#core/decision.ts";
import { nftablesEnforcer } from "#enforcers/nftables/nftables.ts";
import { makeNamespacePair, type NamespacePair } from "./network-namespaces.ts";
import { cannotRun } from "./run-program.ts";
import { guessPasswords, startSshd, trySignIn, type Sshd } from "./sshd-in-namespace.ts";
import { startTestWarden } from "./start-warden.ts";

const why = cannotRun("sshd", ["sshd", "ssh", "sshpass", "ip", "unshare", "openssl", "ssh-keygen"]);

describe.skipIf(why)("a real sshd in a namespace", () => {
  let pair: NamespacePair;
  let sshd: Sshd;
  beforeAll(async () => {
    pair = await makeNamespacePair();
    await pair.addClientAddresses(["45.9.20.32"]);
    sshd = await startSshd(pair.server, { users: { haetae: "right-password" } });
  });
  afterAll(async () => {
    await sshd?.close();
    await pair?.close();
  });
  const wrong = ["123456", "password", "qwerty", "letmein", "admin"];

  test("writes one line for each wrong password, with the client's address", async () => {
    expect(await guessPasswords(pair.client, pair.server.address4, wrong, { user: "haetae" })).toEqual(wrong.map(() => "refused"));
    expect(
      (await sshd.log()).match(/^\w{3} [ \d]\d \d\d:\d\d:\d\d test-host sshd\[\d+\]: Failed password for haetae from 45\.9\.20\.31 port \d+ ssh2$/gm),
    ).toHaveLength(5);
  });

  test("lets the right password in and names unknown users, over IPv6 too", async () => {
    expect(await trySignIn(pair.client, pair.server.address4, { user: "haetae", password: "right-password", from: "45.9.20.32" })).toBe("accepted");
    expect(await trySignIn(pair.client, pair.server.address6, { user: "nobody-here", password: "x" })).toBe("refused");
    const log = await sshd.log();
    expect(log).toMatch(/Accepted password for haetae from 45\.9\.20\.32 port/);
    expect(log).toMatch(/Failed password for invalid user nobody-here from 2a03:4000:6:d06::31 port/);
  });

  test("is out of reach for a banned address", async () => {
    const warden = await startTestWarden(pair.server);
    try {
      const ban: Ban = { target: "45.9.20.31", until: Date.now() + 60_000, decision: "d1", reason: "ssh" };
      await nftablesEnforcer(warden.client).sync([ban], AbortSignal.timeout(10_000));
      expect(await trySignIn(pair.client, pair.server.address4, { user: "haetae", password: "right-password", timeout: 1 })).toBe("unreachable");
      expect(await trySignIn(pair.client, pair.server.address4, { user: "haetae", password: "right-password", from: "45.9.20.32" })).toBe("accepted");
    } finally {
      await warden.close();
    }
  });
});
