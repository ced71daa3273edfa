import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { discoverSources } from "./discover.ts";

let root = "";
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "haechi-root-"));
  fs.chmodSync(root, 0o755);
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function put(path: string, mode = 0o644): string {
  const whole = join(root, path);
  fs.mkdirSync(dirname(whole), { recursive: true });
  fs.writeFileSync(whole, "x\n", { mode });
  return whole;
}

const patterns = (sources: readonly { readonly pattern: string }[]): string[] => sources.map((source) => source.pattern.slice(root.length + 1));

test("finds what is there, rotated files left out", async () => {
  for (const path of [
    "auth.log",
    "auth.log.1",
    "nginx/shop-access.log",
    "nginx/error.log",
    "nginx/access.log.2.gz",
    "apache2/access.log",
    "httpd/ssl_access_log",
    "caddy/a.log",
    "traefik/t.log",
    "mail.log",
    "ufw.log",
    "vsftpd.log",
    "unknown.log",
  ])
    put(`var/log/${path}`);
  fs.mkdirSync(join(root, "var/log/apache2/error.log"), { recursive: true });
  const { sources, problems } = await discoverSources({ root });
  expect(patterns(sources)).toEqual([
    "var/log/auth.log",
    "var/log/mail.log",
    "var/log/ufw.log",
    "var/log/vsftpd.log",
    "var/log/nginx/*access*.log",
    "var/log/nginx/*error*.log",
    "var/log/apache2/*access*.log",
    "var/log/httpd/*access*log",
    "var/log/caddy/*.log",
    "var/log/traefik/*.log",
  ]);
  expect(problems).toEqual([]);
  expect(new Set(sources.map((source) => source.id)).size).toBe(sources.length);
});

test("takes the journal where there is no sign-in log", async () => {
  const bin = join(root, "bin");
  put("bin/journalctl", 0o755);
  put("var/log/journal/0123/system.journal");
  put("var/log/nginx/access.log");
  const path = process.env["PATH"];
  process.env["PATH"] = bin;
  try {
    expect((await discoverSources({ root })).sources.map((source) => source.id)).toEqual([`file:${root}/var/log/nginx/*access*.log`, "journald"]);
    put("var/log/secure");
    expect((await discoverSources({ root, language: "ko" })).sources.map((source) => [source.kind, source.why])).toEqual([
      ["file", "파일이 있고 읽을 수 있습니다."],
      ["file", "파일이 있고 읽을 수 있습니다."],
    ]);
  } finally {
    process.env["PATH"] = path;
  }
});

test("says where it looked when there is nothing", async () => {
  expect((await discoverSources({ root })).problems).toEqual([
    { path: join(root, "var/log"), key: "sources.problem.nothing", params: { path: join(root, "var/log") } },
  ]);
});

test.skipIf(process.getuid?.() !== 0)("says what cannot be read and which group would help", async () => {
  const auth = put("var/log/auth.log", 0o640);
  fs.chownSync(auth, 0, 4);
  const kern = put("var/log/kern.log", 0o600);
  put("var/log/nginx/access.log");
  fs.chmodSync(join(root, "var/log/nginx"), 0o750);
  fs.chownSync(join(root, "var/log/nginx"), 0, 4);
  const script = `
    import { discoverSources } from ${JSON.stringify(new URL("./discover.ts", import.meta.url).href)};
    process.setgid(65534); process.setuid(65534); process.env.PATH = "";
    console.log(JSON.stringify(await discoverSources({ root: ${JSON.stringify(root)} })));`;
  const found = JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })) as Awaited<
    ReturnType<typeof discoverSources>
  >;
  expect(found.sources).toEqual([]);
  expect(found.problems).toEqual([
    { path: auth, key: "sources.problem.denied", params: { path: auth, group: "adm", user: "nobody" } },
    { path: kern, key: "sources.problem.deniedMode", params: { path: kern, mode: "0600", owner: "root" } },
    { path: join(root, "var/log/nginx"), key: "sources.problem.deniedDirectory", params: { path: join(root, "var/log/nginx"), group: "adm", user: "nobody" } },
  ]);
});
