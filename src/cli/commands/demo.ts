import { demo as runDemo } from "#app/demo.ts";
import type { Command } from "../command.ts";
import { version } from "../version.ts";

/** `haechi demo`: runs until Ctrl+C, or with `--once` until the replay and its bans are over. */
export const demo: Command = {
  name: "demo",
  summary: "cli.demo.summary",
  usage: "",
  options: { approve: { type: "boolean" }, once: { type: "boolean" } },
  optionTexts: { approve: "cli.demo.option.approve", once: "cli.demo.option.once" },
  positionals: [0, 0],
  async run(context) {
    await runDemo({
      env: context.env,
      language: context.language,
      version: version(),
      signal: context.signal,
      approve: context.options["approve"] === true,
      once: context.options["once"] === true,
      say: (line) => void context.out(`${line}\n`),
    });
    return 0;
  },
};
