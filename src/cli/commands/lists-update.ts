import { refreshedFolder, shippedFolder } from "#app/network-lists.ts";
import { updateLists } from "#respond/update-lists.ts";
import { configOf } from "../guard-access.ts";
import type { Command } from "../command.ts";

/** `haechi lists update`: exit code 0 when every published list was read, 1 when one was kept as it was. */
export const listsUpdate: Command = {
  name: "lists update",
  summary: "cli.lists-update.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    const { directory } = configOf(context);
    const updates = await updateLists(fetch, {
      shipped: shippedFolder,
      folder: refreshedFolder(directory),
      now: Date.now(),
      language: context.language,
      signal: context.signal,
    });
    if (context.options["json"] === true) await context.out(updates.map((update) => `${JSON.stringify(update)}\n`).join(""));
    else for (const { text } of updates) await context.out(`${text}\n`);
    return updates.some(({ outcome }) => outcome === "kept") ? 1 : 0;
  },
};
