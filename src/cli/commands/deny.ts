import type { AnswersResult } from "#app/guard-methods.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { answersOut } from "../answers.ts";

/** `haechi deny ID [--allow]`: exit code 0 when every proposal was denied, 1 when an answer came too late. */
export const deny: Command = {
  name: "deny",
  summary: "cli.deny.summary",
  usage: "ID",
  options: { allow: { type: "boolean" } },
  optionTexts: { allow: "cli.deny.option.allow" },
  positionals: [1, 1],
  async run(context) {
    const id = context.arguments[0] as string;
    const result = await askOrDo<AnswersResult>(context, "deny", {
      id,
      allow: context.options["allow"] === true ? context.say("cli.deny.note", { id }) : undefined,
    });
    return answersOut(result, "denied", context);
  },
};
