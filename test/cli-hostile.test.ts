import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { randomNumbers } from "#app/demo-script.ts";
import { file, jsonLines, program, sample, stackTrace, unsafeCharacters, type Ran } from "./haechi.ts";
import { reportShape } from "./report-shape.ts";

const { home, run } = program();

/** The same bytes on every run: what a disk, a crash or a joker leaves in a log. */
function garbage(bytes: number): Buffer {
  const random = randomNumbers(7);
  return Buffer.from(Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)));
}

const guesses = (user: string): string =>
  Array.from(
    { length: 9 },
    (_, index) => `Nov 20 09:00:0${index} web1 sshd[77]: Failed password for invalid user ${user} from 45.9.20.31 port 4100${index} ssh2\n`,
  ).join("");

function calm({ out, err }: Ran): void {
  expect(err).not.toMatch(stackTrace);
  expect(out).not.toMatch(stackTrace);
  expect(out).not.toMatch(unsafeCharacters);
  expect(err.replaceAll(/\r/g, "")).not.toMatch(unsafeCharacters);
}

describe("logs that are none", () => {
  test.each([
    ["binary garbage", garbage(400_000)],
    ["one line of 5 MB", Buffer.alloc(5_000_000, "A")],
    ["NUL bytes", Buffer.alloc(200_000)],
    ["nothing", Buffer.alloc(0)],
    ["line feeds alone", Buffer.alloc(50_000, "\n")],
    ["UTF-16", Buffer.from(`\ufeff${guesses("root")}`, "utf16le")],
  ])("%s: read to the end, nobody accused", async (name, content) => {
    const path = file(home, "strange.log", content);
    const shown = await run(["scan", path]);
    expect(shown.code, name).toBe(0);
    expect(shown.out).toContain("no attacker found");
    calm(shown);
    const parsed = await run(["parse", path]);
    expect(parsed.code).toBe(0);
    calm(parsed);
    for (const { parser } of jsonLines(parsed.out)) expect(parser).toBeNull();
  });

  test("garbage between good lines takes nothing from them", async () => {
    const [first = "", ...rest] = guesses("root").split(/(?<=\n)/);
    const path = file(home, "mixed.log", Buffer.concat([Buffer.from(first), garbage(20_000), Buffer.from(`\n${rest.join("")}`)]));
    const { out, code } = await run(["scan", path, "--json"]);
    expect(code).toBe(1);
    expect(reportShape.parse(JSON.parse(out)).actors).toMatchObject([{ actor: "45.9.20.31", failures: 9 }]);
  });

  test("a last line without line feed counts", async () => {
    const path = file(home, "cut.log", guesses("root").trimEnd());
    expect(reportShape.parse(JSON.parse((await run(["scan", path, "--json"])).out)).files).toMatchObject([{ lines: 9, parsed: 9 }]);
  });
});

describe("what an attacker writes", () => {
  const user = "\u001b[31mroot\u001b]0;owned\u0007\u202e\u009b2J";

  test("reaches no terminal as control characters, and the address stays sshd's", async () => {
    const path = file(home, "hostile.log", guesses(user));
    const shown = await run(["scan", path]);
    expect(shown.code).toBe(1);
    calm(shown);
    expect(shown.out).toContain("\\x1b[31mroot");
    const explained = await run(["explain", guesses(user).split("\n")[0] as string]);
    expect(explained.code).toBe(0);
    calm(explained);
  });

  test("a user name that looks like a message accuses nobody else", async () => {
    const path = file(home, "crafted.log", guesses("root from 8.8.8.8 port 22 ssh2"));
    const { out } = await run(["scan", path, "--json"]);
    expect(reportShape.parse(JSON.parse(out)).actors.map(({ actor, kind }) => `${kind} ${actor}`)).toEqual(["ip 45.9.20.31"]);
  });

  test("neither do file names", async () => {
    const path = file(home, "evil\u001b[2J.log", guesses("root"));
    calm(await run(["scan", path]));
    calm(await run(["scan", join(home, "gone\u001b[2J.log")]));
    calm(await run(["parse", join(home, "gone\u001b[2J.log")]));
    calm(await run(["scann\u001b[2J"]));
    calm(await run(["scan", "--foo\u001b[2J"]));
    calm(await run(["ban", "45.9.20.31\u001b[2J"]));
  });
});

describe("files that cannot be read", () => {
  const fails = async (path: string, words: RegExp): Promise<void> => {
    for (const command of [
      ["scan", path],
      ["parse", path],
    ]) {
      const ran = await run(command);
      expect(ran.code, command.join(" ")).toBe(2);
      expect(ran.err).toMatch(/^haechi: /);
      expect(ran.err).toMatch(words);
      calm(ran);
    }
  };

  test("a missing one", () => fails(join(home, "missing.log"), /missing\.log \(ENOENT\)/));

  test("a directory", async () => {
    mkdirSync(join(home, "folder"));
    await fails(join(home, "folder"), /folder \(EISDIR\)/);
  });

  test("a truncated archive gives what lies before the damage, and says so", async () => {
    const cut = file(home, "cut.gz", gzipSync(readFileSync(sample("auth.log"))).subarray(0, 2_000));
    const whole = file(home, "whole.log", readFileSync(sample("auth.log")));
    const ran = await run(["scan", cut, whole, "--json"]);
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/cut\.gz is damaged or incomplete/);
    const { files } = JSON.parse(ran.out) as { files: { lines: number; error?: string }[] };
    expect(files[0]).toMatchObject({ error: expect.stringMatching(/damaged/) });
    expect(files[0]?.lines).toBeGreaterThan(0);
    expect(files[1]?.error).toBeUndefined();
  });

  test("no archive at all", () => fails(file(home, "no.gz", Buffer.from([0x1f, 0x8b, 1, 2, 3])), /no\.gz is damaged or incomplete/));

  test("a glob without files", async () => {
    const ran = await run(["scan", join(home, "none-*.log")]);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("no file matches");
  });

  test.skipIf(process.getuid?.() === 0)("one of somebody else (not as root, who may read all)", async () => {
    const path = file(home, "secret.log", guesses("root"));
    chmodSync(path, 0);
    await fails(path, /secret\.log \(EACCES\)/);
  });
});
