import { sanitize } from "#core/sanitize.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";

/** `haechi flush`: exit code 0 when every enforcer is clean, 1 when one could not be reached. */
export const flush: Command = {
  name: "flush",
  summary: "cli.flush.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    const { faults } = await askOrDo<{ faults: Record<string, string> }>(context, "flush", {});
    const failed = Object.entries(faults);
    if (context.options["json"] === true) await context.out(`${JSON.stringify({ faults })}\n`);
    else if (failed.length === 0) await context.out(`${context.say("cli.flush.done")}\n`);
    for (const [name, fault] of context.options["json"] === true ? [] : failed) context.error(`${name}: ${sanitize(fault, 300)}\n`);
    return failed.length === 0 ? 0 : 1;
  },
};
