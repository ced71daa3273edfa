/** A line of the demo: when it is written, in seconds from the start, to which log, and its text at that time. */
export interface DemoLine {
  readonly at: number;
  readonly log: "auth.log" | "access.log";
  readonly text: (time: Date) => string;
}

/** A small deterministic generator of numbers in [0, 1): mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => String(value).padStart(2, "0");
const syslogTime = (time: Date): string =>
  `${months[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2, " ")} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
const clfTime = (time: Date): string =>
  `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;

const browsers = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
  "Mozilla/5.0 (Linux; Android 15; SM-S931N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
];
const pages = ["/", "/chat", "/docs/start", "/docs/bots", "/pricing", "/blog/2026/autumn", "/help"];
const assets = ["/static/app.css", "/static/app.js", "/static/logo.svg", "/favicon.ico"];
const probes = [
  "/.env",
  "/.git/config",
  "/wp-login.php",
  "/phpmyadmin/index.php",
  "/admin.php",
  "/backup.zip",
  "/.aws/credentials",
  "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
  "/config.php.bak",
  "/server-status",
  "/.ssh/id_rsa",
  "/dump.sql",
  "/actuator/env",
  "/cgi-bin/luci",
  "/solr/admin/",
  "/boaform/admin/formLogin",
  "/owa/auth/logon.aspx",
  "/HNAP1",
  "/.DS_Store",
  "/old/.env",
  "/api/.env",
  "/console/",
  "/manager/html",
  "/shell.php",
  "/xmlrpc.php",
  "/wp-config.php~",
];

/**
 * A minute and a half on a small server: ordinary visitors, an owner who mistypes once, a password guesser, a path scanner,
 * and forty addresses that try one login path a few times each. The same seed gives the same lines. Times are UTC.
 */
export function demoScript(seed = 1): readonly DemoLine[] {
  const random = randomNumbers(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const lines: DemoLine[] = [];
  let process = 4_200;
  const ssh = (at: number, message: string): void => {
    const pid = ++process;
    lines.push({ at, log: "auth.log", text: (time) => `${syslogTime(time)} haechi-demo sshd[${pid}]: ${message}` });
  };
  const web = (at: number, address: string, request: string, status: number, referrer: string, agent: string): void => {
    const bytes = status === 404 ? 153 : 400 + Math.floor(random() * 20_000);
    lines.push({
      at,
      log: "access.log",
      text: (time) => `${address} - - [${clfTime(time)}] "${request} HTTP/1.1" ${status} ${bytes} "${referrer}" "${agent}"`,
    });
  };
  // Visitors who load a page and what belongs to it.
  for (let visit = 0; visit < 70; visit++) {
    const address = `121.${100 + Math.floor(random() * 80)}.${Math.floor(random() * 250)}.${1 + Math.floor(random() * 250)}`;
    const agent = pick(browsers);
    const page = pick(pages);
    const start = random() * 88;
    web(start, address, `GET ${page}`, 200, "-", agent);
    for (const asset of assets.slice(0, 2 + Math.floor(random() * 3)))
      web(start + 0.2 + random() * 0.6, address, `GET ${asset}`, 200, `https://demo.example${page}`, agent);
    if (random() < 0.4) web(start + 1 + random() * 4, address, `GET ${pick(pages)}`, random() < 0.04 ? 404 : 200, `https://demo.example${page}`, agent);
  }
  // The owner mistypes once, then signs in.
  ssh(4, "Failed password for minji from 121.134.22.8 port 50122 ssh2");
  ssh(9, "Accepted password for minji from 121.134.22.8 port 50122 ssh2");
  // A password guesser.
  for (let guess = 0; guess < 24; guess++) {
    const user = pick(["root", "admin", "ubuntu", "oracle", "git", "postgres", "test"]);
    ssh(
      12 + guess * 0.9,
      user === "root"
        ? `Failed password for root from 45.9.20.31 port ${41_000 + guess} ssh2`
        : `Failed password for invalid user ${user} from 45.9.20.31 port ${41_000 + guess} ssh2`,
    );
  }
  // A scanner of paths.
  probes.forEach((path, index) => web(24 + index * 0.5, "103.77.4.9", `GET ${path}`, 404, "-", "Mozilla/5.0 zgrab/0.x"));
  // Forty addresses, one login path, two or three tries each.
  for (let bot = 0; bot < 40; bot++) {
    const address = `${pick([36, 58, 77, 91, 113, 178, 186, 201])}.${1 + Math.floor(random() * 250)}.${Math.floor(random() * 250)}.${1 + Math.floor(random() * 250)}`;
    for (let attempt = 0; attempt < 3; attempt++)
      web(40 + random() * 42, address, "POST /api/login", 401, "-", "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1)");
  }
  return lines.sort((a, b) => a.at - b.at);
}
