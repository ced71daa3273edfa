import { statSync } from "node:fs";
import { loadConfig } from "#app/config/load-config.ts";
import { detectorNames } from "#app/builtins.ts";
import { scanFiles } from "#app/scan-files.ts";
import type { Command } from "../command.ts";
import { listOption, textOption } from "../command.ts";
import { emit, emitFormats } from "../emit.ts";
import { progressBar } from "../progress.ts";
import { paint } from "../render.ts";
import { scanText } from "../scan-output.ts";
import { choiceOption, integerOption, timeOption, zoneOption } from "../time-option.ts";

/** `haechi scan FILE…`: exit code 0 nothing found, 1 attackers found, 2 error (also where nothing was found in what is left of a damaged file). */
export const scan: Command = {
  name: "scan",
  summary: "cli.scan.summary",
  usage: "FILE…",
  options: {
    emit: { type: "string" },
    since: { type: "string" },
    until: { type: "string" },
    timezone: { type: "string" },
    year: { type: "string" },
    rules: { type: "string", multiple: true },
    allow: { type: "string", multiple: true },
    threads: { type: "string" },
    limit: { type: "string" },
  },
  optionTexts: {
    emit: "cli.scan.option.emit",
    since: "cli.scan.option.since",
    until: "cli.scan.option.until",
    timezone: "cli.scan.option.timezone",
    year: "cli.scan.option.year",
    rules: "cli.scan.option.rules",
    allow: "cli.scan.option.allow",
    threads: "cli.scan.option.threads",
    limit: "cli.scan.option.limit",
  },
  positionals: [1, 10_000],
  async run(context) {
    const now = Date.now();
    const format = choiceOption(context, "emit", emitFormats);
    const { config } = loadConfig(textOption(context, "config"), context.env, process.cwd(), context.language);
    const colours = paint(context.colour);
    let bar: ReturnType<typeof progressBar> | undefined;
    const report = await scanFiles({
      patterns: context.arguments,
      config,
      env: context.env,
      since: timeOption(context, "since", now),
      until: timeOption(context, "until", now),
      timeZone: zoneOption(context, "timezone"),
      year: integerOption(context, "year", 1_970, 2_200),
      rules: listOption(context, "rules"),
      allow: listOption(context, "allow"),
      threads: integerOption(context, "threads", 1, detectorNames.length) ?? 1,
      now,
      language: context.language,
      signal: context.signal,
      onFiles(paths) {
        if (!context.terminal) return;
        const total = paths.reduce((sum, path) => sum + (path === "-" ? Number.NaN : statSync(path).size), 0);
        bar = progressBar(
          total || 0,
          context.columns,
          context.error,
          { rate: (rate) => context.say("cli.progress.rate", { rate }), left: (seconds) => context.say("cli.progress.left", { seconds }) },
          paint(context.terminal),
        );
      },
      onRefused: (words) => context.error(`${words}\n`),
      onProgress: (bytes, lines) => bar?.update(bytes, lines),
    }).finally(() => bar?.clear());
    if (context.options["json"] === true) await context.out(`${JSON.stringify(report)}\n`);
    else if (format)
      await context.out(
        emit(
          format,
          report.actors.flatMap(({ proposal }) => proposal ?? []),
        ),
      );
    else await context.out(scanText(report, { language: context.language, colours, limit: integerOption(context, "limit", 1, 1_000_000) ?? 20 }));
    const damaged = report.files.flatMap(({ error }) => error ?? []);
    for (const error of damaged) context.error(`haechi: ${error}\n`);
    const found = report.cohorts.length > 0 || report.actors.some(({ proposal, level }) => proposal !== null || level === "danger");
    return found ? 1 : damaged.length > 0 ? 2 : 0;
  },
};
