import { setTimeout as delay } from "node:timers/promises";
import { normalizeTarget } from "#core/ip.ts";
import { EnforcerError } from "../enforcer-error.ts";
import { asList, askLapi, isRecord, parseGoDuration, unexpectedAnswer } from "./lapi.ts";

export interface DecisionsStreamOptions {
  /** Where the local API listens. */
  readonly url: string;
  /** Key of `cscli bouncers add`. The server remembers what each key has seen: use it for nothing else. */
  readonly apiKey: string;
  /** Milliseconds between two looks; 10,000. */
  readonly interval?: number;
  /** Milliseconds one request may take; 15,000. */
  readonly timeout?: number;
}

/** A ban somebody else decided: CrowdSec's scenarios, its community, a person with `cscli`. */
export interface CrowdsecBan {
  /** The server's number of the decision; starts again with a new database. */
  readonly id: number;
  /** Canonical address or network. */
  readonly target: string;
  /** Epoch milliseconds. */
  readonly until: number;
  /** `crowdsec`, `cscli`, `CAPI`, `lists`, … */
  readonly origin: string;
  readonly scenario: string;
}

/** What changed since the last look; the first one holds everything that is active. */
export interface DecisionsChange {
  /** True for the first look: `added` is everything that holds. */
  readonly whole: boolean;
  readonly added: readonly CrowdsecBan[];
  readonly removed: readonly CrowdsecBan[];
}

/**
 * CrowdSec as a source of bans: what its decisions stream gives a bouncer, looked at again and again until `signal`
 * aborts. Only bans of addresses and networks, and none of our own. Looks without a change give nothing. Throws
 * EnforcerError when the server does not answer or refuses the key; start it again then, it begins with everything.
 */
export async function* decisionsStream(options: DecisionsStreamOptions, signal: AbortSignal): AsyncGenerator<DecisionsChange, void> {
  const { url, apiKey, interval = 10_000 } = options;
  for (let startup = true; !signal.aborted; startup = false) {
    // `dedup=false`: else a longer ban of ours on the same address would hide somebody else's.
    const answer = await askLapi(options, "GET", `/decisions/stream?startup=${startup}&dedup=false`, { "x-api-key": apiKey }, undefined, signal);
    const { status, body } = answer;
    if (status === 401 || status === 403) throw new EnforcerError("crowdsec-key", "enforce.crowdsecKey", { url, status });
    // Nothing at all is `null` on some versions.
    if (status !== 200 || (body !== null && !isRecord(body))) throw unexpectedAnswer("GET /v1/decisions/stream", answer);
    const now = Date.now();
    const added = asList(body?.["new"]).flatMap((entry) => readDecision(entry, now));
    const removed = asList(body?.["deleted"]).flatMap((entry) => readDecision(entry, now));
    if (startup || added.length > 0 || removed.length > 0) yield { whole: startup, added, removed };
    try {
      await delay(interval, undefined, { signal });
    } catch {
      return;
    }
  }
}

function readDecision(entry: unknown, now: number): CrowdsecBan[] {
  if (!isRecord(entry) || entry["type"] !== "ban" || entry["scenario"] === "haechi/ban" || entry["simulated"] === true) return [];
  const { id, scope, value, duration, origin, scenario } = entry;
  if (typeof id !== "number" || typeof value !== "string" || !/^(?:ip|range)$/i.test(String(scope))) return [];
  const target = normalizeTarget(value);
  const left = parseGoDuration(String(duration));
  return target === undefined || Number.isNaN(left) ? [] : [{ id, target, until: now + left, origin: String(origin), scenario: String(scenario) }];
}
