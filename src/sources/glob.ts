import { existsSync, globSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { compareRotated, parseRotatedName, type RotatedName } from "./rotated-name.ts";

/** True where `pattern` holds a glob's special characters. */
export function isGlob(pattern: string): boolean {
  return /[*?[\]{}]/.test(pattern);
}

/** The directory above the first part of a glob that has a special character; for a path its directory. */
export function globRoot(pattern: string): string {
  let root = resolve(pattern);
  do root = dirname(root);
  while (isGlob(root));
  return root;
}

/**
 * The files a path or glob (`*`, `?`, `**`, `[a-z]`, `{a,b}`) names: absolute, each once, directories left out, in natural order with
 * the rotated files of a log before it, oldest first. A path is given even when no such file exists, so that reading it says so.
 */
export function expandGlob(pattern: string): string[] {
  if (!isGlob(pattern) || existsSync(pattern)) return [resolve(pattern)];
  const found = new Set<string>();
  for (const match of globSync(pattern)) {
    const path = resolve(match);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) found.add(path);
  }
  return sortLogs([...found]);
}

/** Paths in natural order (`a2` before `a10`), rotated files oldest first before their log. */
export function sortLogs(paths: readonly string[]): string[] {
  const collator = new Intl.Collator("en", { numeric: true });
  const keyed = paths.map((path): { path: string; base: string; rotated: RotatedName | undefined } => {
    const rotated = parseRotatedName(basename(path));
    return { path, rotated, base: rotated === undefined ? path : join(dirname(path), rotated.base) };
  });
  keyed.sort((a, b) => {
    if (a.base !== b.base) return collator.compare(a.base, b.base) || (a.base < b.base ? -1 : 1);
    if (a.rotated === undefined || b.rotated === undefined) return a.rotated === b.rotated ? 0 : a.rotated === undefined ? 1 : -1;
    return compareRotated(a.rotated, b.rotated) || collator.compare(a.path, b.path);
  });
  return keyed.map((entry) => entry.path);
}
