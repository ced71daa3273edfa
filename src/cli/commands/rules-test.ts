import { readRecords } from "#app/read-records.ts";
import { readRuleFiles } from "#app/rule-files.ts";
import { HaechiError } from "#core/error.ts";
import { testRules } from "#sigma/rule-test.ts";
import { listOption, textOption, type Command } from "../command.ts";

/** `haechi rules test --rules DIR --events FILE.ndjson`: a JSON line an event with the ids of the rules that match it. */
export const rulesTest: Command = {
  name: "rules test",
  summary: "cli.rules-test.summary",
  usage: "--rules DIR [--rules DIR]… --events FILE.ndjson",
  options: { rules: { type: "string", multiple: true }, events: { type: "string" } },
  optionTexts: { rules: "cli.rules-test.option.rules", events: "cli.rules-test.option.events" },
  positionals: [0, 0],
  async run(context) {
    const directories = listOption(context, "rules");
    const events = textOption(context, "events");
    if (directories.length === 0 || events === undefined)
      throw new HaechiError("cli.usage", "cli.too-few-arguments", { usage: `haechi ${this.name} ${this.usage}` });
    const files = directories.flatMap(readRuleFiles);
    for await (const result of testRules(files, readRecords(events, context.signal))) {
      await context.out(context.options["json"] === true ? `${JSON.stringify(result)}\n` : `${result.event}: ${result.matches.join(" ") || "-"}\n`);
    }
    return 0;
  },
};
