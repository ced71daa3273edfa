import { loadConfig } from "#app/config/load-config.ts";
import { loadRuleSet } from "#app/builtins.ts";
import { shortPath } from "#app/rule-files.ts";
import { textOption, type Command } from "../command.ts";
import { table } from "../render.ts";

/** `haechi rules list`: the rules in force, built-in and configured. */
export const rulesList: Command = {
  name: "rules list",
  summary: "cli.rules-list.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    const { config } = loadConfig(textOption(context, "config"), context.env, process.cwd(), context.language);
    const set = loadRuleSet(config, []);
    const rules = [...set.rules, ...set.correlations].map(({ rule }) => ({
      id: rule.id ?? null,
      name: rule.name ?? null,
      title: rule.title,
      level: rule.level ?? null,
      path: shortPath(rule.path),
    }));
    rules.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    if (context.options["json"] === true) await context.out(rules.map((rule) => `${JSON.stringify(rule)}\n`).join(""));
    else await context.out(table(rules.map(({ path, level, title }) => [path, level ?? "", title])));
    return 0;
  },
};
