import type { ParseArgsConfig } from "node:util";
import type { Language } from "#core/text/text.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";

/** What a command is run with. Nothing else of the process is touched, so tests can run commands in place. */
export interface CommandContext {
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly language: Language;
  /** Writes to standard output, obeying back-pressure: resolves when the stream can take more. */
  out(text: string): Promise<void>;
  /** Writes to standard error. */
  error(text: string): void;
  /** A text of the operator's language. */
  say(key: TextKey, params?: TextParams): string;
  readonly colour: boolean;
  /** Standard error is a terminal: progress may be drawn there. */
  readonly terminal: boolean;
  readonly columns: number;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** One command of the program; a file each. */
export interface Command {
  /** `scan`, or `rules check` for a sub-command. */
  readonly name: string;
  readonly summary: TextKey;
  /** Arguments as the usage line shows them. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** What each option means, for `--help`. */
  readonly optionTexts: Readonly<Record<string, TextKey>>;
  /** Fewest and most positional arguments. */
  readonly positionals: readonly [number, number];
  /** Exit code: 0 done, 1 the command's own "no" (see its page), 2 error. */
  run(context: CommandContext): Promise<number>;
}

/** Options that every command has. */
export const commonOptions = {
  json: { type: "boolean" },
  lang: { type: "string" },
  config: { type: "string", short: "c" },
  help: { type: "boolean", short: "h" },
} as const satisfies NonNullable<ParseArgsConfig["options"]>;

/** The option's value if it was given as text. */
export function textOption(context: CommandContext, name: string): string | undefined {
  const value = context.options[name];
  return typeof value === "string" ? value : undefined;
}

/** Every value of an option that may be given more than once. */
export function listOption(context: CommandContext, name: string): readonly string[] {
  const value = context.options[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : typeof value === "string" ? [value] : [];
}
