import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig } from "#app/config/parse-config.ts";
import { configSchema } from "#app/config/schema.ts";
import { guardMetrics } from "#app/guard-metrics.ts";
import { commands } from "#cli/commands.ts";
import { root } from "./haechi.ts";

const read = (name: string): string => readFileSync(join(root, name), "utf8");
const pages = [
  "README.md",
  "README.ko.md",
  "samples/README.md",
  ...["docs/reference", "docs/guides", "docs/decisions"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
];
const blocks = (page: string): readonly string[] => read(page).match(/^```[a-z]+\n[\s\S]*?^```$/gm) ?? [];
const outside = (page: string): string => read(page).replaceAll(/^```[\s\S]*?^```$/gm, "");
const headings = (page: string): readonly string[] => outside(page).match(/^#+ .+$/gm) ?? [];

/** Dotted names of every key a schema knows; of lists and choices those inside. */
function keysOf(schema: unknown, path = ""): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return keysOf(schema.def.innerType, path);
  if (schema instanceof z.ZodArray) return keysOf(schema.element, path);
  if (!(schema instanceof z.ZodObject)) return path === "" ? [] : [path];
  const inner = Object.entries(schema.shape).flatMap(([key, value]) => keysOf(value, path === "" ? key : `${path}.${key}`));
  return inner.length === 0 ? [path] : inner;
}

const pairs = pages.filter((page) => page.endsWith(".ko.md")).map((korean) => [korean.replace(".ko.md", ".md"), korean] as const);

describe("pages in two languages", () => {
  test("the reader's page, the references and the first steps are such", () => {
    expect(pairs.map(([english]) => english).toSorted()).toEqual([
      "README.md",
      "docs/guides/first-steps.md",
      "docs/reference/commands.md",
      "docs/reference/configuration.md",
    ]);
  });

  test.each(pairs)("%s and %s have the same parts", (english, korean) => {
    const shape = (page: string) => ({
      headings: headings(page).map((heading) => /^#+/.exec(heading)?.[0]),
      blocks: blocks(page).map((block) => block.split("\n", 1)[0]),
      rows: outside(page)
        .split("\n")
        .filter((line) => line.startsWith("|")).length,
      items: outside(page).match(/^(?:-|\d+\.) /gm)?.length ?? 0,
    });
    expect(shape(korean)).toEqual(shape(english));
    expect(read(korean)).toContain(`(${english.split("/").at(-1)})`);
    expect(read(english)).toContain(`(${korean.split("/").at(-1)})`);
  });
});

test.each(pages)("every link of %s leads somewhere", (page) => {
  for (const [, target = ""] of outside(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (!/^https?:/.test(target)) expect(existsSync(join(root, dirname(page), target)), target).toBe(true);
  }
});

describe.each(["docs/reference/configuration.md", "docs/reference/configuration.ko.md"])("%s", (page) => {
  const text = read(page);

  test("names every key of the schema", () => {
    const keys = keysOf(configSchema);
    expect(keys.length).toBeGreaterThan(40);
    for (const key of keys) {
      // Keys of a list's entries stand in a section of their own, without the list's name.
      const named = [key, key.replace(/^(?:sources|parsers|enforcers)\./, "")].some((name) => text.includes(`\`${name}\``));
      expect(named, key).toBe(true);
    }
  });

  test("has examples without faults", () => {
    const examples = blocks(page).map((block) => block.replace(/^```yaml\n/, "").replace(/```$/, ""));
    expect(examples.length).toBeGreaterThan(8);
    for (const example of examples) {
      const { faults } = parseConfig(example, { env: { HAECHI_HOOK_SECRET: "secret" }, readFile: () => "secret" });
      expect(faults, example).toEqual([]);
    }
  });
});

test.each(["docs/reference/configuration.md", "docs/reference/configuration.ko.md"])("%s states the defaults in force", (page) => {
  const { config } = parseConfig("", { env: {}, readFile: () => "" });
  const row = (key: string): string => new RegExp(`^\\| \`${key.replaceAll(".", "\\.")}\` \\|.*$`, "m").exec(read(page))?.[0] ?? "";
  for (const key of [
    "mode",
    "language",
    "guard.maxPrefix4",
    "guard.maxPrefix6",
    "guard.ipv6Prefix",
    "guard.bansPerMinute",
    "guard.bansPerCycle",
    "guard.trafficShare",
    "bans.autoLevel",
    "warden.socket",
    "evidence.rows",
    "evidence.perAddress",
  ]) {
    const value = key.split(".").reduce<unknown>((object, name) => (object as Record<string, unknown>)[name], config);
    expect(row(key), key).toContain(`| \`${String(value)}\` |`);
  }
  expect(config).toMatchObject({
    lateTolerance: 10_000,
    approvals: { expire: 43_200_000 },
    bans: { times: [14_400_000, 86_400_000, 604_800_000], decay: 2_592_000_000 },
  });
});

describe.each(["docs/reference/commands.md", "docs/reference/commands.ko.md"])("%s", (page) => {
  const sections = new Map(
    read(page)
      .split(/^### haechi /m)
      .slice(1)
      .map((section) => [section.split("\n", 1)[0] ?? "", section] as const),
  );

  test.each(Object.keys(commands))("tells of %s and all its options", async (name) => {
    const command = await commands[name]?.();
    const section = [...sections].find(([title]) => title === name || title.startsWith(`${name} `))?.[1];
    expect(section, name).toBeDefined();
    // "Options as for parse", says the page.
    const shared = name === "explain" ? ([...sections].find(([title]) => title.startsWith("parse"))?.[1] ?? "") : "";
    for (const option of Object.keys(command?.options ?? {})) expect(`${section ?? ""}${shared}`, option).toContain(`--${option}`);
  });

  test("tells of no command that is not there", () => {
    for (const title of sections.keys())
      expect(
        Object.keys(commands).some((name) => title === name || title.startsWith(`${name} `)),
        title,
      ).toBe(true);
  });
});

test("README names every command and every enforcer in both languages", () => {
  for (const page of ["README.md", "README.ko.md"]) {
    const text = read(page);
    for (const name of [...Object.keys(commands), "nftables", "ufw", "crowdsec", "webhook", "dry-run"])
      expect(text, name).toMatch(new RegExp(`\`${name}(?:\`| )`));
  }
});

test("the metrics page names every metric and no other", () => {
  const names = [
    ...guardMetrics()
      .render([])
      .matchAll(/^# TYPE (\S+) (\S+)$/gm),
  ].map(([, name, type]) => `${name} ${type}`);
  const told = [...read("docs/reference/metrics.md").matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`);
  expect(told.toSorted()).toEqual(names.toSorted());
});

test("YAML of the guides can be read", () => {
  for (const page of pages) {
    for (const block of blocks(page)) {
      const [, source] = /^```yaml\n([\s\S]*)```$/.exec(block) ?? [];
      if (source !== undefined) for (const document of source.split(/^---$/m)) expect(() => parse(document) as unknown, page).not.toThrow();
    }
  }
});
