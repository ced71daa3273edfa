import { credentialStuffing, loginBotnet, pathScanner, probingBotnet, sshBotnet, sshGuessing, sshSpraying, webBruteForce, type Attack } from "./attacks.ts";
import { brokenDeployment, carrier, developer, edges, newsletter, office, retryStorm, sshOffice } from "./innocents.ts";
import type { Entry } from "./lines.ts";
import { crawler, healthCheck, ordinarySsh, ordinaryTraffic } from "./ordinary.ts";
import { makeSite, type Site } from "./site.ts";

/** A log with its truth: every address that is not an attacker is innocent. */
export interface Scenario {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly attackers: ReadonlySet<string>;
  /** Which detector must find them; undefined where rules do (or nothing is to be found). */
  readonly by: "slow" | "cohort" | undefined;
  /** Time by which it must be found, epoch milliseconds. */
  readonly deadline?: number;
}

const minute = 60_000;
const hour = 60 * minute;
/** A Monday. */
const monday = Date.UTC(2026, 5, 8);

type Build = (site: Site, day: number) => { attack?: Attack; more?: Entry[]; by?: "slow" | "cohort"; deadline?: number; background?: Entry[] };

const builds: Readonly<Record<string, Build>> = {
  "scanner at 50/s": (s, t) => ({ attack: pathScanner(s, t + 10 * hour, 20, 1_800), by: "slow" }),
  "scanner at 1 per 30 s": (s, t) => ({ attack: pathScanner(s, t + 8 * hour, 30_000, 1_200), by: "slow", deadline: t + 9 * hour }),
  "ssh guess every 4 min": (s, t) => ({ attack: sshGuessing(s, t + hour, 4 * minute, 300), by: "slow" }),
  "ssh guess every 20 min": (s, t) => ({ attack: sshGuessing(s, t, 20 * minute, 70), by: "slow" }),
  "ssh brute force": (s, t) => ({ attack: sshGuessing(s, t + 9 * hour, 2_000, 200), by: "slow" }),
  "ssh success after failures": (s, t) => ({ attack: sshGuessing(s, t + 9 * hour, 3_000, 60, { succeeds: true }), by: "slow" }),
  "ssh spraying": (s, t) => ({ attack: sshSpraying(s, t + 6 * hour, 25_000, 40), by: "slow" }),
  "web brute force, slow": (s, t) => ({ attack: webBruteForce(s, t + 2 * hour, 3 * minute, 200), by: "slow" }),
  "login botnet 300x2": (s, t) => ({ attack: loginBotnet(s, t + 11 * hour, t + 12 * hour, 300, 2), by: "cohort" }),
  "stuffing from one /16": (s, t) => ({ attack: credentialStuffing(s, t + 13 * hour, t + 15 * hour, true), by: "cohort" }),
  "stuffing, scattered": (s, t) => ({ attack: credentialStuffing(s, t + 13 * hour, t + 17 * hour, false), by: "cohort" }),
  "ssh botnet": (s, t) => ({ attack: sshBotnet(s, t + 5 * hour, t + 9 * hour, 120), by: "cohort" }),
  "probing botnet": (s, t) => ({ attack: probingBotnet(s, t + 5 * hour, t + 7 * hour, 100), by: "cohort" }),
  "ordinary day": () => ({}),
  "office on Monday": (s, t) => ({ more: [...office(s, t + 9 * hour), ...sshOffice(s, t + 9 * hour)] }),
  newsletter: (s, t) => ({ more: newsletter(s, t + 10 * hour) }),
  "retry storm": (s, t) => ({ more: retryStorm(s, t + 11 * hour) }),
  developer: (s, t) => ({ more: developer(s, t + 14 * hour) }),
  "carrier NAT": (s, t) => ({ more: carrier(s, t + 8 * hour) }),
  "edges in front": (s, t) => ({ background: edges(s, ordinaryTraffic(s, t, t + 24 * hour)) }),
  "broken deployment 404": (s, t) => ({ background: ordinaryTraffic(s, t, t + 24 * hour, brokenDeployment(t + 10 * hour, t + 12 * hour, 404)) }),
  "broken deployment 401": (s, t) => ({ background: ordinaryTraffic(s, t, t + 24 * hour, brokenDeployment(t + 10 * hour, t + 12 * hour, 401)) }),
  "clock jump": (s, t) => ({
    background: ordinaryTraffic(s, t, t + 24 * hour).map((e) =>
      e.time > t + 9 * hour && e.time < t + 10 * hour ? { ...e, time: e.time + 400 * 24 * hour } : e,
    ),
  }),
};

export const scenarioNames: readonly string[] = Object.keys(builds);

/** The scenario of this name: one day of a site of its own, ordinary traffic beside it. The same seed gives the same lines. */
export function scenario(name: string, seed: number): Scenario {
  const site = makeSite(seed);
  const built = (builds[name] as Build)(site, monday);
  const background = built.background ?? ordinaryTraffic(site, monday, monday + 24 * hour);
  const all = [
    ...background,
    ...ordinarySsh(site, monday, monday + 24 * hour),
    ...healthCheck(site, monday, monday + 24 * hour).entries,
    ...crawler(site, monday, monday + 24 * hour).entries,
    ...(built.more ?? []),
    ...(built.attack?.entries ?? []),
  ];
  // Lines are in the order in which they were written: by time, save that a jumped clock stays where it jumped.
  const written = (entry: Entry): number => (entry.time > monday + 30 * 24 * hour ? entry.time - 400 * 24 * hour : entry.time);
  const entries = all.toSorted((a, b) => written(a) - written(b));
  return { name, entries, attackers: new Set(built.attack?.attackers), by: built.by, ...(built.deadline ? { deadline: built.deadline } : {}) };
}
