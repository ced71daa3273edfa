import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventToJson, type LogEvent } from "#core/event.ts";
import { dovecot } from "./dovecot/dovecot.ts";
import { login } from "./login/login.ts";
import { netfilter } from "./netfilter/netfilter.ts";
import { pam } from "./pam/pam.ts";
import { postfix } from "./postfix/postfix.ts";
import { sshd } from "./sshd/sshd.ts";
import { su } from "./su/su.ts";
import { sudo } from "./sudo/sudo.ts";
import { syslogPlugin } from "./syslog/syslog.ts";
import { vsftpd, vsftpdLog } from "./vsftpd/vsftpd.ts";

const programs = [sshd, sudo, su, login, vsftpd, dovecot, postfix, netfilter, pam];
const context = { timeZone: "UTC", year: 2025, trustedProxies: [] };
const syslog = syslogPlugin(programs);
const parser = syslog.build(context);
const ftp = vsftpdLog.build(context);
const record = (text: string) => ({ source: "s", text, line: 1, offset: 0, writtenBy: Date.UTC(2025, 5, 1) });
const parse = (text: string): LogEvent | undefined => parser.parse(record(text));

interface Sample {
  readonly file: string;
  readonly line: string;
  readonly expected: { readonly parser: string; readonly event: Record<string, unknown> } | null;
}

/** `NAME.log` and, line by line, `NAME.expected.ndjson`: null where no parser of a program may understand the line. */
function samples(folder: string): Sample[] {
  const path = new URL(`./${folder}/samples/`, import.meta.url);
  return readdirSync(path)
    .filter((name) => name.endsWith(".log"))
    .flatMap((name) => {
      const lines = readFileSync(new URL(name, path), "utf8").split("\n").slice(0, -1);
      const expected = readFileSync(new URL(name.replace(/\.log$/, ".expected.ndjson"), path), "utf8")
        .split("\n")
        .slice(0, -1);
      expect(expected, name).toHaveLength(lines.length);
      return lines.map((line, i) => ({ file: `${folder}/${name}:${i + 1}`, line, expected: JSON.parse(expected[i] as string) as Sample["expected"] }));
    });
}

const folders = ["sshd", "sudo", "su", "login", "pam", "vsftpd", "dovecot", "postfix", "netfilter", "syslog"];
const all = folders.flatMap((folder) => samples(folder).map((sample) => ({ ...sample, folder })));
/** The envelope's fields, which the samples of a program leave out. */
const envelopeFields = ["@timestamp", "host.name", "process.name", "process.pid", "event.dataset", "message"];

describe.each(folders)("%s", (folder) => {
  test.each(all.filter((sample) => sample.folder === folder))("$file", ({ file, line, expected }) => {
    const own = file.includes("/own-");
    const event = (own ? ftp : parser).parse(record(line));
    if (expected === null) {
      expect(event?.["event.module"] ?? "syslog").toBe("syslog");
      if (folder === "syslog") expect(event).toBeUndefined();
      return;
    }
    const { "event.module": name, ...rest } = eventToJson(event as LogEvent);
    for (const field of own || folder === "syslog" ? ["host.name", "process.pid"] : envelopeFields) delete rest[field];
    expect({ parser: name, event: rest }).toEqual(expected);
  });
});

test("the envelope of a program's line is kept", () => {
  expect(eventToJson(parse("2025-03-02T10:11:12.123456+09:00 web01 sshd-session[4242]: Invalid user a from 45.9.20.31 port 1") as LogEvent)).toMatchObject({
    "@timestamp": "2025-03-02T01:11:12.123Z",
    "host.name": "web01",
    "process.name": "sshd",
    "process.pid": 4242,
    "event.dataset": "syslog.auth",
    message: "Invalid user a from 45.9.20.31 port 1",
  });
});

test("only syslog is recognized as syslog, only vsftpd's file as that", () => {
  for (const { file, line, expected } of all) {
    if (file.includes("/own-")) {
      expect(vsftpdLog.recognizes(line), line).toBe(expected !== null);
      expect(syslog.recognizes(line), line).toBe(false);
    } else expect(vsftpdLog.recognizes(line), line).toBe(false);
  }
  expect(all.filter(({ folder, line }) => folder === "sshd" && !syslog.recognizes(line))).toEqual([]);
  for (const line of [
    "2025-03-02T10:11:12Z INFO started",
    "2025-03-02 10:11:12,123 ERROR [main] x",
    '{"time":"x"}',
    "2025/03/02 10:11:12 [error] 1#1: x",
    "[Sun Mar 02 10:11:12 2025] [error] x",
    "",
  ])
    expect(syslog.recognizes(line), line).toBe(false);
});

