import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { askGuard } from "#app/control-client.ts";
import type { ControlMethods } from "#app/control-server.ts";
import { ConfigError } from "#app/config/config-error.ts";
import { configuredLanguage, loadConfig, stateDirectory, statePlace, type LoadedConfig } from "#app/config/load-config.ts";
import { HaechiError } from "#core/error.ts";
import type { Language } from "#core/text/text.ts";
import { textOption, type CommandContext } from "./command.ts";

/** The configuration as this command sees it. An explicit `--lang` wins over the file. */
export function configOf(context: CommandContext): LoadedConfig & { readonly directory: string; readonly socket: string; readonly language: Language } {
  const loaded = loadConfig(textOption(context, "config"), context.env, process.cwd(), context.language);
  const directory = stateDirectory(loaded.config, context.env, process.getuid?.());
  return {
    ...loaded,
    directory,
    socket: join(directory, "guard.sock"),
    language: textOption(context, "lang") ? context.language : configuredLanguage(loaded.config, context.env),
  };
}

/** Where a running guard can be asked, also while the configuration file is faulty; `fault` says why there is no `loaded` one then. */
export function placeOf(context: CommandContext): {
  readonly loaded: ReturnType<typeof configOf> | undefined;
  readonly directory: string;
  readonly socket: string;
  readonly language: Language;
  readonly fault: unknown;
} {
  try {
    const loaded = configOf(context);
    return { loaded, directory: loaded.directory, socket: loaded.socket, language: loaded.language, fault: undefined };
  } catch (fault) {
    const place = fault instanceof ConfigError ? statePlace(textOption(context, "config"), context.env, process.cwd()) : undefined;
    if (!place) throw fault;
    const directory = stateDirectory(place.config, context.env, process.getuid?.());
    const language = textOption(context, "lang") ? context.language : configuredLanguage(place.config, context.env);
    return { loaded: undefined, directory, socket: join(directory, "guard.sock"), language, fault };
  }
}

/**
 * Asks the running guard, else does it on the state itself: commands work the same while no guard runs. Firewall timeouts
 * end bans in the kernel either way. What only reads opens the state beside whoever writes it and touches no firewall.
 */
export async function askOrDo<T>(context: CommandContext, method: string, params: Readonly<Record<string, unknown>>): Promise<T> {
  const { loaded, socket, fault } = placeOf(context);
  if (!loaded) {
    // A guard goes on with the configuration before a faulty change: it can still be asked and answered.
    const answer = await askGuard(socket, method, { ...params, by: operatorOf(context) });
    if (!answer) throw fault;
    return answer.result as T;
  }
  for (let attempt = 1; ; attempt++) {
    const answer = await askGuard(loaded.socket, method, { ...params, by: operatorOf(context) });
    if (answer) return answer.result as T;
    try {
      return await doHere<T>(context, loaded, method, params);
    } catch (error) {
      // A guard that starts, or reads its configuration anew, holds the state and does not listen yet.
      if (!(error instanceof HaechiError) || error.code !== "state-busy" || attempt >= 4) throw error;
      await pause(300, undefined, { signal: context.signal });
    }
  }
}

async function doHere<T>(
  context: CommandContext,
  { config, directory, language }: ReturnType<typeof configOf>,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Promise<T> {
  const { isLook, openLook } = await import("#app/look.ts");
  if (isLook(method)) {
    const look = await openLook(config, directory);
    try {
      return await answerOf<T>(look.methods, method, params);
    } finally {
      await look.close();
    }
  }
  const { openGuard } = await import("#app/guard.ts");
  const { guardMethods } = await import("#app/guard-methods.ts");
  const guard = await openGuard(config, { directory, language, env: context.env, notice: (line) => context.error(`${line}\n`) });
  try {
    return await answerOf<T>(guardMethods(guard), method, { ...params, by: operatorOf(context) });
  } finally {
    await guard.close();
  }
}

async function answerOf<T>(methods: ControlMethods, method: string, params: Readonly<Record<string, unknown>>): Promise<T> {
  const known = methods[method];
  if (!known) throw new TypeError(`no such method: ${method}`);
  // Through JSON, so that a command sees the same with and without a running guard.
  return JSON.parse(JSON.stringify((await known(params)) ?? null)) as T;
}

/** Who decides, for the ledger: the user who called sudo, else the login name. */
export function operatorOf(context: CommandContext): string {
  return context.env["SUDO_USER"] || context.env["USER"] || context.env["LOGNAME"] || `uid ${process.getuid?.() ?? "?"}`;
}
