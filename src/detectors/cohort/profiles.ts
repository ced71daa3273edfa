import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import type { CohortMember, Contribution, EvidenceReference } from "#core/signal.ts";
import { scoreOf } from "#core/signal.ts";
import type { LogRecord } from "#contracts/source.ts";
import { signIn, webRequest, type Behaviour } from "../behaviour/behaviour.ts";
import { attackClasses, lastUnmistakable } from "../behaviour/path-facts.ts";
import type { SourceTable, TableState } from "../behaviour/source-table.ts";
import { evidenceOf } from "../behaviour/trail.ts";
import { clamp, ratio } from "./statistics.ts";

/** What a source did, as numbers; one row a source. */
export interface Profiles {
  readonly table: SourceTable;
  /** Counts the event. */
  note(b: Behaviour, now: number): void;
  /** Keeps a line of a suspicious event: the first and the latest. */
  keep(slot: number, b: Behaviour, event: LogEvent, record: LogRecord): void;
  /** The source's own posterior that it takes part, from its own events. `agent`: the agent string most members share, or 0. */
  explain(slot: number, agent: number): Contribution[];
  /** The same sum without making objects. */
  posterior(slot: number, agent: number): number;
  member(slot: number, agent: number): CohortMember;
  firstSeen(slot: number): number;
  agent(slot: number): number;
  failures(slot: number): number;
  successes(slot: number): number;
  /** Events that speak against it. */
  suspicious(slot: number): number;
  /** Sign-ins posted to a form, and times that its page was loaded. */
  forms(slot: number): number;
  pages(slot: number): number;
  held(slot: number): Held | undefined;
  /** Marks an account that has signed in. */
  userSucceeded(hash: number): void;
  snapshot(): unknown;
  restore(state: unknown): void;
}

/** What is kept of a source with suspicious events. */
export interface Held {
  /** Lines offered so far. */
  offered: number;
  address: string;
  evidence: EvidenceReference[];
  first: number;
  last: number;
  users: string[];
  paths: string[];
}

const scriptClass = attackClasses.indexOf("script");

const heldLimit = 12_000;
const linesHeld = 2;
const userLimit = 65_536;
const names = 8;

/** Places of the counts in a source's row. */
const other = 0;
const assets = 1;
const pages = 2;
const referrers = 3;
const forms = 4;
const attempts = 5;
const failures = 6;
const successes = 7;
const unmistakable = 8;
const probes = 9;
const invalid = 10;
const familiar = 11;
const width = 12;

/** Terms of a source's posterior: stated likelihood ratios of a member against a passer-by with the same token. */
const terms = [
  "only_this",
  "other_pages",
  "assets",
  "failures",
  "attempts",
  "success",
  "page_before",
  "referrer",
  "attack_path",
  "probe_path",
  "invalid_user",
  "known_user",
  "agent",
] as const;
const onlyThis = ratio(0.9, 0.1);
const loadedAssets = ratio(0.05, 0.9);
const aFailure = ratio(0.95, 0.35);
const aSuccess = ratio(0.01, 0.8);
/** Of members one in five loads the page before it posts, of visitors four in five do. */
const noPageBefore = ratio(0.8, 0.2);
const pageBefore = ratio(0.2, 0.8);
const hasReferrer = ratio(0.3, 0.8);
const anAttackPath = ratio(0.2, 0.002);
const aProbePath = ratio(0.2, 0.03);
const anInvalidUser = ratio(0.6, 0.2);
const sharedAgent = ratio(0.8, 0.3);
const otherAgent = ratio(0.2, 0.7) / 2;

