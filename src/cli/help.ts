import type { TextKey } from "#core/text/en.ts";
import { text, type Language } from "#core/text/text.ts";
import { commonOptions, type Command } from "./command.ts";
import { overviewGroups } from "./commands.ts";

const commonTexts = {
  json: "cli.option.json",
  lang: "cli.option.lang",
  config: "cli.option.config",
  help: "cli.option.help",
} as const satisfies Record<keyof typeof commonOptions, TextKey>;

/** Help of one command: usage, what it does, its options. */
export function commandHelp(command: Command, language: Language): string {
  const rows = Object.entries({ ...command.options, ...commonOptions }).map(([name, option]): readonly [string, string] => {
    const flag = `${"short" in option && option.short ? `-${option.short}, ` : "    "}--${name}${option.type === "string" ? " VALUE" : ""}`;
    const key = command.optionTexts[name] ?? commonTexts[name as keyof typeof commonTexts];
    return [flag, key === undefined ? "" : text(language, key)];
  });
  const usage = `haechi ${command.name}${command.usage ? ` ${command.usage}` : ""}`;
  return `${text(language, "cli.usage", { usage })}\n\n  ${text(language, command.summary)}\n\n${text(language, "cli.options")}\n${table(rows)}`;
}

/** What `haechi` alone prints: every command with a line, most needed first. */
export function overview(language: Language): string {
  const parts = overviewGroups.map(
    ({ title, commands }) => `${text(language, title)}\n${table(commands.map(([name, key]) => [name, text(language, key)] as const))}`,
  );
  return `${text(language, "cli.tagline")}\n\n${parts.join("\n")}\n${text(language, "cli.more-help")}\n`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}\n`).join("");
}
