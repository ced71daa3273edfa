import { networkLists } from "#app/network-lists.ts";
import { configOf } from "../guard-access.ts";
import type { Command } from "../command.ts";
import { table } from "../render.ts";

/** `haechi lists show`: the lists the guard respects, each with its date and size. */
export const listsShow: Command = {
  name: "lists show",
  summary: "cli.lists-show.summary",
  usage: "",
  options: {},
  optionTexts: {},
  positionals: [0, 0],
  async run(context) {
    const lists = networkLists(configOf(context).directory);
    if (context.options["json"] === true) await context.out(lists.map((list) => `${JSON.stringify(list)}\n`).join(""));
    else await context.out(table(lists.map(({ name, kind, date, networks, note }) => [name, kind, date, String(networks.length), note])));
    return 0;
  },
};
