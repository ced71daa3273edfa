import type { Proposal } from "#core/decision.ts";
import { sanitize } from "#core/sanitize.ts";
import type { CommandContext } from "./command.ts";
import { clockTime, spanText, type Paint } from "./render.ts";

/** A waiting proposal in two lines: what, why, until when, and how to answer. */
export function proposalText(proposal: Proposal, context: CommandContext, colours: Paint): string {
  const { id, target, reason, ttl, expires, verdict } = proposal;
  const asking = verdict.checks.filter(({ ok }) => !ok).map(({ why }) => `\n      ✗ ${sanitize(why, 300)}`);
  return `  ${colours.bold(id)}  ${context.say("cli.proposal.ban", { target: sanitize(target, 60), time: spanText(ttl * 1_000, context.language) })}  ${sanitize(reason, 120)}${asking.join("")}\n      ${colours.dim(context.say("cli.proposal.answer", { id, expires: clockTime(expires) }))}`;
}
