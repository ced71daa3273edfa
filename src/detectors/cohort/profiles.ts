import type { LogEvent } from "#core/event.ts";
import type { CohortMember, Contribution, EvidenceReference } from "#core/signal.ts";
import { scoreOf } from "#core/signal.ts";
import type { LogRecord } from "#contracts/source.ts";
import { signIn, webRequest, type Behaviour } from "../behaviour/behaviour.ts";
import { lastUnmistakable } from "../behaviour/path-facts.ts";
import { sourceTable, type SourceTable } from "../behaviour/source-table.ts";
import { evidenceOf } from "../behaviour/trail.ts";
import { clamp, ratio } from "./statistics.ts";

/** What a source did, as numbers; one row a source. */
export interface Profiles {
  readonly table: SourceTable;
  /** Counts the event; gives the slot. */
  note(b: Behaviour, now: number): number;
  /** Keeps a line of a suspicious event: the first two and the latest. */
  keep(slot: number, b: Behaviour, event: LogEvent, record: LogRecord): void;
  /** The source's own posterior that it takes part, from its own events. `agent`: the agent string most members share, or 0. */
  explain(slot: number, agent: number): Contribution[];
  /** The same sum without making objects. */
  posterior(slot: number, agent: number): number;
  member(slot: number, agent: number): CohortMember;
  facts(slot: number): SourceFacts;
  held(slot: number): Held | undefined;
  /** Marks an account that has signed in. */
  userSucceeded(hash: number): void;
  snapshot(): unknown;
  restore(state: unknown): void;
}

