import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { HaechiError } from "#core/error.ts";
import { languageOf, type Language } from "#core/text/text.ts";
import { ConfigError } from "./config-error.ts";
import { parseConfig } from "./parse-config.ts";
import type { Config } from "./schema.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration and the file it came from; `path` is undefined where the defaults are in force. */
export interface LoadedConfig {
  readonly config: Config;
  readonly path: string | undefined;
}

/** The file that is read: the one asked for, else `haechi.yaml` here, else `/etc/haechi/haechi.yaml`, else none. */
export function configPath(asked: string | undefined, directory: string): string | undefined {
  if (asked !== undefined) return asked;
  return [join(directory, "haechi.yaml"), "/etc/haechi/haechi.yaml"].find((path) => existsSync(path));
}

/** Reads and checks the configuration. Throws ConfigError with every fault, or HaechiError where the file cannot be read. */
export function loadConfig(asked: string | undefined, env: Environment, directory: string, language: Language): LoadedConfig {
  const path = configPath(asked, directory);
  let input = "";
  if (path !== undefined) {
    try {
      input = readFileSync(path, "utf8");
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      throw new HaechiError(
        missing ? "config.missing" : "config.unreadable",
        missing ? "config.missing" : "config.unreadable",
        { path, reason: (error as Error).message },
        { cause: error },
      );
    }
  }
  const { config, faults } = parseConfig(input, { env, readFile: (file) => readFileSync(file, "utf8") });
  if (!config) throw new ConfigError(path ?? "haechi.yaml", faults, language);
  return { config, path };
}

/**
 * The `state` and `language` of a file that may be faulty otherwise: a guard that runs on an older version of it can still be
 * asked. Undefined where even that cannot be told.
 */
export function statePlace(asked: string | undefined, env: Environment, directory: string): { readonly config: Config } | undefined {
  const path = configPath(asked, directory);
  try {
    const values: unknown = path === undefined ? {} : parse(readFileSync(path, "utf8"));
    if (typeof values !== "object" || values === null) return undefined;
    const { state, language } = values as { state?: unknown; language?: unknown };
    const { config } = parseConfig(
      stringify({ ...(typeof state === "string" ? { state } : {}), ...(language === "ko" || language === "en" ? { language } : {}) }),
      { env, readFile: () => "" },
    );
    return config && { config };
  } catch {
    return undefined;
  }
}

/** Where the guard keeps its state: as configured, else the system's place for root, else the user's own. */
export function stateDirectory(config: Config, env: Environment, uid: number | undefined): string {
  if (config.state !== undefined) return config.state;
  if (env["STATE_DIRECTORY"]) return env["STATE_DIRECTORY"];
  if (uid === 0) return "/var/lib/haechi";
  return join(env["XDG_STATE_HOME"] || join(homedir(), ".local/state"), "haechi");
}

/** The operator's language: as configured, else as the environment says. */
export function configuredLanguage(config: Config, env: Environment): Language {
  return config.language === "auto" ? languageOf(env) : config.language;
}
