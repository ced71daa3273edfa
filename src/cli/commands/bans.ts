import type { Decision } from "#core/decision.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { clockTime, table } from "../render.ts";

/** `haechi bans [--all]`: bans that should hold now; with `--all` the whole ledger, newest first. */
export const bans: Command = {
  name: "bans",
  summary: "cli.bans.summary",
  usage: "",
  options: { all: { type: "boolean" } },
  optionTexts: { all: "cli.bans.option.all" },
  positionals: [0, 0],
  async run(context) {
    const list = await askOrDo<readonly Decision[]>(context, "bans", { all: context.options["all"] === true });
    if (context.options["json"] === true) {
      await context.out(list.map((decision) => `${JSON.stringify(decision)}\n`).join(""));
      return 0;
    }
    const who = ({ origin }: Decision): string => (origin.kind === "person" ? origin.name : origin.kind === "rule" ? origin.rule : origin.kind);
    const rows = list.map((decision) => [
      decision.id,
      decision.target,
      context.say(`cli.decision.${decision.state}`),
      context.say("cli.until", { time: clockTime(decision.until) }),
      who(decision),
      decision.reason,
    ]);
    await context.out(rows.length === 0 ? `${context.say("cli.bans.none")}\n` : table(rows, ""));
    return 0;
  },
};
