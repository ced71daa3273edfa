import { scoreOf, type CohortMember, type Signal } from "#core/signal.ts";
import { text, type Language } from "#core/text/text.ts";
import { networkKey, networkText } from "../behaviour/behaviour.ts";
import { shortHash } from "../behaviour/trail.ts";
import { signalId } from "../signal-id.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Profiles } from "./profiles.ts";

/** A cohort that has been reported. */
export interface Known {
  readonly id: string;
  readonly signal: string;
  readonly token: number;
  readonly first: number;
  last: number;
  reported: number;
  /** Reported as one to act on. */
  acted: boolean;
  readonly members: Set<number>;
  readonly networks: Set<string>;
}

/** Log-odds from which a group is one to act on, and the language of titles. */
export interface Telling {
  readonly act: number;
  readonly language: Language;
}

const mostMembers = 2_000;
const enoughInNetwork = 8;
const dominance = 0.8;

/** Whether even `carriers` members of the token would be nothing new of a cohort that has been told as one to act on. */
export function isToldAlready(token: number, carriers: number, known: readonly Known[]): boolean {
  for (const cohort of known) if (cohort.token === token) return cohort.acted && !hasGrown(carriers, cohort.reported);
  return false;
}

function hasGrown(members: number, reported: number): boolean {
  return members >= reported * 1.25 && members > reported + 3;
}

/** The group as a signal: a new cohort, the growth of a known one, or undefined where nothing worth telling has changed. */
export function reportCohort(found: Evaluation, people: Profiles, known: Known[], { act, language }: Telling): Signal | undefined {
  let cohort = known.find((k) => k.token === found.token.hash) ?? known.find((k) => overlap(k.members, found.members) >= 0.5);
  // Another token's view of a known cohort: the wider view is the one that is told.
  if (cohort && cohort.token !== found.token.hash && found.members.length <= cohort.reported && (cohort.acted || found.score < act)) return undefined;
  const grown = cohort && (found.final ? found.members.length > cohort.reported : hasGrown(found.members.length, cohort.reported));
  if (cohort && !grown && (cohort.acted || found.score < act)) return undefined;
  if (!cohort) {
    const id = `cohort-${shortHash(`${found.token.hash}/${found.first}`)}`;
    cohort = {
      id,
      signal: signalId("cohort", `cohort-${found.token.kind}`, id, found.first),
      token: found.token.hash,
      first: found.first,
      last: found.last,
      reported: 0,
      acted: false,
      members: new Set(),
      networks: new Set(),
    };
    known.push(cohort);
  }
  for (const slot of found.members) cohort.members.add(slot);
  cohort.reported = found.members.length;
  cohort.acted ||= found.score >= act;
  cohort.last = Math.max(cohort.last, found.last);
  const members = found.members.slice(0, mostMembers).map((slot) => people.member(slot, found.agent));
  const evidence = members.flatMap((member) => member.evidence.slice(0, 1));
  return {
    id: cohort.signal,
    detector: "cohort",
    rule: `cohort-${found.token.kind}`,
    title: text(language, found.token.kind === "sign-in" ? "detect.cohort.sign-in" : "detect.cohort.probe"),
    level: found.score >= act ? "high" : "medium",
    actor: { kind: "cohort", id: cohort.id },
    first: cohort.first,
    last: cohort.last,
    count: members.reduce((sum, member) => sum + member.events, 0),
    score: found.score,
    why: found.why,
    evidence: evidence.length <= 10 ? evidence : [...evidence.slice(0, 5), ...evidence.slice(-5)],
    members,
    by: commonBy(found, people, members),
    users: [...new Set(found.members.flatMap((slot) => people.held(slot)?.users ?? []))].slice(0, 20),
    paths: [...new Set(found.members.flatMap((slot) => people.held(slot)?.paths ?? []))].slice(0, 20),
    actionable: found.score >= act,
  };
}

/** What nearly all members share, beside the token itself: a network, a user name. */
function commonBy(found: Evaluation, people: Profiles, members: readonly CohortMember[]): Record<string, string> {
  const by: Record<string, string> = { ...found.token.by };
  const wide = new Map<string, number>();
  for (const member of members) {
    const dot = member.address.split(".");
    if (dot.length === 4) wide.set(`${dot[0]}.${dot[1]}.0.0/16`, (wide.get(`${dot[0]}.${dot[1]}.0.0/16`) ?? 0) + 1);
  }
  for (const [network, count] of wide) if (count >= dominance * members.length) by["source.network"] = network;
  const users = new Map<string, number>();
  for (const slot of found.members) for (const user of people.held(slot)?.users ?? []) users.set(user, (users.get(user) ?? 0) + 1);
  for (const [user, count] of users) if (count >= dominance * members.length) by["user.name"] = user;
  const paths = new Map<string, number>();
  for (const slot of found.members) for (const path of people.held(slot)?.paths ?? []) paths.set(path, (paths.get(path) ?? 0) + 1);
  for (const [path, count] of paths) if (count >= dominance * members.length) by["url.path"] = path;
  return by;
}

/** Networks (/24, /48) that members dominate: at least eight of them, four fifths of all sources seen there. */
export function reportNetworks(found: Evaluation, people: Profiles, known: readonly Known[], { act, language }: Telling): Signal[] {
  if (found.score < act) return [];
  const { table } = people;
  const inside = new Map<number, number[]>();
  for (const slot of found.members) {
    const key = networkKey(table.high(slot), table.low(slot));
    const list = inside.get(key);
    if (list) list.push(slot);
    else inside.set(key, [slot]);
  }
  for (const [key, slots] of inside) if (slots.length < enoughInNetwork) inside.delete(key);
  if (inside.size === 0) return [];
  const seen = new Map<number, number>();
  for (let slot = 0; slot < table.size; slot++) {
    const key = networkKey(table.high(slot), table.low(slot));
    if (inside.has(key)) seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  const cohort = known.find((k) => k.token === found.token.hash) ?? known.find((k) => overlap(k.members, found.members) >= 0.5);
  const out: Signal[] = [];
  for (const [key, slots] of inside) {
    const all = seen.get(key) ?? slots.length;
    if (slots.length / all < dominance) continue;
    const network = networkText(table.high(slots[0] as number), table.low(slots[0] as number));
    if (!cohort || cohort.networks.has(network)) continue;
    cohort.networks.add(network);
    const members = slots.map((slot) => people.member(slot, found.agent));
    const first = Math.min(...members.map((member) => member.first));
    const why = [
      ...found.why,
      { feature: "network_share", value: Math.round((slots.length / all) * 1e3) / 1e3, contribution: Math.log(slots.length / all / 0.5) },
    ];
    out.push({
      id: signalId("cohort", "cohort-network", network, first),
      detector: "cohort",
      rule: "cohort-network",
      title: text(language, "detect.cohort.network"),
      level: "high",
      actor: { kind: "network", id: network },
      first,
      last: Math.max(...members.map((member) => member.last)),
      count: members.reduce((sum, member) => sum + member.events, 0),
      score: scoreOf(why),
      why,
      evidence: members.flatMap((member) => member.evidence.slice(0, 1)).slice(0, 10),
      actionable: true,
    });
  }
  return out;
}

/** Share of `members` that `set` holds. */
function overlap(set: ReadonlySet<number>, members: readonly number[]): number {
  let both = 0;
  for (const slot of members) if (set.has(slot)) both++;
  return both / Math.max(1, members.length);
}
