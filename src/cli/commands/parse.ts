import { eventToJson } from "#core/event.ts";
import { readRecords } from "#app/read-records.ts";
import { loadConfig } from "#app/config/load-config.ts";
import { textOption, type Command } from "../command.ts";
import { lineOptions, lineOptionTexts, lineParser } from "../line-parser.ts";

const together = 500;

/** `haechi parse FILE`: a JSON object a line, `{"line","parser","event"}`; `parser` null where nothing matched. */
export const parse: Command = {
  name: "parse",
  summary: "cli.parse.summary",
  usage: "FILE",
  options: lineOptions,
  optionTexts: lineOptionTexts,
  positionals: [1, 1],
  async run(context) {
    const { config } = loadConfig(textOption(context, "config"), context.env, process.cwd(), context.language);
    const [path = "-"] = context.arguments;
    const parser = lineParser(context, config, path);
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
