import { describe, expect, test } from "vitest";
import { toPieces } from "#core/ban-cover.ts";
import { formatCidr } from "#core/ip.ts";
import { changeTransaction, readRuleset, rebuildTransaction, type Element } from "./nft-ruleset.ts";

interface Commands {
  readonly nftables: readonly Record<string, Record<string, Record<string, unknown>>>[];
}

const now = 1_800_000_000_000;
const pieces = toPieces([
  { target: "45.9.20.31", until: now + 100_500 },
  { target: "45.9.21.0/24", until: now + 60_000 },
  { target: "2a03:4000:6:d06::/64", until: now + 10 },
]);

/** What `nft -j list table inet haechi` prints after `transaction`: its own words with handles and times left. */
function asListed(transaction: string): { nftables: Record<string, unknown>[] } {
  const out: Record<string, unknown>[] = [{ metainfo: { version: "1.0.6", json_schema_version: 1 } }];
  const sets = new Map<unknown, Record<string, unknown>>();
  for (const command of (JSON.parse(transaction) as Commands).nftables.slice(2)) {
    const [kind, object] = Object.entries(command["add"] as Record<string, Record<string, unknown>>)[0] as [string, Record<string, unknown>];
    if (kind === "element") {
      const elem = (object["elem"] as { elem: { val: unknown; timeout: number } }[]).map(({ elem }) => ({
        elem: { ...elem, expires: elem.timeout - 1, counter: { packets: 3, bytes: 180 } },
      }));
      Object.assign(sets.get(object["name"]) as Record<string, unknown>, { elem });
    } else {
      const entry = { ...object, handle: out.length };
      if (kind === "set") sets.set(object["name"], entry);
      out.push({ [kind]: entry });
    }
  }
  return { nftables: out };
}
const listed = (): { nftables: Record<string, Record<string, unknown>>[] } => asListed(rebuildTransaction(pieces, now)) as never;
const read = (value: unknown) => readRuleset(JSON.stringify(value), now);

describe("the ruleset", () => {
  test("is recognised as it was made, with ends, networks and counters", () => {
    const { intact, elements } = read(listed());
    expect(intact).toBe(true);
    expect(elements.map((element) => [formatCidr(element.cidr), element.until - now, element.packets])).toEqual([
      ["45.9.20.31", 100_000, 3],
      ["45.9.21.0/24", 59_000, 3],
      ["2a03:4000:6:d06::/64", 0, 3],
    ]);
  });

  test("rounds a ban's end up to whole seconds, at least one", () => {
    const timeouts = [...rebuildTransaction(pieces, now).matchAll(/"timeout":(\d+)/g)].map((match) => Number(match[1]));
    expect(timeouts).toEqual([101, 60, 1]);
  });

  test.each<[string, (list: Record<string, Record<string, unknown>>[]) => unknown]>([
    [
      "a missing rule",
      (list) =>
        list.splice(
          list.findIndex((entry) => "rule" in entry),
          1,
        ),
    ],
    [
      "a missing set",
      (list) =>
        list.splice(
          list.findIndex((entry) => "set" in entry),
          1,
        ),
    ],
    [
      "a missing chain",
      (list) =>
        list.splice(
          list.findIndex((entry) => "chain" in entry),
          1,
        ),
    ],
    ["a dormant table", (list) => Object.assign(list.find((entry) => "table" in entry)?.["table"] as object, { flags: "dormant" })],
    ["a rule that accepts", (list) => list.push({ rule: { expr: [{ accept: null }] } })],
    ["another chain", (list) => list.push({ chain: { name: "other" } })],
    ["another priority", (list) => Object.assign(list.find((entry) => "chain" in entry)?.["chain"] as object, { prio: 0 })],
    ["a set without timeouts", (list) => Object.assign(list.find((entry) => "set" in entry)?.["set"] as object, { flags: ["interval"] })],
    ["an element without end", (list) => Object.assign(list.find((entry) => "set" in entry)?.["set"] as object, { elem: ["45.9.20.31"] })],
    [
      "a range of somebody else",
      (list) =>
        Object.assign(list.find((entry) => "set" in entry)?.["set"] as object, {
          elem: [{ elem: { val: { range: ["45.9.20.3", "45.9.20.9"] }, timeout: 9, expires: 8 } }],
        }),
    ],
  ])("is not intact with %s", (_, damage) => {
    const value = listed();
    damage(value.nftables);
    expect(read(value).intact).toBe(false);
  });

  test.each(["", "{}", "[]", "null", '{"nftables":7}'])("is an error where nft prints %j", (text) => {
    expect(() => readRuleset(text, now)).toThrow(/nft/);
  });
});

describe("a change", () => {
  const element = (target: string): Element => ({ ...(toPieces([{ target, until: now + 60_000 }])[0] as Element), packets: 0 });
  const kinds = (transaction: string | undefined): string[] =>
    (JSON.parse(transaction ?? '{"nftables":[]}') as Commands).nftables.map((command) => Object.keys(command)[0] as string);

  test("is nothing where nothing differs", () => {
    expect(changeTransaction([element("45.9.20.31")], [], [], now)).toBeUndefined();
  });
  test("deletes a few elements and refills the set for many", () => {
    const many = Array.from({ length: 40 }, (_, index) => element(`103.77.4.${index}`));
    const stays = element("45.9.20.31");
    expect(kinds(changeTransaction([...many, stays], many.slice(0, 2), [], now))).toEqual(["delete"]);
    const refill = changeTransaction([...many, stays], many, [], now);
    expect(kinds(refill)).toEqual(["flush", "add"]);
    expect(refill).toContain("45.9.20.31");
    expect(refill).not.toContain("103.77.4.");
  });
});
