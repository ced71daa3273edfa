import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { commands } from "#cli/commands.ts";
import { run as runHere } from "#cli/run.ts";
import { file, jsonLines, program, root, sample, stackTrace } from "./haechi.ts";

const { home, run } = program();
const sshLine = "Nov 20 09:00:01 web1 sshd[77]: Failed password for invalid user oracle from 45.9.20.31 port 41000 ssh2";

/** Runs in this process: for many short runs that touch nothing. */
async function here(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()] as unknown as [NodeJS.WriteStream, NodeJS.WriteStream];
  const code = await runHere(args, { env: { STATE_DIRECTORY: home, LANG: "C" }, stdout, stderr, signal: new AbortController().signal });
  return { code, out: String(stdout.read() ?? ""), err: String(stderr.read() ?? "") };
}

describe("haechi parse", () => {
  const lineShape = z.union([
    z.strictObject({ line: z.number().int().min(1), parser: z.string(), event: z.looseObject({ "@timestamp": z.iso.datetime() }) }),
    z.strictObject({ line: z.number().int().min(1), parser: z.null(), event: z.null() }),
  ]);

  test("prints one object a line, null where nothing matched", async () => {
    const path = file(home, "some.log", `${sshLine}\nnothing that anybody knows\n\n${sshLine}\n`);
    const { out, code } = await run(["parse", path, "--year", "2024", "--timezone", "Asia/Seoul"]);
    const lines = z.array(lineShape).parse(jsonLines(out));
    expect(code).toBe(0);
    expect(lines.map(({ line, parser }) => [line, parser])).toEqual([
      [1, "sshd"],
      [2, null],
      [3, null],
      [4, "sshd"],
    ]);
    expect(lines[0]?.event).toMatchObject({
      "@timestamp": "2024-11-20T00:00:01.000Z",
      "event.action": "ssh_login",
      "source.ip": "45.9.20.31",
      "user.name": "oracle",
    });
  });

  test("understands every line of the samples", async () => {
    for (const name of ["auth.log", "access.log", "quiet/auth.log", "quiet/access.log"]) {
      const { out } = await run(["parse", sample(name)]);
      expect(
        jsonLines(out).filter(({ parser }) => parser === null),
        name,
      ).toEqual([]);
    }
  });

  test("reads a configured source as the guard would", async () => {
    const path = file(home, "events.json", '{"ts":"2026-11-20T09:00:00Z","client":"45.9.20.31","who":"kim","msg":"hello"}\n');
    const config = file(home, "fields.yaml", `sources:\n  - file: ${path}\n    fields: { source.ip: client, user.name: who }\n`);
    expect(jsonLines((await run(["parse", path, "--config", config])).out)).toMatchObject([
      { parser: "json-lines", event: { "source.ip": "45.9.20.31", "user.name": "kim" } },
    ]);
  });

  test("takes a format string and standard input", async () => {
    const { out } = await run(["parse", "-", "--format", '$remote_addr | $time_iso8601 | "$request" | $status'], {
      input: '45.9.20.31 | 2026-11-20T09:00:00+09:00 | "GET /.env HTTP/1.1" | 404\n',
    });
    expect(jsonLines(out)).toMatchObject([
      { line: 1, event: { "@timestamp": "2026-11-20T00:00:00.000Z", "source.ip": "45.9.20.31", "url.path": "/.env", "http.response.status_code": 404 } },
    ]);
  });
});

describe("haechi explain", () => {
  test("shows parser, event and each rule that matches, with reasons", async () => {
    const line = '45.9.20.31 - - [20/Nov/2026:09:00:00 +0000] "GET /.env HTTP/1.1" 404 153 "-" "curl/8.5.0"';
    const shown = await run(["explain", line]);
    expect(shown.code).toBe(0);
    for (const part of ["Parser: access-log", "url.path", "web-sensitive-file"]) expect(shown.out).toContain(part);
    const reason = z.object({ selection: z.string(), field: z.string(), value: z.string(), pattern: z.string() });
    const match = z.object({ rule: z.string(), title: z.string(), level: z.string(), why: z.array(reason).min(1), counts: z.array(z.string()) });
    const shape = z.object({ parser: z.string(), event: z.record(z.string(), z.unknown()), matches: z.array(match) });
    const { matches } = shape.parse(JSON.parse((await run(["explain", line, "--json"])).out));
    expect(matches.find(({ rule }) => rule === "web-sensitive-file")).toMatchObject({ level: "medium", counts: ["web-sensitive-probing"] });
  });

  test("a line nobody understands is exit code 1 with a next step", async () => {
    const { code, out } = await run(["explain", "hello there"]);
    expect(code).toBe(1);
    expect(out).toContain("No parser understands this line");
  });
});

