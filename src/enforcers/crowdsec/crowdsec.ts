import type { Enforcer, SyncReport } from "#contracts/enforcer.ts";
import type { Ban } from "#core/decision.ts";
import { isoTime } from "#core/event.ts";
import { normalizeTarget } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import { text, type Language } from "#core/text/text.ts";
import { allowlisted } from "./allowlists.ts";
import { asList, goDuration, isRecord, lapiMachine, parseGoDuration, unexpectedAnswer } from "./lapi.ts";

export interface CrowdsecOptions {
  /** Where the local API listens. */
  readonly url: string;
  /** Name and password of `cscli machines add`. */
  readonly machine: string;
  readonly password: string;
  /** Milliseconds one request may take; 15,000. */
  readonly timeout?: number;
  /** What this server is called as a source of bans: those are its own decisions and are not given back to it. */
  readonly feed?: string | undefined;
  /** Of the reasons why a ban does not hold; English. */
  readonly language?: Language;
}

/** Marks our decisions; alerts are found by it. */
const scenario = "haechi/ban";
/** Decided by a machine of this server. CrowdSec 1.4 lists (`cscli decisions list`) only origins it knows itself. */
const origin = "crowdsec";
/** Evidence lines sent with a ban: the server keeps them all. */
const sampled = 10;
/** Alerts in one request, and requests at once. */
const batch = 100;
const parallel = 8;
/** Ends closer than this are the same: a ban starts when the server gets it. */
const slack = 5_000;

/** A decision of ours that is active. */
interface Held extends Ban {
  readonly id: number;
}

/**
 * Bans as decisions of CrowdSec's local API, for the bouncers an operator already has. Each ban is an alert of our own
 * machine with one decision, the true count of its events and up to 10 of them; it counts as held after 201 and after it was read back among the active decisions. Only
 * decisions of our own machine are ever deleted, each by its id. The server keeps 5,000 alerts by default
 * (`db_config.flush.max_items`): raise that for more bans.
 */
export function crowdsecEnforcer(options: CrowdsecOptions): Enforcer {
  const { language = "en" } = options;
  const machine = lapiMachine(options);

  const active = async (signal: AbortSignal): Promise<Held[]> => {
    // `limit=0` means all. CrowdSec 1.4 never answers when limit is above the number of alerts and above 100.
    const answer = await machine.ask("GET", `/alerts?scenario=${encodeURIComponent(scenario)}&has_active_decision=true&limit=0`, undefined, signal);
    if (answer.status !== 200) throw unexpectedAnswer("GET /v1/alerts", answer);
    return asList(answer.body).flatMap((alert) => readAlert(alert, machine.machine, Date.now()));
  };

  const post = async (bans: readonly Ban[], signal: AbortSignal): Promise<void> => {
    for (let i = 0; i < bans.length; i += batch) {
      const answer = await machine.ask("POST", "/alerts", bans.slice(i, i + batch).map(makeAlert), signal);
      if (answer.status !== 201) throw unexpectedAnswer("POST /v1/alerts", answer);
    }
  };

  const remove = (held: readonly Held[], signal: AbortSignal): Promise<void> =>
    inParallel(held, async ({ id }) => {
      const answer = await machine.ask("DELETE", `/decisions/${id}`, undefined, signal);
      // 404: it ended meanwhile.
      if (answer.status !== 200 && answer.status !== 404) throw unexpectedAnswer("DELETE /v1/decisions", answer);
    });

  return {
    name: "crowdsec",
    async sync(desired, signal): Promise<SyncReport> {
      signal.throwIfAborted();
      const now = Date.now();
      const wanted = new Map<string, Ban>();
      for (const ban of desired)
        if ((ban.feed === undefined || ban.feed !== options.feed) && ban.until > now && ban.until > (wanted.get(ban.target)?.until ?? 0))
          wanted.set(ban.target, ban);
      const before = await active(signal);
      const kept = new Map<string, Held>();
      for (const held of before) {
        const ban = wanted.get(held.target);
        if (ban && matches(held, ban) && !kept.has(held.target)) kept.set(held.target, held);
      }
      const missing = [...wanted.values()].filter((ban) => !kept.has(ban.target));
      const failed: { target: string; reason: string }[] = [];
      const refused = await allowlisted(
        machine,
        missing.map((ban) => ban.target),
        signal,
      );
      const adding: Ban[] = [];
      for (const ban of missing) {
        const list = refused.get(ban.target);
        if (list === undefined) adding.push(ban);
        else failed.push({ target: ban.target, reason: text(language, "enforce.crowdsecAllowlisted", { reason: list }) });
      }
      await post(adding, signal);
      const after = adding.length === 0 ? before : await active(signal);
      const holding = new Map<string, Held>(kept);
      for (const held of after) {
        const ban = wanted.get(held.target);
        if (ban && matches(held, ban) && !holding.has(held.target)) holding.set(held.target, held);
      }
      let added = 0;
      for (const ban of adding) {
        if (holding.has(ban.target)) added++;
        else failed.push({ target: ban.target, reason: text(language, "enforce.crowdsecNotHeld") });
      }
      // Old decisions go last, so that a ban whose end moves is never open in between.
      const stale = after.filter(
        (held) => holding.get(held.target)?.id !== held.id && (!wanted.has(held.target) || holding.has(held.target) || refused.has(held.target)),
      );
      await remove(stale, signal);
      const removed = new Set(stale.map((held) => held.target).filter((target) => !holding.has(target))).size;
      return { added, removed, kept: kept.size, failed };
    },
    async list(signal) {
      signal.throwIfAborted();
      const longest = new Map<string, Held>();
      for (const held of await active(signal)) if (held.until > (longest.get(held.target)?.until ?? 0)) longest.set(held.target, held);
      return [...longest.values()].map(({ target, until, decision, reason }) => ({ target, until, decision, reason }));
    },
    async flush(signal) {
      signal.throwIfAborted();
      await remove(await active(signal), signal);
    },
    close: async () => {},
  };
}

