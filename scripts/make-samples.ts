// Writes the logs in samples/ (or in the folder given): the same bytes on every run.
//   node scripts/make-samples.ts [FOLDER]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loginBotnet, pathScanner, sshBotnet, sshGuessing } from "../test/scenarios/attacks.ts";
import { linesOf, type Entry } from "../test/scenarios/lines.ts";
import { crawler, healthCheck, ordinarySsh, ordinaryTraffic } from "../test/scenarios/ordinary.ts";
import { hit, makeSite, type Site } from "../test/scenarios/site.ts";

const minute = 60_000;
const hour = 60 * minute;
/** A Friday. */
const day = Date.UTC(2026, 10, 20);

interface Line {
  readonly time: number;
  readonly text: string;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** A syslog line as rsyslog writes it today (RFC 3339 time): it needs neither a year nor a zone from whoever reads it. */
function syslog(time: number, program: string, message: string): Line {
  return { time, text: `${new Date(time).toISOString().replace("Z", "000+00:00")} web1 ${program}: ${message}` };
}

/** What sshd, CRON and sudo write around a sign-in attempt. */
function authLines(entries: readonly Entry[]): Line[] {
  return entries.flatMap((entry): Line[] => {
    if (entry.kind !== "ssh") return [];
    const { time, ip, user, outcome, invalid, method } = entry;
    const pid = 1_000 + (Math.floor(time / 1_000) % 30_000);
    const port = 30_000 + (Math.floor(time / 7) % 30_000);
    const sshd = (later: number, message: string): Line => syslog(Math.round(time) + later, `sshd[${pid}]`, message);
    if (outcome === "success") {
      return [
        sshd(
          0,
          `Accepted ${method} for ${user} from ${ip} port ${port} ssh2${method === "publickey" ? ": ED25519 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU" : ""}`,
        ),
        sshd(3, `pam_unix(sshd:session): session opened for user ${user}(uid=1000) by (uid=0)`),
        sshd(600_000, `pam_unix(sshd:session): session closed for user ${user}`),
      ];
    }
    return [
      ...(invalid ? [sshd(0, `Invalid user ${user} from ${ip} port ${port}`)] : []),
      sshd(1_900, `Failed ${method} for ${invalid ? "invalid user " : ""}${user} from ${ip} port ${port} ssh2`),
    ];
  });
}

/** CRON every hour and a sudo command now and then: ordinary lines that no rule is about. */
function household(): Line[] {
  const lines: Line[] = [];
  for (let time = day + 17 * minute; time < day + 24 * hour; time += hour) {
    lines.push(syslog(time, "CRON[2117]", "pam_unix(cron:session): session opened for user root(uid=0) by root(uid=0)"));
    lines.push(syslog(time + 120, "CRON[2117]", "pam_unix(cron:session): session closed for user root"));
  }
  for (const at of [9.2, 13.6, 17.1]) {
    lines.push(syslog(day + Math.round(at * hour), "sudo", "   jiho : TTY=pts/0 ; PWD=/home/jiho ; USER=root ; COMMAND=/usr/bin/systemctl reload nginx"));
    lines.push(syslog(day + Math.round(at * hour) + 2_000, "systemd-logind[702]", "New session 41 of user jiho."));
  }
  return lines;
}

/** A shop with a few visits an hour, small enough that its log can be read by eye. */
function shop(seed: number, visitsPerHour = 4): Site {
  const site = makeSite(seed);
  return {
    ...site,
    host: "https://shop.example",
    assets: site.assets.slice(0, 4),
    visitsPerHour,
    login: "/account/login",
    loginPage: "/account/login",
    failedStatus: 401,
  };
}

const named = (entries: readonly Entry[], address: string): Entry[] => entries.map((entry) => ({ ...entry, ip: address }));
const webLines = (entries: readonly Entry[]): Line[] =>
  entries.filter(({ kind }) => kind === "web").flatMap((entry) => linesOf(entry).map((text) => ({ time: entry.time, text })));
const sparse = (entries: readonly Entry[], every: number): Entry[] => entries.filter((_entry, index) => index % every === 0);

function ordinaryWeb(site: Site): Entry[] {
  return [
    ...ordinaryTraffic(site, day, day + 24 * hour),
    ...sparse(healthCheck(site, day, day + 24 * hour).entries, 40),
    ...sparse(crawler(site, day + hour, day + 22 * hour).entries, 12),
  ];
}

/** SQL injection by a known tool, and a TLS handshake on the plain port. */
function injections(): Line[] {
  const agent = "sqlmap/1.8.11#stable (https://sqlmap.org)";
  const queries = [
    "1",
    "1%27",
    "1%27%20OR%20%271%27%3D%271",
    "1%20UNION%20SELECT%20NULL,NULL,NULL--",
    "1%20UNION%20SELECT%20user,password%20FROM%20users--",
    "1;SELECT%20PG_SLEEP(5)--",
    "1%20AND%20SLEEP(5)",
  ];
  const entries = queries.map((query, index) =>
    hit(day + 14 * hour + index * 1_300, "81.68.203.14", `/item.php?id=${query}`, index < 2 ? 200 : 500, { agent }),
  );
  const time = new Date(day + 15 * hour + 4_000);
  const stamp = `20/Nov/2026:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
  return [
    ...webLines(entries),
    { time: time.getTime(), text: `45.33.80.12 - - [${stamp}] "\\x16\\x03\\x01\\x00\\xEE\\x01\\x00\\x00\\xEA\\x03\\x03" 400 157 "-" "-"` },
  ];
}

function attackedAuth(): Line[] {
  const site = shop(20);
  return [
    ...household(),
    ...authLines([
      ...ordinarySsh(site, day + 8 * hour, day + 19 * hour),
      ...named(sshGuessing(site, day + 2 * hour, 1_600, 70).entries, "45.9.20.31"),
      ...named(sshGuessing(site, day + 30 * minute, 9 * minute, 140).entries, "185.220.101.4"),
      ...named(sshGuessing(site, day + 6 * hour, 4_000, 16).entries, "2a03:4000:6:d06::1"),
      ...named(sshGuessing(site, day + 11 * hour, 2_500, 45, { succeeds: true }).entries, "121.12.90.7"),
      ...sshBotnet(site, day + 15 * hour, day + 18 * hour, 40).entries,
    ]),
  ];
}

function attackedWeb(): Line[] {
  const site = shop(75);
  return [
    ...webLines([
      ...ordinaryWeb(site),
      ...named(pathScanner(site, day + 4 * hour, 700, 90).entries, "103.77.4.9"),
      ...named(pathScanner(site, day + 9 * hour, 45_000, 120).entries, "178.128.44.90"),
      ...loginBotnet(site, day + 20 * hour, day + 21 * hour, 60, 3).entries,
    ]),
    ...injections(),
  ];
}

function quietAuth(): Line[] {
  return [...household(), ...authLines(ordinarySsh(shop(60), day + 8 * hour, day + 19 * hour))];
}

/** Every sample log by its name below `samples/`. */
export function sampleLogs(): ReadonlyMap<string, string> {
  const logs: readonly (readonly [string, readonly Line[]])[] = [
    ["auth.log", attackedAuth()],
    ["access.log", attackedWeb()],
    ["quiet/auth.log", quietAuth()],
    ["quiet/access.log", webLines(ordinaryWeb(shop(80, 3)))],
  ];
  return new Map(
    logs.map(([name, lines]) => [
      name,
      lines
        .toSorted((a, b) => a.time - b.time)
        .map(({ text }) => `${text}\n`)
        .join(""),
    ]),
  );
}

if (import.meta.main) {
  const folder = process.argv[2] ?? fileURLToPath(new URL("../samples", import.meta.url));
  for (const [name, text] of sampleLogs()) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}
