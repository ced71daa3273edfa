import { wardenMain } from "#warden/main.ts";
import { textOption, type Command } from "../command.ts";

/** `haechi warden`: the small root process; its own argument check is the one that counts. */
export const warden: Command = {
  name: "warden",
  summary: "cli.warden.summary",
  usage: "--socket PATH --user NAME [--backend nftables|ufw]",
  options: {
    socket: { type: "string" },
    user: { type: "string" },
    backend: { type: "string" },
    prefix4: { type: "string" },
    prefix6: { type: "string" },
    "while-stdin": { type: "boolean" },
  },
  optionTexts: {
    socket: "cli.warden.option.socket",
    user: "cli.warden.option.user",
    backend: "cli.warden.option.backend",
    prefix4: "cli.warden.option.prefix4",
    prefix6: "cli.warden.option.prefix6",
    "while-stdin": "cli.warden.option.while-stdin",
  },
  positionals: [0, 0],
  run(context) {
    const args = ["socket", "user", "backend", "prefix4", "prefix6"].flatMap((name) => {
      const value = textOption(context, name);
      return value === undefined ? [] : [`--${name}`, value];
    });
    return wardenMain(context.options["while-stdin"] === true ? [...args, "--while-stdin"] : args, context.env);
  },
};
