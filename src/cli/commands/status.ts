import type { GuardStatus } from "#app/guard-methods.ts";
import { sanitize } from "#core/sanitize.ts";
import { askOrDo, placeOf } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { levelText, paint, spanText, table } from "../render.ts";
import { proposalText } from "../proposal-text.ts";

/** `haechi status`: exit code 0, also when no guard runs (it says so). */
export const status: Command = {
  name: "status",
  summary: "cli.status.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    const { directory, language } = placeOf(context);
    const answer = await askOrDo<GuardStatus>(context, "status", {});
    if (context.options["json"] === true) {
      await context.out(`${JSON.stringify(answer)}\n`);
      return 0;
    }
    const colours = paint(context.colour);
    const out: string[] = [
      `${colours.bold(context.say("cli.level"))} ${levelText(answer.level, language, colours)} — ${context.say("cli.status.counts", { cases: answer.openCases, bans: answer.bans, pending: answer.pending, mode: context.say(`cli.mode.${answer.mode}`) })}`,
    ];
    if (!answer.running) out.push(context.say("cli.no-guard", { directory }));
    else out.push(context.say("cli.status.running", { time: spanText(Date.now() - (answer.started ?? Date.now()), language) }));
    if (answer.sources.length > 0) {
      const rows = answer.sources.map(({ id, lines, unparsed, lag, trouble }) => [
        id,
        context.say("cli.status.lines", { lines, unparsed }),
        trouble ?? (lag === null || lag === 0 ? "" : context.say("cli.status.lag", { bytes: lag })),
      ]);
      out.push("", colours.bold(context.say("cli.status.sources")), table(rows).trimEnd());
    }
    for (const { name, fault, held } of answer.enforcers)
      out.push(
        `  ${fault === undefined ? colours.green("✓") : colours.red("✗")} ${name}  ${fault === undefined ? context.say("cli.status.held", { held }) : sanitize(fault, 300)}`,
      );
    if (answer.proposals.length > 0) {
      out.push("", colours.bold(context.say("cli.status.waiting")));
      for (const proposal of answer.proposals.slice(0, 10)) out.push(proposalText(proposal, context, colours));
      if (answer.proposals.length > 10) out.push(`  ${context.say("cli.more", { n: answer.proposals.length - 10 })}`);
    }
    await context.out(`${out.join("\n")}\n`);
    return 0;
  },
};
