import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { HaechiError } from "#core/error.ts";
import type { RuleFile } from "#sigma/load.ts";

/** Folder of the built-in catalogue: beside `src/` in a checkout and beside `dist/` in a package. */
export const builtinRules = fileURLToPath(new URL("../../rules/", import.meta.url));

const largestRule = 1 << 20;

/** Every `.yml` and `.yaml` file below a folder (or the one file named), in order of path. Throws where it cannot be read. */
export function readRuleFiles(path: string): RuleFile[] {
  try {
    if (!statSync(path).isDirectory()) return [{ path, text: readFileSync(path, "utf8") }];
    const names = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => /\.ya?ml$/i.test(name) && !/(^|\/)\.git\//.test(name));
    return names.sort().flatMap((name) => {
      const file = join(path, name);
      const { size } = statSync(file);
      return statSync(file).isFile() && size <= largestRule ? [{ path: file, text: readFileSync(file, "utf8") }] : [];
    });
  } catch (error) {
    throw new HaechiError("rules.unreadable", "cli.rules.unreadable", { path, reason: (error as Error).message }, { cause: error });
  }
}

/** A rule's path as people know it: inside its folder. */
export function shortPath(path: string): string {
  return path.startsWith(builtinRules) ? relative(builtinRules, path) : path;
}
