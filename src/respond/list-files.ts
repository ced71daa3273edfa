import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseList, type NetworkList } from "./lists.ts";

/** A list file that could not be used, and why in a stable word. */
export interface ListFault {
  readonly path: string;
  readonly fault: string;
}

/**
 * The lists of all `folders` (the shipped one first, then the refreshed one). Of two lists with one name the later date
 * counts. A folder that does not exist is none; a damaged file is reported and the other one of its name stays in use.
 */
export function readLists(folders: readonly string[]): { readonly lists: readonly NetworkList[]; readonly faults: readonly ListFault[] } {
  const lists = new Map<string, NetworkList>();
  const faults: ListFault[] = [];
  for (const folder of folders) {
    for (const path of listFiles(folder)) {
      const read = readList(path);
      if ("fault" in read) faults.push({ path, fault: read.fault });
      else if ((lists.get(read.list.name)?.date ?? "") <= read.list.date) lists.set(read.list.name, read.list);
    }
  }
  return { lists: [...lists.values()], faults };
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .toSorted()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function readList(path: string): ReturnType<typeof parseList> {
  try {
    return parseList(readFileSync(path, "utf8"));
  } catch (error) {
    return { fault: (error as NodeJS.ErrnoException).code ?? "unreadable" };
  }
}
