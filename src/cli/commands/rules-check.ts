import { readRuleFiles, shortPath } from "#app/rule-files.ts";
import { checkRules } from "#sigma/check.ts";
import { sanitize } from "#core/sanitize.ts";
import { paint } from "../render.ts";
import type { Command } from "../command.ts";

/** `haechi rules check DIR`: exit code 0 when every rule compiles, 1 when some are refused. */
export const rulesCheck: Command = {
  name: "rules check",
  summary: "cli.rules-check.summary",
  usage: "DIR…",
  options: {},
  optionTexts: {},
  positionals: [1, 1_000],
  async run(context) {
    const entries = checkRules(context.arguments.flatMap(readRuleFiles));
    const refused = entries.filter(({ ok }) => !ok);
    if (context.options["json"] === true) {
      await context.out(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      return refused.length > 0 ? 1 : 0;
    }
    const colours = paint(context.colour);
    for (const { path, title, error } of refused) {
      await context.out(
        `${colours.red("✗")} ${sanitize(shortPath(path), 200)}  ${sanitize(title ?? "", 100)}\n    ${sanitize(error?.field ?? "", 200)}: ${sanitize(error?.reason ?? "", 400)}\n`,
      );
    }
    await context.out(`${context.say("cli.rules-check.result", { ok: entries.length - refused.length, refused: refused.length })}\n`);
    return refused.length > 0 ? 1 : 0;
  },
};
