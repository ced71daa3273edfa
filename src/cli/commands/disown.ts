import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { sanitize } from "#core/sanitize.ts";

/** `haechi disown ADDR`: the sign-ins of an address protect it no more (a password was stolen). Exit code 0. */
export const disown: Command = {
  name: "disown",
  summary: "cli.disown.summary",
  usage: "ADDR",
  options: {},
  optionTexts: {},
  positionals: [1, 1],
  async run(context) {
    const target = context.arguments[0] as string;
    await askOrDo<null>(context, "disown", { target });
    await context.out(
      context.options["json"] === true ? `${JSON.stringify({ disowned: target })}\n` : `${context.say("cli.disown.done", { target: sanitize(target, 60) })}\n`,
    );
    return 0;
  },
};
