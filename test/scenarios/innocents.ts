import type { Entry } from "./lines.ts";
import { hit, visit, type Site } from "./site.ts";

const minute = 60_000;

/** Eighty people behind one address on Monday morning: they sign in, several mistype. */
export function office(site: Site, from: number): Entry[] {
  const r = site.random;
  const ip = site.address();
  const out: Entry[] = [];
  for (let i = 0; i < 80; i++)
    visit(site, out, from + r.next() * 40 * minute, ip, r.pick(site.agents), { signIn: true, mistypes: r.chance(0.3) ? r.int(1, 3) : 0 });
  return out;
}

/** The same office over ssh. */
export function sshOffice(site: Site, from: number): Entry[] {
  const r = site.random;
  const ip = site.address();
  const out: Entry[] = [];
  for (let i = 0; i < 80; i++) {
    const time = from + r.next() * 40 * minute;
    const user = `user${i}`;
    for (let k = r.chance(0.3) ? r.int(1, 3) : 0; k > 0; k--)
      out.push({ kind: "ssh", time: time - k * 5_000, ip, user, outcome: "failure", invalid: false, method: "password" });
    out.push({ kind: "ssh", time, ip, user, outcome: "success", invalid: false, method: "password" });
  }
  return out;
}

/** Two thousand people who never came before open one link within half an hour. */
export function newsletter(site: Site, from: number): Entry[] {
  const r = site.random;
  const out: Entry[] = [];
  const landing = site.style === "api" ? `${site.apis[0]}?campaign=june` : `${r.pick(site.pages)}?utm_source=newsletter&utm_campaign=june`;
  for (let i = 0; i < 2_000; i++)
    visit(site, out, from + r.next() * 30 * minute, site.address(), r.pick(site.agents), {
      pages: r.int(1, 3),
      landing,
      signIn: r.chance(0.05),
      mistypes: r.chance(0.2) ? 1 : 0,
    });
  return out;
}

/** An app on many telephones whose tokens ended: it asks again and again, is told 401, then renews its token and goes on. */
export function retryStorm(site: Site, from: number): Entry[] {
  const r = site.random;
  const out: Entry[] = [];
  const agent = r.pick(["ShopApp/5.2.1 (iPhone; iOS 18.5)", "okhttp/4.12.0", "Dart/3.4 (dart:io)"]);
  for (let i = 0; i < 200; i++) {
    const ip = site.address();
    let time = from + r.next() * 20 * minute;
    for (let k = r.int(1, 5); k > 0; k--) out.push(hit((time += 2_000), ip, r.pick(site.apis), 200, { agent }));
    const path = r.pick(site.apis);
    for (let k = r.int(3, 30), pause = 1_000; k > 0; k--, pause = Math.min(30_000, pause * 1.5)) out.push(hit((time += pause), ip, path, 401, { agent }));
    out.push(hit((time += 1_000), ip, `${site.apis[0]}/token/refresh`, 200, { agent, method: "POST" }));
    for (let k = r.int(2, 6); k > 0; k--) out.push(hit((time += 1_000), ip, r.pick(site.apis), 200, { agent }));
  }
  return out;
}

/** A content network in front: few addresses carry everybody's requests. */
export function edges(site: Site, entries: readonly Entry[]): Entry[] {
  const addresses = Array.from({ length: 12 }, (_, i) => `172.71.${site.random.int(0, 255)}.${10 + i}`);
  return entries.map((entry) => ({ ...entry, ip: site.random.pick(addresses) }));
}

/** A developer who types wrong paths and passwords before the right ones. */
export function developer(site: Site, from: number): Entry[] {
  const r = site.random;
  const ip = site.address();
  const agent = r.pick(site.agents);
  const out: Entry[] = [];
  visit(site, out, from, ip, agent, { pages: 4 });
  for (let i = 0; i < 4; i++) out.push(hit(from + (10 + i) * minute, ip, `${r.pick(site.pages)}x`, site.missing, { agent }));
  visit(site, out, from + 20 * minute, ip, agent, { pages: 5, signIn: true, mistypes: 3 });
  for (let i = 0; i < 3; i++)
    out.push({ kind: "ssh", time: from + 30 * minute + i * 6_000, ip, user: "jiho", outcome: "failure", invalid: false, method: "password" });
  out.push({ kind: "ssh", time: from + 31 * minute, ip, user: "jiho", outcome: "success", invalid: false, method: "password" });
  return out;
}

/** Hundreds of telephones behind one carrier address, all day. */
export function carrier(site: Site, from: number): Entry[] {
  const r = site.random;
  const ip = site.address();
  const out: Entry[] = [];
  for (let i = 0; i < 300; i++)
    visit(site, out, from + r.next() * 360 * minute, ip, r.pick(site.agents), { signIn: r.chance(0.2), mistypes: r.chance(0.3) ? r.int(1, 2) : 0 });
  return out;
}

/** How a site answers after a deployment that broke half of its paths for everybody. */
export function brokenDeployment(from: number, to: number, status: number): (path: string, usual: number, time: number) => number {
  return (path, usual, time) => {
    if (time < from || time > to) return usual;
    let sum = 0;
    for (let i = 0; i < path.length; i++) sum = (sum * 31 + path.charCodeAt(i)) >>> 0;
    return sum % 2 === 0 ? status : usual;
  };
}