export function profiles(table: SourceTable): Profiles {
  let held = new Map<number, Held>();
  let users = new Set<number>();
  const group = table.group((slot) => void held.delete(slot));
  const firstSeen = group.column("f64");
  const counts = group.column("u16", width);
  const agents = group.column("u32");
  const up = (slot: number, which: number): void => {
    const at = slot * width + which;
    const value = counts.data[at] as number;
    if (value < 65_535) counts.data[at] = value + 1;
  };
  const at = (slot: number, which: number): number => counts.data[slot * width + which] as number;
  const noteWeb = (slot: number, b: Behaviour): void => {
    if (agents.data[slot] === 0) agents.data[slot] = b.agent.hash;
    if (b.webLogin) {
      if (b.status >= 500 || b.status === 429) return;
      up(slot, attempts);
      if (!b.path.api && b.method === "POST") up(slot, forms);
      if (b.failure) up(slot, failures);
      else if (b.success && (b.path.api ? b.status < 300 : at(slot, failures) > 0)) {
        // Forms answer as they please, but one that refused this source with an error and now does not has let it in.
        up(slot, successes);
      }
      if (b.referrer) up(slot, referrers);
    } else if (suspiciousProbe(b)) {
      up(slot, b.attack <= lastUnmistakable ? unmistakable : probes);
    } else if (b.success || b.status === 401) {
      if (b.path.login) up(slot, pages);
      else if (b.path.asset) up(slot, assets);
      // Pages of a PHP site are what its visitors load; the other attack classes get no credit where a site answers 200 to anything.
      else if (b.success && (b.attack < 0 || b.attack === scriptClass)) up(slot, other);
    }
  };
  const noteSignIn = (slot: number, b: Behaviour): void => {
    if (b.kind !== signIn) return;
    up(slot, attempts);
    if (b.success) up(slot, successes);
    else {
      up(slot, failures);
      if (b.invalidUser) up(slot, invalid);
      if (users.has(b.userHash)) up(slot, familiar);
    }
  };
  const values = new Float64Array(terms.length);
  const contributions = new Float64Array(terms.length);
  /** Fills the terms of a source; 0 where one does not apply. */
  const weigh = (slot: number, agent: number): void => {
    const row = counts.data;
    const from = slot * width;
    const elsewhere = row[from + other] as number;
    const loaded = row[from + assets] as number;
    values[0] = 1;
    contributions[0] = elsewhere === 0 && loaded === 0 ? onlyThis : 0;
    values[1] = elsewhere;
    contributions[1] = -1.2 * Math.min(4, elsewhere);
    values[2] = loaded;
    contributions[2] = loaded > 0 ? loadedAssets : 0;
    const tried = row[from + attempts] as number;
    const failed = row[from + failures] as number;
    const succeeded = row[from + successes] as number;
    values[3] = failed;
    contributions[3] = Math.min(3, failed) * aFailure;
    const unclear = Math.max(0, tried - failed - succeeded);
    values[4] = unclear;
    contributions[4] = Math.min(3, unclear) * 0.3;
    values[5] = succeeded;
    contributions[5] = Math.min(2, succeeded) * aSuccess;
    const origin = agents.data[slot] as number;
    const seen = (row[from + pages] as number) + elsewhere;
    values[6] = seen;
    contributions[6] = tried === 0 || origin === 0 ? 0 : seen === 0 ? noPageBefore : pageBefore;
    const referred = row[from + referrers] as number;
    values[7] = referred;
    contributions[7] = referred > 0 ? hasReferrer : 0;
    const attacked = row[from + unmistakable] as number;
    values[8] = attacked;
    contributions[8] = Math.min(2, attacked) * anAttackPath;
    const probed = row[from + probes] as number;
    values[9] = probed;
    contributions[9] = Math.min(2, probed) * aProbePath;
    const unknown = row[from + invalid] as number;
    values[10] = unknown;
    contributions[10] = unknown > 0 ? anInvalidUser : 0;
    const known = row[from + familiar] as number;
    values[11] = known;
    contributions[11] = known > 0 ? -3 : 0;
    values[12] = origin === agent ? 1 : 0;
    contributions[12] = agent === 0 ? 0 : origin === agent ? sharedAgent : otherAgent;
  };
  const explain = (slot: number, agent: number): Contribution[] => {
    const why: Contribution[] = [{ feature: "base", value: 0.5, contribution: 0 }];
    weigh(slot, agent);
    for (let i = 0; i < terms.length; i++) {
      const contribution = contributions[i] as number;
      if (contribution !== 0) why.push({ feature: terms[i] as (typeof terms)[number], value: values[i] as number, contribution });
    }
    return why;
  };
  return {
    table,
    note(b, now) {
      const { slot } = b;
      if (b.fresh) firstSeen.data[slot] = now;
      if (b.kind === webRequest) noteWeb(slot, b);
      else noteSignIn(slot, b);
    },
    keep(slot, b, event, record) {
      let found = held.get(slot);
      if (!found) {
        if (held.size >= heldLimit) for (const [oldest] of held) if (held.delete(oldest)) break;
        found = { offered: 0, address: ownString(b.address), evidence: [], first: b.time, last: b.time, users: [], paths: [] };
        held.set(slot, found);
      }
      found.first = Math.min(found.first, b.time);
      found.last = Math.max(found.last, b.time);
      const count = ++found.offered;
      // The latest line is renewed at powers of two: copying each one would cost more than all detection.
      if (count > linesHeld && (count & (count - 1)) !== 0) return;
      if (found.evidence.length >= linesHeld) found.evidence.pop();
      found.evidence.push(evidenceOf(b, event, record));
      if (b.user !== "" && found.users.length < names && !found.users.includes(b.user)) found.users.push(ownString(b.user.slice(0, 200)));
      if (b.kind === webRequest && found.paths.length < names && !found.paths.includes(b.path.path)) found.paths.push(b.path.path.slice(0, 300));
    },
    explain,
    posterior(slot, agent) {
      weigh(slot, agent);
      let sum = 0;
      for (let i = 0; i < contributions.length; i++) sum += contributions[i] as number;
      return sum;
    },
    member(slot, agent) {
      const why = explain(slot, agent);
      const kept = held.get(slot);
      return {
        address: kept?.address ?? "",
        events:
          at(slot, failures) + at(slot, unmistakable) + at(slot, probes) + clamp(at(slot, attempts) - at(slot, failures) - at(slot, successes), 0, 65_535),
        first: kept?.first ?? (firstSeen.data[slot] as number),
        last: kept?.last ?? (firstSeen.data[slot] as number),
        score: scoreOf(why),
        why,
        evidence: [...(kept?.evidence ?? [])],
      };
    },
    firstSeen: (slot) => firstSeen.data[slot] as number,
    agent: (slot) => agents.data[slot] as number,
    failures: (slot) => at(slot, failures),
    successes: (slot) => at(slot, successes),
    suspicious: (slot) => at(slot, attempts) + at(slot, unmistakable) + at(slot, probes),
    forms: (slot) => at(slot, forms),
    pages: (slot) => at(slot, pages),
    held: (slot) => held.get(slot),
    userSucceeded(hash) {
      if (users.size < userLimit) users.add(hash);
    },
    snapshot: () => ({
      table: group.snapshot(),
      held: new Map([...held].map(([slot, kept]) => [slot, { ...kept, evidence: [...kept.evidence], users: [...kept.users], paths: [...kept.paths] }])),
      users: new Set(users),
    }),
    restore(state) {
      const from = state as { table: TableState; held: Map<number, Held>; users: Set<number> };
      group.restore(from.table);
      held = structuredClone(from.held);
      users = new Set(from.users);
    },
  };
}

/** A request for what only probers want: keys, exploits, dumps always; WordPress and its kin where the site has none. */
export function suspiciousProbe(b: Behaviour): boolean {
  return b.attack >= 0 && (b.attack <= lastUnmistakable || (b.attack <= 6 && b.failure));
}