export interface SourceFacts {
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly agent: number;
  readonly failures: number;
  readonly successes: number;
  readonly suspicious: number;
  /** Sign-ins posted to a form, and times that its page was loaded. */
  readonly forms: number;
  readonly pages: number;
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

const heldLimit = 50_000;
const userLimit = 65_536;
const names = 8;

export function profiles(cap: number): Profiles {
  let held = new Map<number, Held>();
  let users = new Set<number>();
  const table = sourceTable(cap, (slot) => held.delete(slot));
  const firstSeen = table.column("f64");
  const lastSeen = table.column("f64");
  const other = table.column("u32");
  const assets = table.column("u16");
  const pages = table.column("u16");
  const referrers = table.column("u16");
  const forms = table.column("u16");
  const attempts = table.column("u16");
  const failures = table.column("u16");
  const successes = table.column("u16");
  const unmistakable = table.column("u16");
  const probes = table.column("u16");
  const invalid = table.column("u16");
  const familiar = table.column("u16");
  const agents = table.column("u32");
  const up = (column: { data: Uint16Array }, slot: number): void => {
    const value = column.data[slot] as number;
    if (value < 65_535) column.data[slot] = value + 1;
  };
  const at = (column: { data: Uint16Array | Uint32Array }, slot: number): number => column.data[slot] as number;
  const noteWeb = (slot: number, b: Behaviour): void => {
    if (agents.data[slot] === 0) agents.data[slot] = b.agent.hash;
    if (b.webLogin) {
      if (b.status >= 500 || b.status === 429) return;
      up(attempts, slot);
      if (!b.path.api && b.method === "POST") up(forms, slot);
      if (b.failure) up(failures, slot);
      else if (b.path.api && b.success && b.status < 300) up(successes, slot);
      if (b.referrer) up(referrers, slot);
    } else if (suspiciousProbe(b)) {
      up(b.attack <= lastUnmistakable ? unmistakable : probes, slot);
    } else if (b.success || b.status === 401) {
      if (b.path.login) up(pages, slot);
      else if (b.path.asset) up(assets, slot);
      else if (b.success && b.attack < 0) other.data[slot] = at(other, slot) + 1;
    }
  };
  const noteSignIn = (slot: number, b: Behaviour): void => {
    if (b.kind !== signIn) return;
    up(attempts, slot);
    if (b.success) up(successes, slot);
    else {
      up(failures, slot);
      if (b.invalidUser) up(invalid, slot);
      if (users.has(b.userHash)) up(familiar, slot);
    }
  };
  /** Each term of a source's posterior; stated likelihood ratios of a member against a passer-by with the same token. */
  const terms = (slot: number, agent: number, give: (feature: string, value: number, contribution: number) => void): void => {
    const elsewhere = at(other, slot);
    if (elsewhere === 0 && at(assets, slot) === 0) give("only_this", 1, ratio(0.9, 0.1));
    else if (elsewhere > 0) give("other_pages", elsewhere, -1.2 * Math.min(4, elsewhere));
    if (at(assets, slot) > 0) give("assets", at(assets, slot), ratio(0.05, 0.9));
    const tried = at(attempts, slot);
    const failed = at(failures, slot);
    if (failed > 0) give("failures", failed, Math.min(3, failed) * ratio(0.95, 0.35));
    const unclear = tried - failed - at(successes, slot);
    if (unclear > 0) give("attempts", unclear, Math.min(3, unclear) * 0.3);
    if (at(successes, slot) > 0) give("success", at(successes, slot), Math.min(2, at(successes, slot)) * ratio(0.01, 0.8));
    if (tried > 0 && agents.data[slot] !== 0 && at(pages, slot) === 0 && elsewhere === 0) give("no_page_before", tried, ratio(0.8, 0.2));
    if (at(referrers, slot) > 0) give("referrer", at(referrers, slot), ratio(0.3, 0.8));
    if (at(unmistakable, slot) > 0) give("attack_path", at(unmistakable, slot), Math.min(2, at(unmistakable, slot)) * ratio(0.2, 0.002));
    if (at(probes, slot) > 0) give("probe_path", at(probes, slot), Math.min(2, at(probes, slot)) * ratio(0.2, 0.03));
    if (at(invalid, slot) > 0) give("invalid_user", at(invalid, slot), ratio(0.6, 0.2));
    if (at(familiar, slot) > 0) give("known_user", at(familiar, slot), -3);
    if (agent !== 0) give("agent", agents.data[slot] === agent ? 1 : 0, agents.data[slot] === agent ? ratio(0.8, 0.3) : ratio(0.2, 0.7) / 2);
  };
  const explain = (slot: number, agent: number): Contribution[] => {
    const why: Contribution[] = [{ feature: "base", value: 0.5, contribution: 0 }];
    terms(slot, agent, (feature, value, contribution) => why.push({ feature, value, contribution }));
    return why;
  };
  return {
    table,
    note(b, now) {
      const slot = table.touch(b.high, b.low);
      if (table.fresh) firstSeen.data[slot] = now;
      lastSeen.data[slot] = now;
      if (b.kind === webRequest) noteWeb(slot, b);
      else noteSignIn(slot, b);
      return slot;
    },
    keep(slot, b, event, record) {
      let found = held.get(slot);
      if (!found) {
        if (held.size >= heldLimit) for (const [oldest] of held) if (held.delete(oldest)) break;
        found = { offered: 0, address: b.address, evidence: [], first: b.time, last: b.time, users: [], paths: [] };
        held.set(slot, found);
      }
      found.first = Math.min(found.first, b.time);
      found.last = Math.max(found.last, b.time);
      const count = ++found.offered;
      // The latest line is renewed at powers of two: copying each one would cost more than all detection.
      if (count > 3 && (count & (count - 1)) !== 0) return;
      if (found.evidence.length >= 3) found.evidence.pop();
      found.evidence.push(evidenceOf(event, record));
      if (b.user !== "" && found.users.length < names && !found.users.includes(b.user)) found.users.push(b.user.slice(0, 200));
      if (b.kind === webRequest && found.paths.length < names && !found.paths.includes(b.path.path)) found.paths.push(b.path.path.slice(0, 300));
    },
    explain,
    posterior(slot, agent) {
      let sum = 0;
      terms(slot, agent, (_feature, _value, contribution) => (sum += contribution));
      return sum;
    },
    member(slot, agent) {
      const why = explain(slot, agent);
      const kept = held.get(slot);
      return {
        address: kept?.address ?? "",
        events:
          at(failures, slot) + at(unmistakable, slot) + at(probes, slot) + clamp(at(attempts, slot) - at(failures, slot) - at(successes, slot), 0, 65_535),
        first: kept?.first ?? (firstSeen.data[slot] as number),
        last: kept?.last ?? (lastSeen.data[slot] as number),
        score: scoreOf(why),
        why,
        evidence: [...(kept?.evidence ?? [])],
      };
    },
    facts: (slot) => ({
      firstSeen: firstSeen.data[slot] as number,
      lastSeen: lastSeen.data[slot] as number,
      agent: agents.data[slot] as number,
      failures: at(failures, slot),
      successes: at(successes, slot),
      suspicious: at(attempts, slot) + at(unmistakable, slot) + at(probes, slot),
      forms: at(forms, slot),
      pages: at(pages, slot),
    }),
    held: (slot) => held.get(slot),
    userSucceeded(hash) {
      if (users.size < userLimit) users.add(hash);
    },
    snapshot: () => ({ table: table.snapshot(), held: structuredClone(held), users: new Set(users) }),
    restore(state) {
      const from = state as { table: ReturnType<SourceTable["snapshot"]>; held: Map<number, Held>; users: Set<number> };
      table.restore(from.table);
      held = structuredClone(from.held);
      users = new Set(from.users);
    },
  };
}

/** A request for what only probers want: keys, exploits, dumps always; WordPress and its kin where the site has none. */
export function suspiciousProbe(b: Behaviour): boolean {
  return b.attack >= 0 && (b.attack <= lastUnmistakable || (b.attack <= 6 && b.failure));
}
