import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { stateStoreConformance } from "#contracts/conformance/state-store.ts";
import { covers, formatAddress, parseCidr, type Cidr } from "#core/ip.ts";
import { schemaVersion } from "./schema.ts";
import { sqliteState } from "./sqlite.ts";

const folders: string[] = [];
const place = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "haechi-state-"));
  folders.push(folder);
  return join(folder, "state.db");
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const row = (key: string, address: string, time = 1) => ({
  key,
  address,
  time,
  source: "a",
  line: 1,
  offset: 1,
  message: "m",
  action: "ssh_login",
  outcome: "failure",
  user: "",
  userAgent: "",
  status: 0,
  count: 1,
});

stateStoreConformance("sqlite in memory", async () => sqliteState(":memory:"));
stateStoreConformance("sqlite in a file", async () => sqliteState(place()));

describe("the file", () => {
  it("keeps what was committed over a restart", async () => {
    const path = place();
    const first = sqliteState(path);
    await first.commit({ cursors: new Map([["auth.log", "7"]]), evidence: [row("k", "45.9.20.31")] });
    await first.close();
    const second = sqliteState(path);
    expect((await second.cursors()).get("auth.log")).toBe("7");
    expect(await second.find({ target: "45.9.20.31", from: 0, to: 9, limit: 9 })).toHaveLength(1);
    await second.close();
    await expect(second.cursors()).rejects.toMatchObject({ code: "state-closed" });
  });

  it("has one writer; others read beside it", async () => {
    const path = place();
    const writer = sqliteState(path);
    expect(() => sqliteState(path)).toThrowError(expect.objectContaining({ code: "state-busy" }));
    const reader = sqliteState(path, { readOnly: true });
    await writer.commit({ counters: new Map([["lines", 1]]) });
    expect((await reader.counters()).get("lines")).toBe(1);
    await expect(reader.commit({ counters: new Map() })).rejects.toMatchObject({ code: "state-read-only" });
    await reader.close();
    await writer.close();
    await sqliteState(path).close();
  });

  it("says what is wrong and what to do", async () => {
    const missing = place();
    expect(() => sqliteState(missing, { readOnly: true })).toThrowError(expect.objectContaining({ code: "state-missing" }));
    const garbage = place();
    writeFileSync(garbage, "this is no database, however long it is ".repeat(200));
    expect(() => sqliteState(garbage)).toThrowError(/damaged.*\.bak/s);
    expect(readFileSync(garbage, "utf8")).toContain("this is no database");
    expect(() => sqliteState(join(garbage, "below"))).toThrowError(expect.objectContaining({ code: expect.stringMatching(/^state-/) as string }));
  });

  it("finds damage inside the file", async () => {
    const path = place();
    const store = sqliteState(path);
    await store.commit({ evidence: Array.from({ length: 500 }, (_, i) => row(`k${i}`, `45.9.20.${i % 250}`)) });
    await store.close();
    const size = statSync(path).size;
    const file = openSync(path, "r+");
    for (let at = 8_192; at < size; at += 4_096) writeSync(file, Buffer.alloc(600, 0xa5), 0, 600, at);
    closeSync(file);
    expect(() => sqliteState(path)).toThrowError(expect.objectContaining({ code: "state-corrupt" }));
    truncateSync(path, 5_000);
    expect(() => sqliteState(path)).toThrowError(expect.objectContaining({ code: "state-corrupt" }));
  });

  it("refuses a newer version, and updates an older one after a copy", async () => {
    const newer = place();
    const future = new DatabaseSync(newer);
    future.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
    future.close();
    expect(() => sqliteState(newer)).toThrowError(expect.objectContaining({ code: "state-newer" }));

    const path = place();
    const old = new DatabaseSync(path);
    old.exec(readFileSync(new URL("./samples/version-1.sql", import.meta.url), "utf8"));
    old.close();
    expect(() => sqliteState(path, { readOnly: true })).toThrowError(expect.objectContaining({ code: "state-older" }));
    const store = sqliteState(path);
    expect((await store.cursors()).get("/var/log/auth.log")).toBe("cursor-7");
    expect((await store.decisions({ active: true, at: 150, limit: 9 })).map(({ id }) => id)).toEqual(["d1234567"]);
    expect(await store.find({ target: "45.9.20.0/24", from: 0, to: 9_999, limit: 9 })).toHaveLength(1);
    await store.close();
    const copy = new DatabaseSync(`${path}.v1.bak`, { readOnly: true });
    expect(copy.prepare("PRAGMA user_version").get()).toEqual({ user_version: 1 });
    expect(copy.prepare("SELECT count(*) AS n FROM ledger").get()).toEqual({ n: 1 });
    copy.close();
    const ledger = new DatabaseSync(path);
    expect(() => ledger.exec("DELETE FROM ledger")).toThrowError(/append-only/);
    ledger.close();
  });

  it("copies itself whole", async () => {
    const path = place();
    const store = sqliteState(path);
    await store.commit({ counters: new Map([["lines", 5]]) });
    const copy = `${path}.copy`;
    await store.backup(copy);
    await store.close();
    expect(existsSync(`${copy}.unfinished`)).toBe(false);
    const other = sqliteState(copy);
    expect((await other.counters()).get("lines")).toBe(5);
    await other.close();
  });

  it("loses nothing committed and shows nothing half after SIGKILL", async () => {
    const path = place();
    for (const lines of [1, 40, 90]) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", crashing, path], { stdio: ["ignore", "pipe", "inherit"] });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        if (output.split("\n").length > lines) child.kill("SIGKILL");
      });
      await once(child, "close");
      const answered = Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1));
      expect(answered).toBeGreaterThan(0);
      const store = sqliteState(path);
      const step = Number((await store.cursors()).get("auth.log"));
      expect(step).toBeGreaterThanOrEqual(answered);
      expect((await store.counters()).get("steps")).toBe(step);
      expect(await store.find({ target: "45.9.0.0/16", from: 1, to: Infinity, limit: 99_999 })).toHaveLength(20 * step);
      await store.close();
    }
  });
});

