import { adaptiveParser } from "#pipeline/adaptive-parser.ts";
import { eventToJson } from "#core/event.ts";
import { parserOfFile } from "#app/scan-files.ts";
import { readRecords } from "#app/read-records.ts";
import { parserContext, parserPlugins } from "#app/builtins.ts";
import { loadConfig } from "#app/config/load-config.ts";
import { textOption, type Command } from "../command.ts";
import { integerOption, zoneOption } from "../time-option.ts";

const together = 500;

/** `haechi parse FILE`: a JSON object a line, `{"line","parser","event"}`; `parser` null where nothing matched. */
export const parse: Command = {
  name: "parse",
  summary: "cli.parse.summary",
  usage: "FILE",
  options: { timezone: { type: "string" }, year: { type: "string" }, format: { type: "string" } },
  optionTexts: { timezone: "cli.scan.option.timezone", year: "cli.scan.option.year", format: "cli.parse.option.format" },
  positionals: [1, 1],
  async run(context) {
    const { config } = loadConfig(textOption(context, "config"), context.env, process.cwd(), context.language);
    const [path = "-"] = context.arguments;
    const given = { timeZone: zoneOption(context, "timezone"), year: integerOption(context, "year", 1_970, 2_200) };
    const format = textOption(context, "format");
    const parser = format === undefined ? parserOfFile(path, config, given) : adaptiveParser(parserPlugins(config, format), parserContext(config, given));
    let out: string[] = [];
    for await (const record of readRecords(path, context.signal)) {
      const event = parser.parse(record);
      out.push(JSON.stringify({ line: record.line, parser: event?.["event.module"] ?? null, event: event ? eventToJson(event) : null }));
      if (out.length >= together) {
        await context.out(`${out.join("\n")}\n`);
        out = [];
      }
    }
    if (out.length > 0) await context.out(`${out.join("\n")}\n`);
    return 0;
  },
};
