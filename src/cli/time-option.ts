import { parseDuration } from "#core/duration.ts";
import { HaechiError } from "#core/error.ts";
import { textOption, type CommandContext } from "./command.ts";

/**
 * A point in time given as ISO 8601 (`2026-11-20`, `2026-11-20T09:00`, with or without zone) or as a duration before now
 * (`24h`); epoch milliseconds, undefined where the option is absent. Throws on anything else.
 */
export function timeOption(context: CommandContext, name: string, now: number): number | undefined {
  const value = textOption(context, name);
  if (value === undefined) return undefined;
  const ago = parseDuration(value);
  if (ago !== undefined && /[a-z]$/i.test(value)) return now - ago;
  const time = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw badOption(context, name, value, "cli.expected.time");
  return time;
}

/** An integer within bounds; throws on anything else. */
export function integerOption(context: CommandContext, name: string, least: number, most: number): number | undefined {
  const value = textOption(context, name);
  if (value === undefined) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) throw badOption(context, name, value, "cli.expected.integer", { least, most });
  return number;
}

/** One of a list of words; throws on anything else. */
export function choiceOption<T extends string>(context: CommandContext, name: string, choices: readonly T[]): T | undefined {
  const value = textOption(context, name);
  if (value === undefined || choices.includes(value as T)) return value as T | undefined;
  throw badOption(context, name, value, "cli.expected.choice", { choices: choices.join(", ") });
}

/** An IANA zone name; throws on anything else. */
export function zoneOption(context: CommandContext, name: string): string | undefined {
  const value = textOption(context, name);
  if (value === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: value }).resolvedOptions().timeZone;
  } catch {
    throw badOption(context, name, value, "cli.expected.zone");
  }
}

function badOption(
  context: CommandContext,
  option: string,
  value: string,
  expected: "cli.expected.time" | "cli.expected.integer" | "cli.expected.choice" | "cli.expected.zone" | "cli.expected.duration",
  params = {},
): HaechiError {
  return new HaechiError("cli.option", "cli.bad-option", { option, value: value.slice(0, 100), expected: context.say(expected, params) });
}

/** A duration like `4h`, in seconds; throws on anything else. */
export function durationOption(context: CommandContext, name: string): number | undefined {
  const value = textOption(context, name);
  if (value === undefined) return undefined;
  const duration = parseDuration(value);
  if (duration === undefined || duration < 1_000) throw badOption(context, name, value, "cli.expected.duration");
  return Math.round(duration / 1_000);
}
