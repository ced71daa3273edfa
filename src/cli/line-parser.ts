import type { Parser } from "#contracts/parser.ts";
import { parserContext, parserPlugins } from "#app/builtins.ts";
import type { Config } from "#app/config/schema.ts";
import { parserOfFile } from "#app/scan-files.ts";
import { adaptiveParser } from "#pipeline/adaptive-parser.ts";
import { textOption, type Command, type CommandContext } from "./command.ts";
import { integerOption, zoneOption } from "./time-option.ts";

/** What a command that reads lines is told of them. */
export const lineOptions = { timezone: { type: "string" }, year: { type: "string" }, format: { type: "string" } } as const satisfies Command["options"];
export const lineOptionTexts = {
  timezone: "cli.scan.option.timezone",
  year: "cli.scan.option.year",
  format: "cli.parse.option.format",
} as const satisfies Command["optionTexts"];

/** The parser of `--format`, else of the configured source that `path` belongs to, else one that chooses by content. */
export function lineParser(context: CommandContext, config: Config, path?: string): Parser {
  const given = { timeZone: zoneOption(context, "timezone"), year: integerOption(context, "year", 1_970, 2_200) };
  const format = textOption(context, "format");
  if (format === undefined && path !== undefined) return parserOfFile(path, config, given);
  return adaptiveParser(parserPlugins(config, format), parserContext(config, given));
}