describe("hostile lines", () => {
  const tokens = fc.constantFrom(
    " from ",
    " port ",
    "45.9.20.31",
    " ssh2",
    ": ",
    "[preauth]",
    " for ",
    "invalid user ",
    "rhost=",
    " user=",
    "ruser=",
    ">, method=",
    " rip=",
    '"',
    "]",
    "[",
    "\\",
    "\u0000",
    "유",
  );
  const noise = fc.array(fc.oneof(tokens, fc.string({ unit: "binary", maxLength: 12 })), { maxLength: 20 }).map((parts) => parts.join(""));
  const lines = fc.constantFrom(...all.map(({ line }) => line));

  test("nothing throws, and the same line gives the same event", () => {
    fc.assert(
      fc.property(fc.oneof(noise, lines, fc.string({ unit: "binary" })), fc.nat(), fc.nat(), noise, (line, from, length, put) => {
        const at = line.length === 0 ? 0 : from % line.length;
        const text = line.slice(0, at) + put + line.slice(at + (length % 12));
        expect(ftp.parse(record(text))).toEqual(ftp.parse(record(text)));
        const event = parse(text);
        expect(parse(text)).toEqual(event);
        syslog.recognizes(text);
        vsftpdLog.recognizes(text);
      }),
      { numRuns: 3_000 },
    );
  });

  test("time grows with the length of a line, no faster", () => {
    const heads = [
      ...new Set(all.map(({ line }) => line.slice(0, 24 + (line.indexOf(": ") > 0 ? line.indexOf(": ") : 0)))),
      "",
      "<38>1 2025-03-02T10:11:12Z web01 sshd 1 - [",
    ];
    const bodies = [
      " ",
      " from ",
      " from 1.2.3.4 port 5 ",
      " port 5: ",
      ": Connection from user x 1.2.3.4 port 5: no matching ",
      " ssh2: ",
      " from 1.2.3.4 port 5 ssh2: a b c",
      "\\",
      '"',
      "]",
      "1",
      ": ",
      " rhost=1.2.3.4 user=",
      ", rip=1.2.3.4",
      "): ",
      " : ",
      " ; USER=",
      'Client "',
      "a",
    ];
    const took = (text: string): number => {
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 5 && best > 0.05; round++) {
        const start = performance.now();
        parse(text);
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };
    for (const head of heads) {
      for (const body of bodies) {
        const text = head + body.repeat(100_000 / body.length);
        const time = took(text);
        // 100 kB in a few milliseconds is linear; quadratic would take a second. Doubling settles the doubtful.
        if (time > 4) expect(took(text + text.slice(head.length)), `${head}${body}`).toBeLessThan(Math.max(40, time * 4));
      }
    }
  }, 60_000);

  const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !/^(?:192\.0\.2|198\.51\.100|203\.0\.113)\./.test(text));
  const name = fc
    .oneof(
      noise,
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.constantFrom("x from 6.6.6.6 port 22 ssh2", " 6.6.6.6 port 5 [preauth]", "a from 6.6.6.6", "root 6.6.6.6 port 1: Too many authentication failures"),
    )
    .map((text) => text.replaceAll(/[\r\n]/g, ""));
  const port = fc.integer({ min: 1, max: 65_535 });
  const forms: readonly ((name: string, address: string, port: number) => string)[] = [
    (name, address, port) => `Failed password for invalid user ${name} from ${address} port ${port} ssh2`,
    (name, address, port) => `Failed password for ${name} from ${address} port ${port} ssh2`,
    (name, address, port) =>
      `Failed publickey for invalid user ${name} from ${address} port ${port} ssh2: RSA SHA256:3Vb0kq9hYxJm2sYkq0WJk7uE1x5cZpQmT4nDq8rLwXo`,
    (name, address, port) => `Accepted password for ${name} from ${address} port ${port} ssh2`,
    (name, address, port) => `Invalid user ${name} from ${address} port ${port}`,
    (name, address) => `Invalid user ${name} from ${address}`,
    (name, address, port) => `Connection closed by authenticating user ${name} ${address} port ${port} [preauth]`,
    (name, address, port) => `Connection reset by invalid user ${name} ${address} port ${port} [preauth]`,
    (name, address, port) => `Disconnected from invalid user ${name} ${address} port ${port} [preauth]`,
    (name, address, port) => `Connection from invalid user ${name} ${address} port ${port} timed out [preauth]`,
    (name, address, port) => `error: maximum authentication attempts exceeded for invalid user ${name} from ${address} port ${port} ssh2 [preauth]`,
    (name, address, port) => `Disconnecting invalid user ${name} ${address} port ${port}: Too many authentication failures [preauth]`,
    (name, address) => `error: PAM: Authentication failure for illegal user ${name} from ${address}`,
    (name, address) => `pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${address}  user=${name}`,
  ];

  test("whatever the user name, the address is the one that sshd wrote", () => {
    const plain = (text: string): string => {
      const event = parse(`Mar  2 10:11:12 web01 sshd[1]: Invalid user a from ${text} port 1`);
      return event?.["source.ip"] as string;
    };
    fc.assert(
      fc.property(fc.constantFrom(...forms), name, address, port, (form, name, address, port) => {
        const event = parse(`Mar  2 10:11:12 web01 sshd[4242]: ${form(name, address, port)}`);
        expect(event?.["event.module"]).not.toBe("syslog");
        expect(event?.["source.ip"]).toBe(plain(address));
        if (event?.["source.port"] !== undefined) expect(event["source.port"]).toBe(port);
        // sshd marks unknown users so; a known user cannot have such a name.
        if (!name.includes("\\") && !/^(?:invalid|illegal) user /.test(name)) expect(event?.["user.name"]).toBe(name);
      }),
      { numRuns: 5_000 },
    );
  });
});
