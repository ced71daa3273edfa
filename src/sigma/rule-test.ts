import { correlationEngine } from "./correlate.ts";
import { scalarText, textOf, type SigmaEvent } from "./fields.ts";
import { loadRules, type LoadOptions, type RuleFile } from "./load.ts";
import { numberIn } from "./match.ts";
import { isMap } from "./parse-rule.ts";

/** A line of `haechi rules test --json`. */
export interface TestLine {
  /** Line of the event in its file, counted from 1. */
  readonly event: number;
  /** Ids (else names, else titles) of the rules and correlations that match, in the order of the rules. */
  readonly matches: readonly string[];
  /** Why the line is no event. */
  readonly error?: string;
}

/** Fields that hold an event's time, the first that is there counts. */
const timeFields = ["@timestamp", "timestamp", "time", "_time", "EventTime", "UtcTime", "TimeCreated"];
const maxKeys = 100_000;
/** Events of a test file may stand in any order within a day. */
const lateTolerance = 86_400_000;

/**
 * Tries every rule on every event, whatever its `logsource`, with the event's fields as given (nested objects by dotted
 * names too). A correlation's id is in the matches of each event at which its condition holds. Time is read from the event
 * (ISO 8601, or epoch seconds or milliseconds); an event without one has the time of the event before it.
 */
export async function* testRules(
  files: readonly RuleFile[],
  events: AsyncIterable<{ readonly line: number; readonly text: string }>,
  options: LoadOptions = {},
): AsyncGenerator<TestLine> {
  const { rules, correlations } = loadRules(files, options);
  const engine = correlationEngine(correlations, { maxKeys, lateTolerance });
  let time = 0;
  for await (const { line, text } of events) {
    if (text.trim() === "") continue;
    let event: unknown;
    try {
      event = JSON.parse(text);
    } catch (error) {
      yield { event: line, matches: [], error: (error as Error).message };
      continue;
    }
    if (!isMap(event)) {
      yield { event: line, matches: [], error: "not a JSON object" };
      continue;
    }
    const given: SigmaEvent = event;
    time = eventTime(given) ?? time;
    const matched = rules.filter((rule) => rule.matches(given)).map(({ rule }) => rule);
    const count = numberIn(scalarText(given["haechi.count"]));
    const correlated = engine.observe(
      matched.map(({ key }) => key),
      given,
      time,
      count ?? 1,
    );
    const matches = [...matched, ...correlated.map(({ correlation }) => correlation.rule)].map(({ id, name, title }) => id ?? name ?? title);
    yield { event: line, matches: [...new Set(matches)] };
  }
}

/** Epoch milliseconds; undefined where the event has no time. */
export function eventTime(event: SigmaEvent): number | undefined {
  for (const field of timeFields) {
    const value = event[field];
    const text = textOf(isMap(value) ? (value["SystemTime"] ?? value["#attributes"]) : value);
    const time = typeof text === "string" ? readTime(text) : undefined;
    if (time !== undefined) return time;
  }
  return undefined;
}

function readTime(text: string): number | undefined {
  const number = numberIn(text);
  if (number !== undefined) {
    // Seconds until the year 5138, milliseconds from 1973 on; finer units by their size.
    const size = Math.abs(number);
    return size < 1e11 ? number * 1_000 : size < 1e14 ? number : size < 1e17 ? number / 1e3 : number / 1e6;
  }
  // A date without a zone is UTC, as Sysmon's `UtcTime` is.
  const iso = /^\s*(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(Z|[+-]\d{2}:?\d{2})?\s*$/i.exec(text.slice(0, 64));
  if (!iso) {
    const other = Date.parse(text.slice(0, 64));
    return Number.isNaN(other) ? undefined : other;
  }
  const zone = iso[3] === undefined ? "Z" : iso[3].toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
  const parsed = Date.parse(`${iso[1]}T${(iso[2] as string).replace(",", ".").replace(/(\.\d{3})\d+/, "$1")}${zone}`);
  return Number.isNaN(parsed) ? undefined : parsed;
}
