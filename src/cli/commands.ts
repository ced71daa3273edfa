import type { TextKey } from "#core/text/en.ts";
import type { Command } from "./command.ts";

/** Every command by name. Files load when their command runs, so that `haechi status` starts fast. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  scan: async () => (await import("./commands/scan.ts")).scan,
  up: async () => (await import("./commands/up.ts")).up,
  demo: async () => (await import("./commands/demo.ts")).demo,
  status: async () => (await import("./commands/status.ts")).status,
  cases: async () => (await import("./commands/cases.ts")).cases,
  case: async () => (await import("./commands/case.ts")).showCase,
  approve: async () => (await import("./commands/approve.ts")).approve,
  deny: async () => (await import("./commands/deny.ts")).deny,
  ban: async () => (await import("./commands/ban.ts")).ban,
  unban: async () => (await import("./commands/unban.ts")).unban,
  bans: async () => (await import("./commands/bans.ts")).bans,
  allow: async () => (await import("./commands/allow.ts")).allow,
  disown: async () => (await import("./commands/disown.ts")).disown,
  flush: async () => (await import("./commands/flush.ts")).flush,
  parse: async () => (await import("./commands/parse.ts")).parse,
  explain: async () => (await import("./commands/explain.ts")).explain,
  "rules check": async () => (await import("./commands/rules-check.ts")).rulesCheck,
  "rules list": async () => (await import("./commands/rules-list.ts")).rulesList,
  "rules test": async () => (await import("./commands/rules-test.ts")).rulesTest,
  "lists show": async () => (await import("./commands/lists-show.ts")).listsShow,
  "lists update": async () => (await import("./commands/lists-update.ts")).listsUpdate,
  "config check": async () => (await import("./commands/config-check.ts")).configCheck,
  "config show": async () => (await import("./commands/config-show.ts")).configShow,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  init: async () => (await import("./commands/init.ts")).init,
  warden: async () => (await import("./commands/warden.ts")).warden,
};

/** The overview's order: what a newcomer and a tired operator need first. */
export const overviewGroups: readonly { readonly title: TextKey; readonly commands: readonly (readonly [string, TextKey])[] }[] = [
  {
    title: "cli.group.start",
    commands: [
      ["scan FILE…", "cli.scan.summary"],
      ["demo", "cli.demo.summary"],
      ["up", "cli.up.summary"],
      ["init", "cli.init.summary"],
      ["doctor", "cli.doctor.summary"],
    ],
  },
  {
    title: "cli.group.decide",
    commands: [
      ["status", "cli.status.summary"],
      ["cases", "cli.cases.summary"],
      ["case ID", "cli.case.summary"],
      ["approve ID", "cli.approve.summary"],
      ["deny ID", "cli.deny.summary"],
      ["ban ADDR", "cli.ban.summary"],
      ["unban ADDR", "cli.unban.summary"],
      ["bans", "cli.bans.summary"],
      ["allow", "cli.allow.summary"],
      ["disown ADDR", "cli.disown.summary"],
      ["flush", "cli.flush.summary"],
    ],
  },
  {
    title: "cli.group.look",
    commands: [
      ["parse FILE", "cli.parse.summary"],
      ["explain LINE", "cli.explain.summary"],
      ["rules list", "cli.rules-list.summary"],
      ["rules check DIR", "cli.rules-check.summary"],
      ["rules test", "cli.rules-test.summary"],
      ["lists show", "cli.lists-show.summary"],
      ["lists update", "cli.lists-update.summary"],
      ["config check", "cli.config-check.summary"],
      ["config show", "cli.config-show.summary"],
      ["warden", "cli.warden.summary"],
    ],
  },
];
