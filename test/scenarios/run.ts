import type { LogEvent } from "#core/event.ts";
import type { Signal } from "#core/signal.ts";
import type { Detector } from "#contracts/detector.ts";
import type { ParserContext } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import { behaviourDetectors, type BehaviourOptions } from "#detectors/behaviour-detectors.ts";
import { accessLog } from "#parsers/access-log/access-log.ts";
import { sshd } from "#parsers/sshd/sshd.ts";
import { syslogPlugin } from "#parsers/syslog/syslog.ts";
import { linesOf, type Entry } from "./lines.ts";
import { scenario, type Scenario } from "./scenarios.ts";

const context: ParserContext = { timeZone: "UTC", year: undefined, trustedProxies: [] };

/** An event beside the record it was parsed from. */
export interface Parsed {
  readonly event: LogEvent;
  readonly record: LogRecord;
}

/** The log's lines through the real parsers, in the order in which they were written. */
export function parseEntries(entries: readonly Entry[]): Parsed[] {
  const web = accessLog.build(context);
  const auth = syslogPlugin([sshd]).build(context);
  const out: Parsed[] = [];
  const lines = { web: 0, ssh: 0 };
  for (const entry of entries) {
    for (const text of linesOf(entry)) {
      const record: LogRecord = {
        source: entry.kind === "web" ? "/var/log/nginx/access.log" : "/var/log/auth.log",
        text,
        line: ++lines[entry.kind],
        offset: -1,
        writtenBy: entry.time + 1_000,
      };
      const event = (entry.kind === "web" ? web : auth).parse(record);
      if (!event) throw new Error(`a generated line is not parsed: ${text}`);
      out.push({ event, record });
    }
  }
  return out;
}

/** Signals in the order in which they came. */
export function detect(parsed: readonly Parsed[], detectors: readonly Detector[]): Signal[] {
  const out: Signal[] = [];
  for (const { event, record } of parsed) for (const detector of detectors) out.push(...detector.observe(event, record));
  for (const detector of detectors) out.push(...detector.finish());
  return out;
}

/** What a scenario came to. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly signals: readonly Signal[];
  /** Addresses that an actionable signal names, itself or as members, with the event time at which it first did. */
  readonly accused: ReadonlyMap<string, number>;
  /** Networks that an actionable signal names. */
  readonly networks: readonly string[];
  readonly found: number;
  readonly missed: number;
  /** Innocents accused. */
  readonly wronged: readonly string[];
}

export function runScenario(name: string, seed: number, options: BehaviourOptions = {}): Outcome {
  const built = scenario(name, seed);
  const signals = detect(parseEntries(built.entries), behaviourDetectors(options));
  const accused = new Map<string, number>();
  const networks: string[] = [];
  // A cohort's latest state counts: who turned out to be a visitor is not accused.
  const latest = new Map(signals.map((signal) => [signal.id, signal]));
  const firstSeen = new Map<string, number>();
  for (const signal of signals) for (const address of addressesOf(signal)) if (!firstSeen.has(address)) firstSeen.set(address, signal.last);
  for (const signal of latest.values()) {
    if (!signal.actionable) continue;
    if (signal.actor.kind === "network") networks.push(signal.actor.id);
    for (const address of addressesOf(signal)) accused.set(address, firstSeen.get(address) ?? signal.last);
  }
  const found = [...built.attackers].filter((address) => accused.has(address)).length;
  return {
    scenario: built,
    signals,
    accused,
    networks,
    found,
    missed: built.attackers.size - found,
    wronged: [...accused.keys()].filter((address) => !built.attackers.has(address)),
  };
}

function addressesOf(signal: Signal): string[] {
  if (signal.actor.kind === "ip") return [signal.actor.id];
  return signal.members?.map((member) => member.address) ?? [];
}
