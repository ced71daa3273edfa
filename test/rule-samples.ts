import { globSync, readFileSync } from "node:fs";
import type { Detector } from "#contracts/detector.ts";
import type { ParserContext, ParserPlugin } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { LogEvent } from "#core/event.ts";
import type { Signal } from "#core/signal.ts";

/** Lines that belong together. `fires` = other rules that rightly act on them. */
export interface Scenario {
  readonly lines: readonly string[];
  readonly fires: readonly string[];
}

/**
 * The samples beside a rule: scenarios are parted by blank lines, `# ` begins a comment, `# x 50` makes the next line count 50
 * times, `# fires NAME` names another rule that rightly acts.
 */
export interface RuleSamples {
  /** Name of the rule: the file's name without ending. */
  readonly name: string;
  readonly match: readonly Scenario[];
  readonly ignore: readonly Scenario[];
}

export interface ParsedLine {
  readonly record: LogRecord;
  readonly event: LogEvent;
}

export function ruleSamples(): RuleSamples[] {
  return globSync("rules/*/*.yml")
    .toSorted()
    .map((path) => {
      const read = (kind: string): Scenario[] => scenarios(readFileSync(path.replace(/yml$/, `${kind}.log`), "utf8"));
      return { name: path.replace(/^.*\/|\.yml$/g, ""), match: read("match"), ignore: read("ignore") };
    });
}

function scenarios(text: string): Scenario[] {
  return text.split(/\n\s*\n/).map((part) => {
    const lines: string[] = [];
    const fires: string[] = [];
    let times = 1;
    for (const line of part.split("\n")) {
      const [, directive, value] = /^# (x|fires) (\S+)$/.exec(line) ?? [];
      if (directive === "x") times = Number(value);
      else if (directive === "fires") fires.push(value as string);
      else if (line !== "" && !line.startsWith("# ")) {
        for (let i = 0; i < times; i++) lines.push(line);
        times = 1;
      }
    }
    return { lines, fires };
  });
}

const context: ParserContext = { timeZone: "UTC", year: 2026, trustedProxies: [] };

/** Lines as events of the first parser that knows them; throws where none does, for a sample nobody can read proves nothing. */
export function parseLines(lines: readonly string[], plugins: readonly ParserPlugin[]): ParsedLine[] {
  const parsers = plugins.map((plugin) => ({ plugin, parser: plugin.build(context) }));
  return lines.map((text, index) => {
    const record: LogRecord = { source: "sample.log", text, line: index + 1, offset: index * 200, writtenBy: Date.UTC(2026, 10, 21) };
    for (const { plugin, parser } of parsers) {
      const event = plugin.recognizes(text) ? parser.parse(record) : undefined;
      if (event) return { record, event };
    }
    throw new Error(`no parser knows: ${text}`);
  });
}

export function runDetector(detector: Detector, lines: readonly ParsedLine[]): Signal[] {
  return [...lines.flatMap(({ event, record }) => [...detector.observe(event, record)]), ...detector.finish()];
}
