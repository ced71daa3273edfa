import type { Entry } from "./lines.ts";
import { hit, visit, type Site } from "./site.ts";

const hour = 3_600_000;

/** Visits of ordinary people from `from` to `to`, by the hour of the day and the day of the week; some sign in, some mistype. */
export function ordinaryTraffic(site: Site, from: number, to: number, answer?: (path: string, status: number, time: number) => number): Entry[] {
  const r = site.random;
  const out: Entry[] = [];
  const regulars = Array.from({ length: 30 }, () => ({ ip: site.address(), agent: r.pick(site.agents) }));
  for (let time = from; time < to;) {
    const date = new Date(time);
    const daily = 0.15 + 0.85 * Math.max(0, Math.sin(((date.getUTCHours() - 6) / 24) * 2 * Math.PI) * 0.5 + 0.5);
    const weekly = date.getUTCDay() === 0 || date.getUTCDay() === 6 ? 0.5 : 1;
    time += r.wait(hour / (site.visitsPerHour * daily * weekly));
    const who = r.chance(0.35) ? r.pick(regulars) : { ip: site.address(), agent: r.pick(site.agents) };
    const at = time;
    visit(site, out, time, who.ip, who.agent, {
      signIn: r.chance(0.15),
      mistypes: r.chance(0.25) ? r.int(1, 3) : 0,
      ...(answer ? { answer: (path, status) => answer(path, status, at) } : {}),
    });
  }
  return out;
}

/** A health check: one path at one pace, all day. */
export function healthCheck(site: Site, from: number, to: number): { entries: Entry[]; ip: string } {
  const ip = site.address();
  const entries: Entry[] = [];
  const every = site.random.pick([10_000, 30_000, 60_000]);
  const path = site.random.pick(["/health", "/healthz", "/", "/api/health", "/status"]);
  for (let time = from; time < to; time += every)
    entries.push(hit(time, ip, path, 200, { agent: site.random.pick(["kube-probe/1.31", "UptimeRobot/2.0", "Pingdom.com_bot_version_1.4", "curl/8.5.0"]) }));
  return { entries, ip };
}

/** A search engine that walks the site from a few addresses of one network, old links included. */
export function crawler(site: Site, from: number, to: number): { entries: Entry[]; ips: string[] } {
  const r = site.random;
  const network = `66.249.${r.int(64, 79)}`;
  const ips = Array.from({ length: r.int(2, 12) }, () => `${network}.${r.int(1, 254)}`);
  const agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
  const entries: Entry[] = [hit(from, ips[0] as string, "/robots.txt", 200, { agent })];
  for (let time = from; time < to; time += r.wait(40_000)) {
    const dead = r.chance(0.2);
    const path = dead ? `${r.pick(site.pages)}/${r.int(2010, 2020)}`.replace("//", "/") : r.pick(site.pages);
    entries.push(hit(time, r.pick(ips), path, dead ? site.missing : 200, { agent }));
  }
  return { entries, ips };
}

/** Sign-ins of a small team over ssh, mistyping at times, with a backup job. */
export function ordinarySsh(site: Site, from: number, to: number): Entry[] {
  const r = site.random;
  const out: Entry[] = [];
  const team = ["jiho", "minseo", "deploy", "anna", "lars", "yuki"]
    .slice(0, r.int(2, 6))
    .map((user) => ({ user, ip: site.address(), typesPassword: r.chance(0.5) }));
  const backup = site.address();
  for (let time = from; time < to; time += r.wait(hour / 2)) {
    const who = r.pick(team);
    const ssh = (offset: number, outcome: "success" | "failure", user = who.user, invalid = false): void => {
      out.push({ kind: "ssh", time: time + offset, ip: who.ip, user, outcome, invalid, method: who.typesPassword ? "password" : "publickey" });
    };
    if (r.chance(0.05)) ssh(-20_000, "failure", `${who.user}x`, true);
    for (let i = r.chance(0.2) ? r.int(1, 3) : 0; i > 0; i--) ssh(-4_000 * i, "failure");
    ssh(0, "success");
  }
  for (let time = from; time < to; time += 6 * hour)
    out.push({ kind: "ssh", time, ip: backup, user: "backup", outcome: "success", invalid: false, method: "publickey" });
  return out;
}
