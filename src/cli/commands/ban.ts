import type { BanAnswer } from "#app/guard-methods.ts";
import { sanitize } from "#core/sanitize.ts";
import { askOrDo } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { clockTime, paint } from "../render.ts";
import { durationOption } from "../time-option.ts";

/** `haechi ban ADDR [--for 4h] [--override]`: exit code 0 when the ban holds, 1 when the guard refused or an enforcer failed. */
export const ban: Command = {
  name: "ban",
  summary: "cli.ban.summary",
  usage: "ADDR",
  options: { for: { type: "string" }, override: { type: "boolean" } },
  optionTexts: { for: "cli.option.for", override: "cli.option.override" },
  positionals: [1, 1],
  async run(context) {
    const ssh = context.env["SSH_CONNECTION"]?.split(" ")[0];
    const answer = await askOrDo<BanAnswer>(context, "ban", {
      target: context.arguments[0],
      ttl: durationOption(context, "for"),
      override: context.options["override"] === true,
      from: ssh,
    });
    const { verdict, decision } = answer;
    const held = decision !== undefined && decision.state !== "failed";
    if (context.options["json"] === true) {
      await context.out(`${JSON.stringify(answer)}\n`);
      return held ? 0 : 1;
    }
    const colours = paint(context.colour);
    if (decision)
      await context.out(
        `${context.say(`cli.decision.${decision.state}`)}  ${sanitize(decision.target, 60)}  ${context.say("cli.until", { time: clockTime(decision.until) })}  ${sanitize(decision.note ?? "", 300)}\n`,
      );
    else await context.out(`${colours.red(context.say("cli.ban.refused", { target: sanitize(verdict.target, 60) }))}\n`);
    for (const { ok, why, overridable } of verdict.checks) {
      if (!ok || !decision)
        await context.out(
          `  ${ok ? colours.green("✓") : colours.red("✗")} ${sanitize(why, 300)}${!ok && overridable && !decision ? `  (${context.say("cli.ban.overridable")})` : ""}\n`,
        );
    }
    return held ? 0 : 1;
  },
};
