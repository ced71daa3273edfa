import { up as runGuard } from "#app/up.ts";
import { textOption, type Command } from "../command.ts";
import { version } from "../version.ts";

/** `haechi up`: runs until SIGINT or SIGTERM; exit code 0 after a clean stop. */
export const up: Command = {
  name: "up",
  summary: "cli.up.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    await runGuard({
      configPath: textOption(context, "config"),
      env: context.env,
      cwd: process.cwd(),
      language: textOption(context, "lang") ? context.language : undefined,
      version: version(),
      signal: context.signal,
      say: (line) => void context.out(`${line}\n`),
      ...(context.options["json"] === true
        ? { onNotice: (notice) => void context.out(`${JSON.stringify(notice)}\n`), say: (line: string) => context.error(`${line}\n`) }
        : {}),
    });
    return 0;
  },
};
