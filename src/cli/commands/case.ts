import type { CaseAnswer } from "#app/guard-methods.ts";
import { sanitize } from "#core/sanitize.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { clockTime, levelText, paint, spanText } from "../render.ts";
import { proposalText } from "../proposal-text.ts";
import { whyText } from "../scan-output.ts";

/** `haechi case ID`: the whole story of one case. */
export const showCase: Command = {
  name: "case",
  summary: "cli.case.summary",
  usage: "ID",
  options: {},
  optionTexts: {},
  positionals: [1, 1],
  async run(context) {
    const answer = await askOrDo<CaseAnswer>(context, "case", { id: context.arguments[0] });
    if (context.options["json"] === true) {
      await context.out(`${JSON.stringify(answer)}\n`);
      return 0;
    }
    const colours = paint(context.colour);
    const { actor, level, opened, updated, signals } = answer.case;
    const out = [
      `${levelText(level, context.language, colours)}  ${colours.bold(sanitize(actor.id, 100))}  ${clockTime(opened)} … ${clockTime(updated)} (${spanText(updated - opened, context.language)})`,
      "",
    ];
    for (const signal of signals) {
      out.push(
        `${clockTime(signal.first)}  ${colours.yellow(sanitize(signal.rule, 80))}  ${sanitize(signal.title, 120)} ×${signal.count}`,
        `    ${colours.dim(whyText(signal.why, signal.score, context.language))}`,
      );
      for (const { source, line, message } of signal.evidence) out.push(`    ${colours.dim(`${sanitize(source, 80)}:${line}`)}  ${sanitize(message, 200)}`);
      for (const member of (signal.members ?? []).slice(0, 30))
        out.push(`    ${sanitize(member.address, 60)} ×${member.events}  ${colours.dim(whyText(member.why, member.score, context.language))}`);
    }
    for (const proposal of answer.proposals.slice(0, 30)) {
      if (proposal.state === "pending") out.push("", proposalText(proposal, context, colours));
      else
        out.push(
          "",
          `  ${proposal.id}  ${context.say(`respond.state_${proposal.state}`)}  ${sanitize(proposal.target, 60)}  ${sanitize(proposal.decidedBy ?? "", 64)}`,
          ...proposal.verdict.checks.filter(({ ok }) => !ok).map(({ why }) => `      ✗ ${sanitize(why, 300)}`),
        );
    }
    for (const { id, target, state, until } of answer.decisions.slice(0, 30))
      out.push(`  ${id}  ${context.say(`cli.decision.${state}`)}  ${sanitize(target, 60)}  ${context.say("cli.until", { time: clockTime(until) })}`);
    await context.out(`${out.join("\n")}\n`);
    return 0;
  },
};