/** A process that commits numbered steps for ever, prints each one that `commit` has answered, and goes on where the last one died. */
const crashing = `
import { sqliteState } from ${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)};
const store = sqliteState(process.argv[1]);
for (let step = 1 + Number((await store.cursors()).get("auth.log") ?? 0); ; step++) {
  const evidence = Array.from({ length: 20 }, (_, i) => ({
    key: step + ":" + i, address: "45.9." + (step % 200) + "." + i, time: step, source: "auth.log", line: i, offset: i, message: "x".repeat(200),
    action: "ssh_login", outcome: "failure", user: "root", userAgent: "", status: 0, count: 1,
  }));
  await store.commit({ cursors: new Map([["auth.log", String(step)]]), counters: new Map([["steps", step]]), evidence });
  console.log(step);
}`;

describe("the evidence journal", () => {
  it("is bounded in all and per address, and loses the oldest first", async () => {
    const store = sqliteState(":memory:", { evidenceRows: 1_000, evidenceRowsPerAddress: 64 });
    for (let batch = 0; batch < 20; batch++) {
      const flood = Array.from({ length: 100 }, (_, i) => row(`f${batch}:${i}`, "45.9.20.31", batch * 100 + i));
      const others = Array.from({ length: 50 }, (_, i) => row(`o${batch}:${i}`, `103.77.${batch}.${i}`, batch * 100 + i));
      await store.commit({ evidence: [...flood, ...others] });
    }
    const flood = await store.find({ target: "45.9.20.31", from: 0, to: Infinity, limit: 9_999 });
    expect(flood.length).toBeLessThanOrEqual(72);
    expect(flood[0]?.time).toBe(1_999);
    const all = await store.find({ target: "0.0.0.0/0", from: 0, to: Infinity, limit: 9_999 });
    expect(all.length).toBeLessThanOrEqual(1_000);
    expect(await store.find({ target: "103.77.0.0/24", from: 0, to: Infinity, limit: 9 })).toEqual([]);
    expect(await store.find({ target: "103.77.19.0/24", from: 0, to: Infinity, limit: 99 })).toHaveLength(50);
    await store.close();
  });

  it("answers for any network exactly the addresses in it", async () => {
    const store = sqliteState(":memory:");
    const four = fc.integer({ min: 0, max: 0xffffffff }).map((value) => formatAddress(4, BigInt(value)));
    const six = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => formatAddress(6, value));
    const network = fc.tuple(fc.oneof(four, six), fc.nat(128)).map(([address, bits]) => `${address}/${address.includes(":") ? bits : bits % 33}`);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(four, six), { maxLength: 20 }), network, async (addresses, target) => {
        run++;
        const time = run;
        await store.commit({ evidence: addresses.map((address, i) => row(`${run}:${i}`, address, time)) });
        const outer = parseCidr(target) as Cidr;
        const wanted = addresses.map((address) => parseCidr(address) as Cidr).filter((cidr) => covers(outer, cidr)).length;
        expect(await store.find({ target, from: time, to: time, limit: 99 })).toHaveLength(wanted);
      }),
      { numRuns: 60 },
    );
    await store.close();
  });
});
