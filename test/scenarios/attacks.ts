import type { Entry } from "./lines.ts";
import type { Random } from "./random.ts";
import { hit, type Site } from "./site.ts";

/** What an attack added: its lines and its addresses. */
export interface Attack {
  readonly entries: Entry[];
  readonly attackers: string[];
}

const probes =
  "/.env /.git/config /.git/HEAD /.aws/credentials /wp-login.php /wp-admin/install.php /xmlrpc.php /phpmyadmin/ /pma/ /admin.php /config.php.bak /backup.sql /backup.zip /dump.sql /.svn/entries /server-status /actuator/env /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php /cgi-bin/luci /boaform/admin/formLogin /.DS_Store /web.config /id_rsa /adminer.php /shell.php /info.php /phpinfo.php /manager/html /solr/admin/info /HNAP1/ /login.action /.vscode/sftp.json /api/.env /old/.env /db.sql /site.tar.gz /wp-content/plugins/x/readme.txt /console/ /telescope/requests /_ignition/execute-solution".split(
    " ",
  );
const parts =
  "admin backup test old new dev data files upload uploads temp private secret users portal staging beta api2 v1 export import cache logs include lib inc core module panel".split(
    " ",
  );

/** A word list as scanners have them: some of it says what it is, most is just not there. */
export function wordList(r: Random, count: number): string[] {
  const list = new Set<string>();
  while (list.size < count) {
    if (r.chance(0.12)) list.add(r.pick(probes));
    else
      list.add(
        `/${r.pick(parts)}${r.pick(["", "-", "_", "/"])}${r.pick(parts)}${r.chance(0.5) ? r.int(1, 99) : ""}${r.pick(["", "", ".php", ".bak", ".txt", "/"])}`,
      );
    if (list.size >= probes.length + parts.length ** 2 * 50) break;
  }
  return [...list];
}

const tools = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
  "Go-http-client/1.1",
  "python-requests/2.31.0",
  "gobuster/3.6",
  "",
];

/** A path scanner with `every` milliseconds between requests. */
export function pathScanner(site: Site, from: number, every: number, count: number): Attack {
  const r = site.random;
  const ip = site.address();
  const agent = r.pick(tools);
  const entries: Entry[] = [];
  let time = from;
  for (const path of wordList(r, count)) {
    const denied = r.chance(0.03);
    entries.push(hit(time, ip, path, denied ? 403 : site.missing, { agent, method: r.chance(0.1) ? "HEAD" : "GET" }));
    time += every * (0.7 + 0.6 * r.next());
  }
  return { entries, attackers: [ip] };
}

/** `sources` addresses, each `requests` tries on the login path, none of them fast. */
export function loginBotnet(site: Site, from: number, to: number, sources: number, requests: number, address: () => string = site.address): Attack {
  const r = site.random;
  const agent = r.pick(tools.slice(0, 3));
  const attackers = [...uniqueAddresses(sources, address)];
  const entries: Entry[] = [];
  for (const ip of attackers) {
    for (let i = 0; i < requests; i++) {
      entries.push(hit(from + r.next() * (to - from), ip, site.login, r.chance(0.003) ? site.successStatus : site.failedStatus, { method: "POST", agent }));
    }
  }
  return { entries, attackers };
}

function uniqueAddresses(count: number, address: () => string): Set<string> {
  const set = new Set<string>();
  while (set.size < count) set.add(address());
  return set;
}

/** Credential stuffing, from one /16 or from everywhere. */
export function credentialStuffing(site: Site, from: number, to: number, oneNetwork: boolean): Attack {
  const r = site.random;
  const network = `103.${r.int(20, 250)}`;
  return loginBotnet(site, from, to, r.int(60, 200), r.int(2, 5), oneNetwork ? () => `${network}.${r.int(0, 255)}.${r.int(1, 254)}` : site.address);
}

const sshUsers = "root admin test ubuntu oracle postgres git user ftpuser mysql guest pi deploy jenkins hadoop www nagios tomcat support info".split(" ");

/** ssh guesses of one address, `every` milliseconds apart; some tools keep to one name. */
export function sshGuessing(site: Site, from: number, every: number, count: number, options: { succeeds?: boolean } = {}): Attack {
  const r = site.random;
  const ip = site.address();
  const one = r.chance(0.4) ? "root" : undefined;
  const entries: Entry[] = [];
  let time = from;
  for (let i = 0; i < count; i++) {
    const user = one ?? r.pick(sshUsers);
    entries.push({ kind: "ssh", time, ip, user, outcome: "failure", invalid: user !== "root", method: "password" });
    time += every * (0.7 + 0.6 * r.next());
  }
  if (options.succeeds) entries.push({ kind: "ssh", time, ip, user: "root", outcome: "success", invalid: false, method: "password" });
  return { entries, attackers: [ip] };
}

/** ssh spraying: one address tries a password on one name after the other, `every` milliseconds apart, each name once or twice. */
export function sshSpraying(site: Site, from: number, every: number, names: number): Attack {
  const r = site.random;
  const ip = site.address();
  const entries: Entry[] = [];
  let time = from;
  for (let i = 0; i < names; i++) {
    const user = i < sshUsers.length ? (sshUsers[i] as string) : `user${i}`;
    for (let again = r.int(1, 2); again > 0; again--) {
      entries.push({ kind: "ssh", time, ip, user, outcome: "failure", invalid: user !== "root", method: "password" });
      time += every * (0.5 + r.next());
    }
  }
  return { entries, attackers: [ip] };
}

/** ssh spraying by a botnet: each address a few tries, the same names. */
export function sshBotnet(site: Site, from: number, to: number, sources: number): Attack {
  const r = site.random;
  const attackers = [...uniqueAddresses(sources, site.address)];
  const names = Array.from({ length: r.int(1, 5) }, () => r.pick(sshUsers));
  const entries: Entry[] = [];
  for (const ip of attackers) {
    for (let i = r.int(1, 3); i > 0; i--) {
      const user = r.pick(names);
      entries.push({ kind: "ssh", time: from + r.next() * (to - from), ip, user, outcome: "failure", invalid: user !== "root", method: "password" });
    }
  }
  return { entries, attackers };
}

/** Brute force on the web login of one address. */
export function webBruteForce(site: Site, from: number, every: number, count: number): Attack {
  const r = site.random;
  const ip = site.address();
  const agent = r.pick(tools.slice(0, 3));
  const entries: Entry[] = [];
  for (let i = 0, time = from; i < count; i++, time += every * (0.7 + 0.6 * r.next()))
    entries.push(hit(time, ip, site.login, site.failedStatus, { method: "POST", agent }));
  return { entries, attackers: [ip] };
}

/** Many addresses, each a handful of probes of the same list. */
export function probingBotnet(site: Site, from: number, to: number, sources: number): Attack {
  const r = site.random;
  const attackers = [...uniqueAddresses(sources, site.address)];
  const agent = r.pick(tools.slice(0, 3));
  const targets = Array.from({ length: 3 }, () => r.pick(probes));
  const entries: Entry[] = [];
  for (const ip of attackers) {
    for (let i = r.int(1, 2); i > 0; i--) entries.push(hit(from + r.next() * (to - from), ip, r.pick(targets), site.missing, { agent }));
  }
  return { entries, attackers };
}