describe("haechi rules", () => {
  const checkShape = z.strictObject({
    path: z.string(),
    id: z.string().nullable(),
    title: z.string().nullable(),
    ok: z.boolean(),
    error: z.strictObject({ field: z.string(), reason: z.string() }).optional(),
  });

  test("check: a line a rule; exit code 1 when one is refused", async () => {
    const good = await run(["rules", "check", join(root, "rules"), "--json"]);
    expect(good.code).toBe(0);
    expect(z.array(checkShape).parse(jsonLines(good.out)).length).toBeGreaterThan(50);
    const bad = file(
      home,
      "bad.yml",
      "title: Bad\nid: 3a3f1a52-9d4e-4b0d-9f70-6f3f0b5f7a11\nlogsource:\n  product: linux\ndetection:\n  selection:\n    a: b\n  condition: selektion\n",
    );
    const refused = await run(["rules", "check", bad, "--json"]);
    expect(refused.code).toBe(1);
    expect(z.array(checkShape).parse(jsonLines(refused.out))).toMatchObject([
      { path: bad, title: "Bad", ok: false, error: { reason: expect.stringContaining("selektion") as string } },
    ]);
    expect((await run(["rules", "check", bad])).out).toMatch(/✗ .*bad\.yml/);
  });

  test("test: a line an event with the ids that match", async () => {
    const id = "0d6f8c7e-8f0d-4c3b-a2f5-0a8f4dbb8f10";
    file(home, "mine.yml", `title: Mine\nid: ${id}\nlogsource:\n  category: anything\ndetection:\n  selection:\n    user: admin*\n  condition: selection\n`);
    const events = file(home, "events.ndjson", '{"user":"administrator"}\n{"user":"bob"}\n');
    const { out, code } = await run(["rules", "test", "--rules", join(home, "mine.yml"), "--rules", join(root, "rules/ssh"), "--events", events, "--json"]);
    expect(code).toBe(0);
    expect(jsonLines(out)).toEqual([
      { event: 1, matches: [id] },
      { event: 2, matches: [] },
    ]);
  });

  test("list: what is in force, less what is disabled", async () => {
    const list = jsonLines<{ name: string | null; id: string | null; level: string | null }>((await run(["rules", "list", "--json"])).out);
    const names = list.map(({ name }) => name);
    expect(names).toContain("ssh-brute-force");
    const config = file(home, "rules.yaml", "rules:\n  disable: [ssh-brute-force]\n  levels: { web-scanner: high }\n");
    const less = jsonLines<{ name: string | null; level: string | null }>((await run(["rules", "list", "--json", "--config", config])).out);
    expect(less.map(({ name }) => name)).not.toContain("ssh-brute-force");
    expect(less.find(({ name }) => name === "web-scanner")?.level).toBe("high");
  });
});

