import type { Entry, Hit } from "./lines.ts";
import { random, type Random } from "./random.ts";

/** A site as it answers: its pages, what they load, where people sign in and how a refusal looks. */
export interface Site {
  readonly random: Random;
  readonly host: string;
  readonly style: "pages" | "spa" | "api" | "bare" | "wordpress";
  readonly pages: readonly string[];
  readonly assets: readonly string[];
  readonly apis: readonly string[];
  readonly login: string;
  readonly loginPage: string | undefined;
  readonly failedStatus: number;
  readonly successStatus: number;
  /** Links on its pages that lead nowhere. */
  readonly broken: readonly string[];
  /** Status of what does not exist. */
  readonly missing: number;
  /** Ordinary visits an hour at noon. */
  readonly visitsPerHour: number;
  readonly agents: readonly string[];
  /** A new public-looking address; `mixed` gives some IPv6. */
  readonly address: () => string;
}

const browserSystems = [
  "Windows NT 10.0; Win64; x64",
  "Macintosh; Intel Mac OS X 10_15_7",
  "X11; Linux x86_64",
  "iPhone; CPU iPhone OS 18_5 like Mac OS X",
  "Linux; Android 14; SM-S921N",
];
const words =
  "about news products services contact team blog article guide docs pricing download support career event press gallery shop item category search help faq terms privacy portfolio project research library course lecture member board notice schedule recipe travel photo music video forum topic review report status history archive partner".split(
    " ",
  );
const korean = ["소개", "공지", "제품", "게시판", "오시는길", "채용"].map((word) => encodeURIComponent(word));

