import type { Decision } from "#core/decision.ts";
import { sanitize } from "#core/sanitize.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";

/** `haechi unban ADDR`: exit code 0 when something was released, 1 when nothing was banned there. */
export const unban: Command = {
  name: "unban",
  summary: "cli.unban.summary",
  usage: "ADDR",
  options: {},
  optionTexts: {},
  positionals: [1, 1],
  async run(context) {
    const target = context.arguments[0] as string;
    const released = await askOrDo<readonly Decision[]>(context, "unban", { target });
    if (context.options["json"] === true) await context.out(`${JSON.stringify({ released })}\n`);
    else if (released.length === 0) await context.out(`${context.say("cli.unban.none", { target: sanitize(target, 60) })}\n`);
    for (const decision of context.options["json"] === true ? [] : released)
      await context.out(`${context.say("cli.decision.released")}  ${sanitize(decision.target, 60)}\n`);
    return released.length > 0 ? 0 : 1;
  },
};