describe("haechi config", () => {
  test("check tells every fault at once, with line and what was meant", async () => {
    const path = file(
      home,
      "faulty.yaml",
      "mode: aks\ntimezon: Asia/Seoul\nallow: [300.1.2.3]\nbans:\n  times: [soon]\nsources:\n  - fiel: /var/log/auth.log\nenforcers:\n  - webhook: { url: ftp://x, secret: '${NOT_SET}' }\n",
    );
    const { code, out } = await run(["config", "check", path, "--json"]);
    expect(code).toBe(1);
    const { ok, faults } = z
      .strictObject({
        path: z.string(),
        ok: z.boolean(),
        faults: z.array(z.strictObject({ line: z.number(), column: z.number(), field: z.string(), message: z.string() })),
      })
      .parse(JSON.parse(out));
    expect(ok).toBe(false);
    const at = (line: number): string =>
      faults
        .filter((fault) => fault.line === line)
        .map(({ message }) => message)
        .join("\n");
    expect(at(1)).toContain("did you mean “ask”");
    expect(at(2)).toContain("did you mean “timezone”");
    expect(at(3)).toContain("300.1.2.3");
    expect(at(5)).toContain("soon");
    expect(at(7)).toContain("did you mean “file”");
    expect(at(9)).toContain("NOT_SET");
    const shown = await run(["config", "check", path, "--lang", "ko"]);
    expect(shown.code).toBe(1);
    expect(shown.err).toMatch(/faulty\.yaml:1:\d+ .*[가-힣]/);
  });

  test("show never prints a secret", async () => {
    file(home, "secret.txt", "verysecret\n");
    const path = file(
      home,
      "secrets.yaml",
      "enforcers:\n  - webhook: { url: 'http://127.0.0.1:9/x', secret: '${HOOK_SECRET}' }\n  - crowdsec: { machine: haechi, password: 'file:secret.txt' }\n",
    );
    const { out, code } = await run(["config", "show", "--config", path], { env: { HOOK_SECRET: "hooksecret" } });
    expect(code).toBe(0);
    expect(out).toContain("[secret]");
    expect(out).not.toMatch(/hooksecret|verysecret/);
  });

  test("the file that init writes has no fault and changes nothing", async () => {
    for (const language of ["en", "ko"]) {
      const directory = join(home, `init-${language}`);
      expect((await run(["init", "--directory", directory, "--lang", language])).code).toBe(0);
      expect((await run(["init", "--directory", directory])).code).toBe(1);
      const config = join(directory, "haechi.yaml");
      expect((await run(["config", "check", config])).code).toBe(0);
      const written = JSON.parse((await run(["config", "show", "--json", "--config", config])).out) as { config: unknown };
      const nothing = JSON.parse((await run(["config", "show", "--json"])).out) as { config: unknown };
      expect(written.config).toEqual(nothing.config);
    }
  });
});

describe("words that are no command", () => {
  test.each([
    ["scann x", "did you mean “scan”"],
    ["statsu", "did you mean “status”"],
    ["config chek", "did you mean “config check”"],
    ["help scna", "did you mean “scan”"],
    ["qqqqqqqq", "Next: haechi help"],
    ["rules", "rules check"],
    ["scan --jsn x", "did you mean --json"],
    ["scan --emt nft x", "did you mean --emit"],
    ["scan --limit", "--limit needs a value"],
    ["scan --json=1 x", "--json takes no value"],
    ["scan --lang fr x", "expected one of: en, ko"],
    ["scan", "Usage: haechi scan FILE…"],
    ["explain a b", "too many arguments"],
    ["scan --emit nfft x", "expected one of: nft, ufw"],
    ["scan --since yesterday x", "24h (before now)"],
    ["scan --threads 0 x", "a whole number from 1"],
    ["scan --timezone Mars x", "Asia/Seoul or UTC"],
    ["status --config nowhere.yaml", "no such configuration file"],
  ])("%s", async (line, words) => {
    const { code, out, err } = await here(line.split(" "));
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^haechi: /);
    expect(err).toContain(words);
    expect(err).not.toMatch(stackTrace);
  });
});

describe("help", () => {
  test.each(Object.keys(commands))("haechi %s --help in both languages, every option told", async (name) => {
    const command = await commands[name]?.();
    for (const language of ["en", "ko"]) {
      const { code, out, err } = await here([...name.split(" "), "--help", "--lang", language]);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toContain(`haechi ${name}`);
      for (const option of [...Object.keys(command?.options ?? {}), "json", "lang", "config", "help"])
        expect(out).toMatch(new RegExp(`--${option}(?: VALUE)? +\\S`));
      if (language === "ko") expect(out.split("\n").filter((line) => /--\w/.test(line) && !/[가-힣]/.test(line) && !line.includes("haechi "))).toEqual([]);
      expect((await here(["help", ...name.split(" "), "--lang", language])).out).toBe(out);
    }
  });

  test("the overview names every command", async () => {
    const { out, code } = await run([]);
    expect(code).toBe(0);
    for (const name of Object.keys(commands)) expect(out).toContain(name);
    expect((await run(["--version"])).out).toMatch(/^haechi \d+\.\d+\.\d+\n$/);
  });
});