function agentsOf(r: Random): string[] {
  const list: string[] = [];
  for (let i = 0; i < 24; i++) {
    const system = r.pick(browserSystems);
    const version = r.int(118, 141);
    list.push(
      system.startsWith("iPhone")
        ? `Mozilla/5.0 (${system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.${r.int(0, 5)} Mobile/15E148 Safari/604.1`
        : r.chance(0.25)
          ? `Mozilla/5.0 (${system}; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`
          : `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
    );
  }
  return list;
}

/** First bytes that are ordinary public address space (none reserved, private or documentation). */
const firstBytes = [5, 14, 23, 37, 45, 58, 62, 77, 81, 91, 101, 103, 106, 112, 118, 121, 125, 151, 163, 175, 178, 185, 193, 211, 218, 220];

export function addressMaker(r: Random): () => string {
  return () =>
    r.chance(0.08)
      ? `2a0${r.int(1, 9)}:${r.int(4096, 65535).toString(16)}:${r.int(1, 65535).toString(16)}:${r.int(1, 65535).toString(16)}::${r.int(1, 999).toString(16)}`
      : `${r.pick(firstBytes)}.${r.int(20, 250)}.${r.int(0, 255)}.${r.int(1, 254)}`;
}

export function makeSite(seed: number): Site {
  const r = random(seed);
  const style = (["pages", "spa", "api", "bare", "wordpress"] as const)[seed % 5] as Site["style"];
  const suffix = r.pick(["", "", "/", ".html", style === "pages" ? ".php" : ""]);
  const root = r.pick(["", "", "/en", "/ko", "/site"]);
  const pages = ["/"];
  const count = r.int(12, 160);
  for (let i = 0; i < count; i++) {
    const word = r.chance(0.1) ? r.pick(korean) : r.pick(words);
    const deep = r.chance(0.6) ? `/${r.chance(0.5) ? r.int(1, 900) : `${r.pick(words)}-${r.pick(words)}`}` : "";
    pages.push(`${root}/${word}${deep}${suffix}`);
  }
  const apiRoot = r.pick(["/api", "/api/v1", "/v2", "/rest"]);
  const apis = ["items", "me", "feed", "messages", "settings", "search"].map((word) => `${apiRoot}/${word}`);
  const assets: string[] = [];
  if (style !== "api" && style !== "bare") {
    const folder = style === "wordpress" ? "/wp-content/themes/nice" : r.pick(["/static", "/assets", "/_next/static/chunks", "/css", "/build"]);
    for (let i = 0, n = r.int(4, 16); i < n; i++)
      assets.push(`${folder}/${r.pick(words)}.${r.int(1e7, 9e7).toString(16)}.${r.pick(["css", "js", "js", "png", "woff2", "svg"])}`);
    assets.push("/favicon.ico");
  }
  const programs = style === "api" || style === "spa";
  const login =
    style === "wordpress"
      ? "/wp-login.php"
      : programs
        ? apiRoot + r.pick(["/login", "/auth/login", "/sessions", "/signin"])
        : r.pick(["/login", "/users/sign_in", "/account/login", "/member/login.php", "/signin", "/user/login.do"]);
  const failedStatus = style === "wordpress" ? 200 : programs ? r.pick([401, 401, 403, 422, 400]) : r.pick([200, 302, 401, 403, 200]);
  return {
    random: r,
    host: `https://www.${r.pick(words)}${r.int(1, 99)}.kr`,
    style,
    pages: [...new Set(pages)],
    assets,
    apis,
    login,
    loginPage: programs ? undefined : login,
    failedStatus,
    successStatus: programs ? 200 : 302,
    broken: Array.from({ length: r.int(2, 9) }, () => `${root}/${r.pick(words)}/old-${r.int(1, 99)}${suffix}`),
    missing: style === "spa" ? 200 : 404,
    visitsPerHour: r.pick([3, 12, 40, 120]),
    agents: agentsOf(r),
    address: addressMaker(r),
  };
}

export function hit(time: number, ip: string, target: string, status: number, options: Partial<Hit> = {}): Hit {
  return {
    kind: "web",
    time,
    ip,
    method: "GET",
    target,
    status,
    bytes: status === 200 ? 500 + ((target.length * 7919) % 30_000) : 162,
    referrer: "",
    agent: "",
    ...options,
  };
}

export interface VisitOptions {
  readonly pages?: number;
  readonly signIn?: boolean;
  readonly mistypes?: number;
  readonly landing?: string;
  readonly answer?: (path: string, status: number) => number;
}

/** One person's visit: pages with what they load (cached later on), a broken link now and then, perhaps signing in. Gives its end. */
export function visit(site: Site, out: Entry[], start: number, ip: string, agent: string, options: VisitOptions = {}): number {
  const r = site.random;
  const answer = options.answer ?? ((_path: string, status: number) => status);
  const pages = options.pages ?? Math.max(1, Math.round(r.around(4, 0.8)));
  let time = start;
  let referrer = r.chance(0.4) ? "https://www.google.com/" : "";
  const get = (target: string, status: number, extra: Partial<Hit> = {}): void => {
    out.push(hit(time, ip, target, answer(target, status), { agent, referrer, ...extra }));
  };
  let cached = r.chance(0.3);
  for (let i = 0; i < pages; i++) {
    const page = i === 0 && options.landing ? options.landing : site.style === "api" ? r.pick(site.apis) : r.pick(site.pages);
    get(page, 200);
    if (site.style !== "api") referrer = site.host + page;
    if (!cached) for (const asset of site.assets) get(asset, r.chance(0.05) ? 304 : 200);
    cached = true;
    if (site.style === "spa") for (let k = r.int(1, 3); k > 0; k--) get(r.pick(site.apis), 200);
    if (r.chance(0.02)) get(r.pick(site.broken), site.missing);
    time += r.around(15_000, 1);
  }
  if (options.signIn) {
    if (site.loginPage) get(site.loginPage, 200);
    for (let i = 0; i < (options.mistypes ?? 0); i++) {
      time += r.around(9_000, 0.4);
      get(site.login, site.failedStatus, { method: "POST" });
      if (site.failedStatus === 302 && site.loginPage) get(site.loginPage, 200);
    }
    time += r.around(9_000, 0.4);
    get(site.login, site.successStatus, { method: "POST" });
    for (let i = r.int(2, 6); i > 0; i--) {
      get(site.style === "api" ? r.pick(site.apis) : r.pick(site.pages), 200);
      time += r.around(12_000, 0.8);
    }
  }
  return time;
}
