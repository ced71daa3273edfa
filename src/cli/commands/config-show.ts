import { stringify } from "yaml";
import { loadConfig } from "#app/config/load-config.ts";
import { textOption, type Command } from "../command.ts";

/** `haechi config show`: the configuration in force, secrets blotted out. Durations are milliseconds. */
export const configShow: Command = {
  name: "config show",
  summary: "cli.config-show.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    const { config, path } = loadConfig(textOption(context, "config"), context.env, process.cwd(), context.language);
    // Through JSON: a secret prints as `[secret]` there.
    const plain = JSON.parse(JSON.stringify(config)) as unknown;
    if (context.options["json"] === true) await context.out(`${JSON.stringify({ path: path ?? null, config: plain })}\n`);
    else await context.out(`# ${path ?? context.say("config.default")}\n${stringify(plain)}`);
    return 0;
  },
};
