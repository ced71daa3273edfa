import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseList, type NetworkList } from "#respond/lists.ts";

/** Folder of the lists that come with the program. */
const shipped = fileURLToPath(new URL("../../data/lists/", import.meta.url));

/** Folder of refreshed lists beside the state. */
export function refreshedLists(directory: string): string {
  return join(directory, "lists");
}

/** The lists in force: the shipped ones, each replaced by a refreshed one of the same name where that is newer. Faulty files are left out. */
export function shippedLists(directory: string): readonly NetworkList[] {
  const lists = new Map<string, NetworkList>();
  for (const folder of [shipped, refreshedLists(directory)]) {
    for (const list of readLists(folder)) {
      const known = lists.get(list.name);
      if (!known || known.date <= list.date) lists.set(list.name, list);
    }
  }
  return [...lists.values()];
}

function readLists(folder: string): NetworkList[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const parsed = parseList(readFileSync(join(folder, name), "utf8"));
      return "list" in parsed ? [parsed.list] : [];
    } catch {
      return [];
    }
  });
}
