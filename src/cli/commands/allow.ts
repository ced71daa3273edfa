import type { ListEntry } from "#contracts/state-store.ts";
import { HaechiError } from "#core/error.ts";
import { sanitize } from "#core/sanitize.ts";
import { askOrDo } from "../guard-access.ts";
import { textOption, type Command } from "../command.ts";
import { clockTime, table } from "../render.ts";

/** `haechi allow`, `haechi allow add ADDR [--note TEXT]`, `haechi allow remove ADDR` (exit code 1 when it was not listed). */
export const allow: Command = {
  name: "allow",
  summary: "cli.allow.summary",
  usage: "[add ADDR | remove ADDR]",
  options: { note: { type: "string" } },
  optionTexts: { note: "cli.allow.option.note" },
  positionals: [0, 2],
  async run(context) {
    const [verb, target] = context.arguments;
    const json = context.options["json"] === true;
    if (verb === undefined) {
      const entries = await askOrDo<readonly ListEntry[]>(context, "allow", {});
      if (json) await context.out(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      else
        await context.out(
          entries.length === 0
            ? `${context.say("cli.allow.none")}\n`
            : table(
                entries.map(({ target: entry, note, by, at }) => [entry, note, by, clockTime(at)]),
                "",
              ),
        );
      return 0;
    }
    if ((verb !== "add" && verb !== "remove") || target === undefined)
      throw new HaechiError("cli.usage", "cli.too-few-arguments", { usage: `haechi allow ${this.usage}` });
    if (verb === "add") {
      const entry = await askOrDo<ListEntry>(context, "allow-add", { target, note: textOption(context, "note") });
      await context.out(json ? `${JSON.stringify(entry)}\n` : `${context.say("cli.allow.added", { target: entry.target })}\n`);
      return 0;
    }
    const { removed } = await askOrDo<{ removed: boolean }>(context, "allow-remove", { target });
    await context.out(
      json ? `${JSON.stringify({ removed })}\n` : `${context.say(removed ? "cli.allow.removed" : "cli.allow.unknown", { target: sanitize(target, 60) })}\n`,
    );
    return removed ? 0 : 1;
  },
};
