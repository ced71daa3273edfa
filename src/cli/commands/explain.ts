import { eventToJson } from "#core/event.ts";
import { sanitize } from "#core/sanitize.ts";
import { loadRuleSet } from "#app/builtins.ts";
import { explainEvent } from "#detectors/sigma-rules/explain-event.ts";
import { loadConfig } from "#app/config/load-config.ts";
import { textOption, type Command } from "../command.ts";
import { lineOptions, lineOptionTexts, lineParser } from "../line-parser.ts";
import { paint, table } from "../render.ts";

/** `haechi explain 'LINE'`: exit code 0 when a parser understood the line, 1 when none did. */
export const explain: Command = {
  name: "explain",
  summary: "cli.explain.summary",
  usage: "'LINE'",
  options: lineOptions,
  optionTexts: lineOptionTexts,
  positionals: [1, 1],
  async run(context) {
    const { config } = loadConfig(textOption(context, "config"), context.env, process.cwd(), context.language);
    const parser = lineParser(context, config);
    const event = parser.parse({ source: "-", text: context.arguments[0] as string, line: 1, offset: 0, writtenBy: Date.now() });
    const matches = event ? explainEvent(loadRuleSet(config, []), event, context.language) : [];
    if (context.options["json"] === true) {
      await context.out(`${JSON.stringify({ parser: event?.["event.module"] ?? null, event: event ? eventToJson(event) : null, matches })}\n`);
      return event ? 0 : 1;
    }
    const colours = paint(context.colour);
    if (!event) {
      await context.out(`${context.say("cli.explain.no-parser")}\n`);
      return 1;
    }
    const fields = Object.entries(eventToJson(event)).map(([field, value]): string[] => [field, String(value)]);
    await context.out(`${colours.bold(context.say("cli.explain.parser", { parser: String(event["event.module"] ?? "") }))}\n${table(fields)}\n`);
    if (matches.length === 0) await context.out(`${context.say("cli.explain.no-rule")}\n`);
    for (const { title, rule, level, why, counts } of matches) {
      const reasons = why.map(({ selection, field, value, pattern }) => `    ${sanitize(`${selection}: ${field ?? ""} ${value} ~ ${pattern}`, 300)}\n`);
      const counted = counts.length > 0 ? `    ${context.say("cli.explain.counts", { rules: counts.join(", ") })}\n` : "";
      await context.out(`${colours.yellow(sanitize(rule, 100))}  ${sanitize(title, 160)}  ${level}\n${reasons.join("")}${counted}`);
    }
    return 0;
  },
};
