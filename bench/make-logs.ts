import { closeSync, openSync, writeSync } from "node:fs";
import { randomNumbers } from "#app/demo-script.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => String(value).padStart(2, "0");
const start = Date.UTC(2026, 10, 1);

/** Writes lines in chunks of about a megabyte; gives the bytes written. */
function writeLog(path: string, lines: number, line: (index: number) => string): number {
  const file = openSync(path, "w");
  let bytes = 0;
  let part: string[] = [];
  for (let index = 0; index < lines; index++) {
    part.push(line(index));
    if (part.length === 8_192 || index === lines - 1) {
      bytes += writeSync(file, `${part.join("\n")}\n`);
      part = [];
    }
  }
  closeSync(file);
  return bytes;
}

/**
 * An auth log as a server on the open internet has it: mostly guesses from a few thousand addresses in bursts, their
 * `Invalid user` and disconnect lines, some sessions of real users, cron and sudo. RFC 3164, `perDay` lines a day.
 */
export function makeAuthLog(path: string, lines: number, perDay = 100_000): number {
  const random = randomNumbers(7);
  const users = ["root", "admin", "ubuntu", "test", "oracle", "postgres", "git", "user", "ftpuser", "deploy", "pi", "hadoop"];
  let attacker = "45.9.20.31";
  let port = 40_000;
  let left = 0;
  let queue: string[] = [];
  let pid = 1_000;
  return writeLog(path, lines, (index) => {
    const time = new Date(start + (index / perDay) * 86_400_000);
    const stamp = `${months[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2, " ")} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} web-1 `;
    if (queue.length === 0) {
      pid = 1_000 + ((pid - 999) % 60_000);
      if (left-- <= 0) {
        attacker = `${1 + Math.floor(random() * 222)}.${Math.floor(random() * 16)}.${Math.floor(random() * 4)}.${1 + Math.floor(random() * 200)}`;
        left = Math.floor(random() * 60);
      }
      port = 1_024 + Math.floor(random() * 60_000);
      const kind = random();
      const user = users[Math.floor(random() * users.length)] as string;
      if (kind < 0.45)
        queue = [
          `sshd[${pid}]: Failed password for ${user} from ${attacker} port ${port} ssh2`,
          `sshd[${pid}]: Connection closed by authenticating user ${user} ${attacker} port ${port} [preauth]`,
        ];
      else if (kind < 0.85)
        queue = [
          `sshd[${pid}]: Invalid user ${user}${Math.floor(random() * 90)} from ${attacker} port ${port}`,
          `sshd[${pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${attacker} `,
          `sshd[${pid}]: Failed password for invalid user ${user} from ${attacker} port ${port} ssh2`,
          `sshd[${pid}]: Received disconnect from ${attacker} port ${port}:11: Bye Bye [preauth]`,
        ];
      else if (kind < 0.9)
        queue = [
          `sshd[${pid}]: Accepted publickey for minji from 121.134.22.8 port ${port} ssh2: ED25519 SHA256:qQ0p1v7T8m2n4b6c8x0z`,
          `sshd[${pid}]: pam_unix(sshd:session): session opened for user minji(uid=1000) by (uid=0)`,
        ];
      else if (kind < 0.96)
        queue = [
          `CRON[${pid}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)`,
          `CRON[${pid}]: pam_unix(cron:session): session closed for user root`,
        ];
      else queue = [`sudo:    minji : TTY=pts/0 ; PWD=/home/minji ; USER=root ; COMMAND=/usr/bin/systemctl restart nginx`];
    }
    return stamp + (queue.shift() as string);
  });
}

/** An access log of a busy site: visitors with pages and assets, crawlers, broken links, and scanners. Combined format, `perDay` lines a day. */
export function makeAccessLog(path: string, lines: number, perDay = 1_000_000): number {
  const random = randomNumbers(11);
  const agents = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 15; SM-S931N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
  ];
  const probes = [
    "/.env",
    "/wp-login.php",
    "/.git/config",
    "/admin.php",
    "/phpmyadmin/",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/cgi-bin/.%2e/%2e%2e/bin/sh",
  ];
  const scanners = Array.from({ length: 60 }, (_, i) => `45.9.${i % 7}.${20 + i}`);
  let visitor = "";
  let agent = "";
  let left = 0;
  return writeLog(path, lines, (index) => {
    const time = new Date(start + (index / perDay) * 86_400_000);
    const stamp = `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
    if (left-- <= 0) {
      visitor = `${1 + Math.floor(random() * 222)}.${Math.floor(random() * 64)}.${Math.floor(random() * 16)}.${1 + Math.floor(random() * 250)}`;
      agent = agents[Math.floor(random() * agents.length)] as string;
      left = Math.floor(random() * 14);
    }
    const kind = random();
    if (kind < 0.03)
      return `${scanners[Math.floor(random() * scanners.length)]} - - [${stamp}] "GET ${probes[Math.floor(random() * probes.length)]} HTTP/1.1" 404 153 "-" "Mozilla/5.0 zgrab/0.x"`;
    const page = `/product/${Math.floor(random() ** 2 * 20_000)}`;
    if (kind < 0.4)
      return `${visitor} - - [${stamp}] "GET ${page}?ref=list&page=${Math.floor(random() * 9)} HTTP/2.0" ${random() < 0.02 ? 404 : 200} ${2_000 + Math.floor(random() * 40_000)} "https://shop.example/list" "${agent}"`;
    if (kind < 0.9)
      return `${visitor} - - [${stamp}] "GET /static/${Math.floor(random() * 300).toString(16)}.${random() < 0.5 ? "js" : "webp"} HTTP/2.0" ${random() < 0.3 ? 304 : 200} ${Math.floor(random() * 90_000)} "https://shop.example${page}" "${agent}"`;
    return `${visitor} - - [${stamp}] "POST /api/cart HTTP/2.0" ${random() < 0.03 ? 401 : 200} 312 "https://shop.example${page}" "${agent}"`;
  });
}
