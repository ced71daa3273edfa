import { doctor as look } from "#app/doctor.ts";
import { sanitize } from "#core/sanitize.ts";
import { configOf } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { paint } from "../render.ts";

/** `haechi doctor`: exit code 0 when nothing is broken (warnings are fine), 1 when something is. */
export const doctor: Command = {
  name: "doctor",
  summary: "cli.doctor.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    const { config, directory } = configOf(context);
    const findings = await look(config, directory);
    const colours = paint(context.colour);
    const marks = { ok: colours.green("✓"), warn: colours.yellow("!"), fail: colours.red("✗") };
    for (const { check, state, key, params } of findings) {
      const message = context.say(key, params);
      await context.out(context.options["json"] === true ? `${JSON.stringify({ check, state, message })}\n` : `${marks[state]} ${sanitize(message, 600)}\n`);
    }
    return findings.some(({ state }) => state === "fail") ? 1 : 0;
  },
};
