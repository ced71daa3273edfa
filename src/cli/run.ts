import { parseArgs } from "node:util";
import { HaechiError } from "#core/error.ts";
import { nearest } from "#core/nearest.ts";
import { sanitize } from "#core/sanitize.ts";
import { languageOf, text, type Language } from "#core/text/text.ts";
import { commonOptions, type Command, type CommandContext } from "./command.ts";
import { commandHelp, overview } from "./help.ts";
import { commands } from "./commands.ts";
import { version } from "./version.ts";

/** What of the process a run may touch. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** Runs one command line (without node and script) and gives the exit code: 0, 1 (the command's own "no"), 2 (error). */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const language = wantedLanguage(argv, terminal.env);
  const fail = (message: string): number => {
    terminal.stderr.write(`haechi: ${message}\n`);
    return 2;
  };
  const [first, second] = argv;
  if (first === "--version" || first === "-V" || first === "version") return print(terminal, `haechi ${version()}\n`);
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    if (first !== "help" || second === undefined || second.startsWith("-")) return print(terminal, overview(language));
    const about = await findCommand(argv.slice(1));
    return about ? print(terminal, commandHelp(about.command, language)) : fail(unknownCommand(argv.slice(1), language));
  }
  const found = await findCommand(argv);
  if (!found) return fail(unknownCommand(argv, language));
  const { command, rest } = found;
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...rest], options: { ...commonOptions, ...command.options }, allowPositionals: true, strict: true });
  } catch (error) {
    return fail(`${optionFault(error, command, language)}\n  ${text(language, "cli.see-help", { command: command.name })}`);
  }
  const { lang } = parsed.values;
  if (typeof lang === "string" && lang !== "en" && lang !== "ko") {
    return fail(
      text(language, "cli.bad-option", { option: "lang", value: sanitize(lang, 60), expected: text(language, "cli.expected.choice", { choices: "en, ko" }) }),
    );
  }
  if (parsed.values["help"] === true) return print(terminal, commandHelp(command, language));
  const [fewest, most] = command.positionals;
  if (parsed.positionals.length < fewest || parsed.positionals.length > most) {
    return fail(
      text(language, parsed.positionals.length < fewest ? "cli.too-few-arguments" : "cli.too-many-arguments", {
        usage: `haechi ${command.name} ${command.usage}`,
      }),
    );
  }
  try {
    return await command.run(makeContext(parsed, terminal, language));
  } catch (error) {
    if (terminal.signal.aborted) return 130;
    return fail(errorText(error, language, terminal.env["HAECHI_DEBUG"] !== undefined));
  }
}

/** An error in the operator's words; with its cause, and for a defect of ours with where to look. */
export function errorText(error: unknown, language: Language, debug = false): string {
  if (error instanceof HaechiError) {
    // Paths and values in it come from outside; the line feeds are our own.
    const lines = `${text(language, error.key, error.params)}${debug && error.stack ? `\n${error.stack}` : ""}`.split("\n");
    return lines.map((line) => sanitize(line, 4_000)).join("\n");
  }
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return text(language, "cli.system-error", { message: sanitize(error.message) });
    return text(language, "cli.defect", { message: sanitize(debug ? (error.stack ?? error.message) : error.message, 8_000) });
  }
  return text(language, "cli.defect", { message: sanitize(String(error)) });
}

function wantedLanguage(argv: readonly string[], env: Terminal["env"]): Language {
  const at = argv.findIndex((argument) => argument === "--lang" || argument.startsWith("--lang="));
  const given = at < 0 ? undefined : (argv[at] as string).includes("=") ? (argv[at] as string).slice(7) : argv[at + 1];
  return given === "ko" || given === "en" ? given : languageOf(env);
}

async function findCommand(argv: readonly string[]): Promise<{ command: Command; rest: readonly string[] } | undefined> {
  for (const words of [2, 1]) {
    const load = commands[argv.slice(0, words).join(" ")];
    if (argv.length >= words && load) return { command: await load(), rest: argv.slice(words) };
  }
  return undefined;
}

/** What is wrong with words that name no command, and which was probably meant. */
function unknownCommand([first = "", second]: readonly string[], language: Language): string {
  const names = Object.keys(commands);
  const group = names.filter((name) => name.startsWith(`${first} `));
  const given = group.length > 0 && second !== undefined ? `${first} ${second}` : first;
  const meant =
    group.length === 0
      ? nearest(first, [...new Set(names.map((name) => name.split(" ")[0] as string))])
      : second === undefined
        ? undefined
        : nearest(given, group);
  if (meant !== undefined) return text(language, "cli.unknown-command-near", { command: sanitize(given, 60), meant });
  if (group.length > 0) return text(language, "cli.needs-subcommand", { command: first, known: group.join(", ") });
  return text(language, "cli.unknown-command", { command: sanitize(first, 60) });
}

function optionFault(error: unknown, command: Command, language: Language): string {
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /^Unknown option '(--?[^']*)'/.exec(message)?.[1];
  if (unknown === undefined) {
    // parseArgs (Node) tells in English of a value that is missing, or given to an option that takes none.
    const [, option, missing] = /^Option '(?:-\w, )?(--[\w-]+)(?: <value>)?' (argument (?:missing|is ambiguous))?/.exec(message) ?? [];
    return option === undefined ? sanitize(message) : text(language, missing === undefined ? "cli.option-without-value" : "cli.option-needs-value", { option });
  }
  const meant = nearest(unknown.replace(/^--?/, ""), Object.keys({ ...commonOptions, ...command.options }));
  return meant
    ? text(language, "cli.unknown-option-near", { option: sanitize(unknown), meant: `--${meant}` })
    : text(language, "cli.unknown-option", { option: sanitize(unknown) });
}

async function print(terminal: Terminal, output: string): Promise<number> {
  await write(terminal.stdout, output);
  return 0;
}

/** Writes and waits while the reader is slower than we are. */
function write(stream: NodeJS.WriteStream, output: string): Promise<void> {
  return stream.write(output) ? Promise.resolve() : new Promise((resolve) => stream.once("drain", () => resolve()));
}

function makeContext(parsed: ReturnType<typeof parseArgs>, terminal: Terminal, language: Language): CommandContext {
  const { env, stdout, stderr } = terminal;
  return {
    arguments: parsed.positionals,
    options: parsed.values as CommandContext["options"],
    env,
    language,
    out: (output) => write(stdout, output),
    error: (output) => void stderr.write(output),
    say: (key, params) => text(language, key, params),
    // https://no-color.org
    colour: stdout.isTTY && !env["NO_COLOR"] && env["TERM"] !== "dumb",
    terminal: stderr.isTTY && env["TERM"] !== "dumb",
    columns: stdout.columns ?? 100,
    signal: terminal.signal,
  };
}