const matches = (held: Held, ban: Ban): boolean => Math.abs(held.until - ban.until) <= slack;

/** The alert for one ban. Its times are now: the server counts the ban from `stop_at`, so an old one is born dead. */
function makeAlert(ban: Ban): unknown {
  const now = new Date().toISOString();
  const network = ban.target.includes("/");
  const scope = network ? "Range" : "Ip";
  const lines = (ban.evidence ?? []).slice(0, sampled);
  return {
    scenario,
    scenario_hash: "",
    scenario_version: "",
    message: `haechi ${ban.decision}: ${ban.reason}`,
    events_count: Math.max(1, lines.length, Math.trunc(ban.events ?? 1)),
    events: (lines.length > 0 ? lines : [{ time: Date.now(), message: ban.reason }]).map(({ time, message }) => ({
      timestamp: isoTime(time),
      meta: [{ key: "message", value: sanitize(message, 500) }],
    })),
    start_at: now,
    stop_at: now,
    capacity: 0,
    leakspeed: "0",
    simulated: false,
    source: { scope, value: ban.target, ...(network ? { range: ban.target } : { ip: ban.target }) },
    decisions: [{ origin, type: "ban", scope, value: ban.target, duration: goDuration(ban.until - Date.now()), scenario, simulated: false }],
  };
}

/** Our active decisions in one alert; none for an alert of somebody else. */
function readAlert(alert: unknown, machine: string, now: number): Held[] {
  if (!isRecord(alert) || alert["machine_id"] !== machine) return [];
  const [, decision = "", reason = ""] = /^haechi (\S*): ([\s\S]*)$/.exec(String(alert["message"])) ?? [];
  return asList(alert["decisions"]).flatMap((entry) => {
    if (!isRecord(entry) || entry["origin"] !== origin || entry["scenario"] !== scenario) return [];
    const { id, value, duration } = entry;
    const target = typeof value === "string" ? normalizeTarget(value) : undefined;
    const left = parseGoDuration(String(duration));
    return typeof id === "number" && target !== undefined && left > 0 ? [{ id, target, until: now + left, decision, reason }] : [];
  });
}

/** Runs `work` for each item, a few at once; stops at the first error. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: Math.min(parallel, items.length) }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
