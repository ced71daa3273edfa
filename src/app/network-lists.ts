import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readLists } from "#respond/list-files.ts";
import type { NetworkList } from "#respond/lists.ts";

/** Folder of the lists that come with the program. */
export const shippedFolder = fileURLToPath(new URL("../../data/lists/", import.meta.url));

/** Folder of refreshed lists beside the state. */
export function refreshedFolder(directory: string): string {
  return join(directory, "lists");
}

/** The lists in force: shipped ones, each replaced by a refreshed one of the same name that is newer. */
export function networkLists(directory: string): readonly NetworkList[] {
  return readLists([shippedFolder, refreshedFolder(directory)]).lists;
}
