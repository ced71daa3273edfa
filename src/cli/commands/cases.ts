import type { Case } from "#core/decision.ts";
import { sanitize } from "#core/sanitize.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { clockTime, levelText, paint } from "../render.ts";
import { integerOption } from "../time-option.ts";

/** `haechi cases [--open] [--limit N]`. */
export const cases: Command = {
  name: "cases",
  summary: "cli.cases.summary",
  usage: "",
  options: { open: { type: "boolean" }, limit: { type: "string" } },
  optionTexts: { open: "cli.cases.option.open", limit: "cli.cases.option.limit" },
  positionals: [0, 0],
  async run(context) {
    const list = await askOrDo<readonly Case[]>(context, "cases", {
      open: context.options["open"] === true,
      limit: integerOption(context, "limit", 1, 100_000),
    });
    if (context.options["json"] === true) {
      await context.out(list.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      return 0;
    }
    const colours = paint(context.colour);
    for (const { id, level, actor, updated, signals, state } of list) {
      const titles = [...new Set(signals.map(({ title }) => sanitize(title, 60)))].slice(-3).join(" · ");
      await context.out(
        `${colours.bold(id)}  ${levelText(level, context.language, colours)}  ${sanitize(actor.id, 60)}  ${clockTime(updated)}  ${titles}${state === "closed" ? `  ${colours.dim(context.say("cli.case.closed"))}` : ""}\n`,
      );
    }
    if (list.length === 0) await context.out(`${context.say("cli.cases.none")}\n`);
    return 0;
  },
};
