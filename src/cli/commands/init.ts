import { fileURLToPath } from "node:url";
import { init as writeFiles } from "#app/init.ts";
import { textOption, type Command } from "../command.ts";

/** `haechi init [--directory DIR] [--force]`: exit code 0 when everything was written, 1 when something existed. */
export const init: Command = {
  name: "init",
  summary: "cli.init.summary",
  usage: "",
  options: { directory: { type: "string" }, force: { type: "boolean" } },
  optionTexts: { directory: "cli.init.option.directory", force: "cli.init.option.force" },
  positionals: [0, 0],
  async run(context) {
    const program = fileURLToPath(new URL("../../../bin/haechi", import.meta.url));
    const results = writeFiles(textOption(context, "directory") ?? process.cwd(), program, context.language, context.options["force"] === true);
    if (context.options["json"] === true) await context.out(`${JSON.stringify(results)}\n`);
    else for (const { path, written } of results) await context.out(`${context.say(written ? "cli.init.written" : "cli.init.exists", { path })}\n`);
    if (context.options["json"] !== true) await context.out(`${context.say("cli.init.next")}\n`);
    return results.every(({ written }) => written) ? 0 : 1;
  },
};
