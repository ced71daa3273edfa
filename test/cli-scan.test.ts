import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { scoreOf } from "#core/signal.ts";
import { file, program, root, sample, unsafeCharacters } from "./haechi.ts";
import { reportShape, timeless, type Report } from "./report-shape.ts";

const { home, run } = program();
const sshLog = sample("auth.log");
const logs = [sshLog, sample("access.log")];

async function report(args: readonly string[], input?: Buffer): Promise<Report> {
  const { out, err, code } = await run(["scan", "--json", ...args], input ? { input } : {});
  expect(err).toBe("");
  const parsed = reportShape.parse(JSON.parse(out));
  expect(code).toBe(parsed.actors.some(({ proposal, level }) => proposal !== null || level === "danger") ? 1 : 0);
  return parsed;
}

/** What was found, whatever the file is called. */
const found = ({ actors, cohorts, level, from, to }: Report) => ({ actors, cohorts, level, from, to });

let whole: Report;
beforeAll(async () => {
  whole = await report(logs);
});

describe("haechi scan", () => {
  test("finds the sample's attackers, says why and names the lines", async () => {
    const actors = new Map(whole.actors.map((actor) => [actor.actor, actor]));
    for (const address of ["45.9.20.31", "185.220.101.4", "2a03:4000:6:d06::1", "121.12.90.7", "103.77.4.9", "178.128.44.90", "81.68.203.14"]) {
      expect(actors.get(address)?.level, address).toBe("danger");
      expect(actors.get(address)?.proposal?.allowed, address).toBe(true);
    }
    expect(actors.get("2a03:4000:6:d06::1")?.proposal?.target).toBe("2a03:4000:6:d06::/64");
    expect(actors.get("121.12.90.7")?.signals.map(({ rule }) => rule)).toContain("ssh-success-after-failures");
    expect(whole.cohorts.map(({ by }) => by["url.path"])).toContain("/account/login");
    expect(whole.level).toBe("danger");
  });

  test("every score is the sum of its contributions", () => {
    for (const signal of [...whole.actors.flatMap(({ signals }) => signals), ...whole.cohorts]) expect(scoreOf(signal.why)).toBeCloseTo(signal.score, 9);
  });

  test("every evidence line stands where the report says, and is the actor's", () => {
    const texts = logs.map((path) => readFileSync(path, "utf8").split("\n"));
    let checked = 0;
    for (const { actor, kind, evidence } of whole.actors) {
      for (const { file: index, line, message } of evidence) {
        expect(texts[index]?.[line - 1]).toBe(message);
        if (kind === "ip") expect(message).toContain(actor);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(200);
  });

  test("counts lines and bytes, and gives the span of the events", () => {
    for (const [index, path] of logs.entries()) {
      const content = readFileSync(path);
      const counted = whole.files[index];
      expect(counted).toMatchObject({ path, bytes: content.length, lines: content.toString().split("\n").length - 1 });
      expect((counted?.parsed ?? 0) + (counted?.unparsed ?? 0)).toBe(counted?.lines);
    }
    for (const { signals } of whole.actors) {
      for (const { first, last } of signals) expect(first <= last && first >= (whole.from ?? "") && last <= (whole.to ?? "")).toBe(true);
    }
  });

  test("an ordinary day is exit code 0 and says so", async () => {
    const quiet = await report([sample("quiet/auth.log"), sample("quiet/access.log")]);
    expect(quiet).toMatchObject({ level: "normal", actors: [], cohorts: [] });
    const { out, code } = await run(["scan", sample("quiet/auth.log")]);
    expect(code).toBe(0);
    expect(out).toContain("no attacker found");
  });

  test("gzip, Zstandard, standard input and globs give what the plain file gives", async () => {
    const plain = await report([sshLog]);
    const content = readFileSync(sshLog);
    const gz = file(home, "auth.log.1.gz", gzipSync(content));
    const zst = file(home, "auth.log.2.zst", zstdCompressSync(content));
    const copy = file(home, "plain-auth.log", content);
    for (const args of [[gz], [zst], [copy], [join(home, "plain-*.log")]]) expect(found(await report(args)), args[0]).toEqual(found(plain));
    // Standard input cannot be read a second time: the guard counts the lines that its signals kept, not all of them.
    const without = (one: Report) => ({
      ...found(one),
      actors: one.actors.map(({ proposal, ...actor }) => ({ ...actor, target: proposal?.target, allowed: proposal?.allowed })),
    });
    for (const input of [content, gzipSync(content)]) expect(without(await report(["-"], input))).toEqual(without(plain));
  });

  test("any number of threads gives the same report", async () => {
    expect(timeless(await report([...logs, "--threads", "2"]))).toEqual(timeless(whole));
    expect(found(await report([sshLog, "--threads", "4"]))).toEqual(found(await report([sshLog])));
  });

  test("the order of files does not matter to what is found", async () => {
    const turned = await report(logs.toReversed());
    const ids = (one: Report): string[] => one.actors.flatMap(({ actor, signals }) => signals.map(({ id }) => `${actor} ${id}`)).toSorted();
    expect(ids(turned)).toEqual(ids(whole));
  });

  test("--since and --until bound what is looked at", async () => {
    const morning = await report([...logs, "--until", "2026-11-20T03:00:00Z"]);
    expect(Date.parse(morning.to ?? "")).toBeLessThan(Date.UTC(2026, 10, 20, 3));
    expect(morning.actors.map(({ actor }) => actor)).toContain("45.9.20.31");
    expect(morning.actors.map(({ actor }) => actor)).not.toContain("103.77.4.9");
    const evening = await report([...logs, "--since", "2026-11-20T19:00:00Z"]);
    expect(evening.actors.map(({ actor }) => actor)).not.toContain("45.9.20.31");
    expect(evening.cohorts).not.toHaveLength(0);
    const none = await report([...logs, "--since", "2030-01-01"]);
    expect(none).toMatchObject({ from: null, to: null, level: "normal", actors: [] });
  });

  test("--timezone and --year place stamps that carry neither", async () => {
    const lines = Array.from(
      { length: 8 },
      (_, index) => `Mar  1 09:00:0${index} web1 sshd[77]: Failed password for root from 45.9.20.31 port 4100${index} ssh2\n`,
    ).join("");
    const path = file(home, "old.log", lines);
    expect((await report([path, "--timezone", "Asia/Seoul", "--year", "2019"])).from).toBe("2019-03-01T00:00:00.000Z");
    expect((await report([path, "--timezone", "UTC", "--year", "2020"])).to).toBe("2020-03-01T09:00:07.000Z");
  });

  test("--allow and --rules are respected", async () => {
    const allowed = await report([...logs, "--allow", "45.9.20.0/24"]);
    const proposal = allowed.actors.find(({ actor }) => actor === "45.9.20.31")?.proposal;
    expect(proposal?.allowed).toBe(false);
    expect(proposal?.checks.find(({ ok }) => !ok)?.check).toBe("allowed");
    const rule = file(
      home,
      "mine.yml",
      "title: Jiho reloads nginx\nid: 8f0c2f6e-44a5-4be3-9c7e-2b1f7d1c9a01\nlogsource:\n  product: linux\n  service: sudo\ndetection:\n  selection:\n    event.action: sudo_command\n    process.command_line|contains: reload nginx\n  condition: selection\nlevel: low\n",
    );
    const more = await report([...logs, "--rules", rule]);
    expect(more.actors.flatMap(({ signals }) => signals.map(({ title }) => title))).toContain("Jiho reloads nginx");
  });
});

describe("haechi scan for people", () => {
  test("is plain text off a terminal, and says who, why and what would be done", async () => {
    const { out, code } = await run(["scan", sshLog]);
    expect(code).toBe(1);
    expect(out).not.toMatch(unsafeCharacters);
    for (const part of ["Level: danger", "45.9.20.31", "SSH brute force", "would block 45.9.20.31 for 4 h", "auth.log:", "score +", "Next: haechi up"])
      expect(out).toContain(part);
  });

  test("--limit shortens and says how much is hidden", async () => {
    const { out } = await run(["scan", sshLog, "--limit", "1"]);
    expect(out).toMatch(/\d+ more are not shown; --limit N shows more/);
  });

  test("speaks Korean", async () => {
    const { out } = await run(["scan", sshLog, "--lang", "ko"]);
    expect(out).toMatch(/위험/);
    expect(out).not.toMatch(/would block|Level:|suspicious/);
    expect((await run(["scan", sample("quiet/auth.log")], { env: { LANG: "ko_KR.UTF-8" } })).out).toMatch(/정상/);
  });
});

describe("haechi scan --emit", () => {
  let alone: Report;
  beforeAll(async () => {
    alone = await report([sshLog]);
  });
  const targets = (): string[] => [...new Set(alone.actors.flatMap(({ proposal }) => (proposal?.allowed ? [proposal.target] : [])))];

  test.each([
    ["plain", /^[0-9a-f.:/]+$/],
    ["ufw", /^ufw prepend deny from [0-9a-f.:/]+ comment 'haechi'$/],
    ["iptables", /^ip6?tables -I INPUT -s [0-9a-f.:/]+ -j DROP -m comment --comment haechi$/],
    ["crowdsec", /^cscli decisions add --(?:ip|range) [0-9a-f.:/]+ --duration \d+h --reason haechi$/],
  ])("%s: a line for each target", async (format, line) => {
    const { out, code } = await run(["scan", sshLog, "--emit", format]);
    const lines = out.trimEnd().split("\n");
    expect(code).toBe(1);
    expect(lines).toHaveLength(targets().length);
    for (const text of lines) expect(text).toMatch(line);
    for (const target of targets()) expect(out).toContain(target);
  });

  test("nft: what nft itself accepts", async () => {
    const { out } = await run(["scan", sshLog, "--emit", "nft"]);
    for (const target of targets()) expect(out).toContain(`${target} timeout 4h`);
    if (process.getuid?.() !== 0 || spawnSync("nft", ["--version"]).error) {
      expect(out).toMatch(/^table inet haechi-scan \{\n {2}set scan4/);
      return;
    }
    execFileSync("nft", ["-c", "-f", "-"], { input: out });
  });

  test("nothing found is an empty list that still loads", async () => {
    const { out, code } = await run(["scan", sample("quiet/auth.log"), "--emit", "plain"]);
    expect({ out, code }).toEqual({ out: "", code: 0 });
  });
});

test("the launcher runs the same program", () => {
  const { status, stdout } = spawnSync(process.execPath, [join(root, "bin/haechi"), "scan", sample("quiet/auth.log")], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: home, STATE_DIRECTORY: home },
  });
  expect({ status, normal: stdout.includes("no attacker found") }).toEqual({ status: 0, normal: true });
});
