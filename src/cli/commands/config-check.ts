import { loadConfig, configPath } from "#app/config/load-config.ts";
import { ConfigError } from "#app/config/config-error.ts";
import { text } from "#core/text/text.ts";
import { textOption, type Command } from "../command.ts";

/** `haechi config check [FILE]`: exit code 0 without faults, 1 with. */
export const configCheck: Command = {
  name: "config check",
  summary: "cli.config-check.summary",
  usage: "[FILE]",
  options: {},
  optionTexts: {},
  positionals: [0, 1],
  async run(context) {
    const path = configPath(context.arguments[0] ?? textOption(context, "config"), process.cwd());
    const json = context.options["json"] === true;
    try {
      loadConfig(path, context.env, process.cwd(), context.language);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (!json) context.error(`${text(context.language, error.key, error.params)}\n`);
      else {
        const faults = error.faults.map(({ line, column, field, key, params }) => ({ line, column, field, message: text(context.language, key, params) }));
        await context.out(`${JSON.stringify({ path, ok: false, faults })}\n`);
      }
      return 1;
    }
    if (json) await context.out(`${JSON.stringify({ path: path ?? null, ok: true, faults: [] })}\n`);
    else await context.out(`${path === undefined ? context.say("config.default") : context.say("config.ok", { path })}\n`);
    return 0;
  },
};
