import type { AnswersResult } from "#app/guard-methods.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { answersOut } from "../answers.ts";
import { durationOption } from "../time-option.ts";

/** `haechi approve ID [--for 1h]`: exit code 0 when every proposal was approved, 1 when one was late or refused. */
export const approve: Command = {
  name: "approve",
  summary: "cli.approve.summary",
  usage: "ID",
  options: { for: { type: "string" }, override: { type: "boolean" } },
  optionTexts: { for: "cli.option.for", override: "cli.option.override" },
  positionals: [1, 1],
  async run(context) {
    const ttl = durationOption(context, "for");
    const result = await askOrDo<AnswersResult>(context, "approve", { id: context.arguments[0], ttl, override: context.options["override"] === true });
    return answersOut(result, "approved", context);
  },
};
