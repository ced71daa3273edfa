import { describe, expect, test } from "vitest";
import { checkRules } from "./check.ts";
import { loadRules, type LoadOptions } from "./load.ts";
import { eventTime, testRules } from "./rule-test.ts";

const rule = (id: string, detection: string, extra = "", logsource = "product: test"): string =>
  `title: Rule ${id}\nid: ${id}\nlogsource:\n  ${logsource}\n${extra}detection:\n${detection.replace(/^/gm, "  ")}\n`;
const simple = (id: string, extra = ""): string => rule(id, `sel:\n  A: ${id}\ncondition: sel`, extra);
const load = (text: string, options: LoadOptions = {}) => loadRules([{ path: "a.yml", text }], options);
const faults = (text: string): readonly string[] => load(text).faults.map(({ field, reason }) => `${field}: ${reason}`);

async function run(text: string, lines: readonly (object | string)[]) {
  async function* source() {
    for (const [index, line] of lines.entries()) yield { line: index + 1, text: typeof line === "string" ? line : JSON.stringify(line) };
  }
  const out = [];
  for await (const line of testRules([{ path: "a.yml", text }], source())) out.push(line);
  return out;
}

describe("loading", () => {
  test("reads what a rule says of itself", () => {
    const [compiled] = load(simple("r1", "name: one\nlevel: high\nstatus: test\ntags: [attack.t1110]\nauthor: Kim\nfalsepositives: [none]\n")).rules;
    expect(compiled?.rule).toMatchObject({
      key: "r1",
      id: "r1",
      name: "one",
      title: "Rule r1",
      level: "high",
      status: "test",
      tags: ["attack.t1110"],
      author: "Kim",
    });
    expect(compiled?.rule.logsource.product).toBe("test");
  });
  test("several documents, comments and empty ones", () => {
    const set = load(`# head\n---\n${simple("r1")}---\n---\n${simple("r2")}...\n`);
    expect(set.rules.map(({ rule }) => rule.id)).toEqual(["r1", "r2"]);
    expect(set.entries.map(({ id, ok }) => [id, ok])).toEqual([
      ["r1", true],
      ["r2", true],
    ]);
  });
  test("legacy collections: global, repeat, reset", () => {
    const set = load(
      [
        "action: global\ntitle: G\nlevel: low\nlogsource: {product: test}\ndetection:\n  condition: sel\n",
        "id: one\ndetection:\n  sel: {A: 1}\n",
        "action: repeat\nid: two\ndetection:\n  sel: {A: 2}\n",
        "action: reset\n",
        simple("three"),
      ].join("---\n"),
    );
    expect(set.faults).toEqual([]);
    expect(set.rules.map(({ rule }) => [rule.id, rule.level])).toEqual([
      ["one", "low"],
      ["two", "low"],
      ["three", undefined],
    ]);
    expect(set.rules.map((one) => one.matches({ A: 2 }))).toEqual([false, true, false]);
  });
  test("numbers keep their digits", () => {
    const [compiled] = load(rule("r1", "sel:\n  A: 123456789012345678901\n  B: 0x1F\ncondition: sel")).rules;
    expect(compiled?.matches({ A: "123456789012345678901", B: 31 })).toBe(true);
  });
  test("an anchor may be used again", () => {
    const set = load(rule("r1", "one: &one\n  A: 1\ntwo:\n  <<: *one\n  B: 2\ncondition: two"));
    expect([set.rules[0]?.matches({ A: 1, B: 2 }), set.rules[0]?.matches({ B: 2 })]).toEqual([true, false]);
  });
  test.each([
    ["title: x\nlogsource: {product: p}\n", "detection: is missing"],
    ["title: x\nlogsource: {product: p}\ndetection: {sel: {A: 1}}\n", "detection.condition: is missing"],
    ["title: x\nlogsource: {product: p}\ndetection: {condition: sel}\n", "detection: is empty"],
    ["title: x\ndetection: {sel: {A: 1}, condition: sel}\n", "logsource: is missing"],
    ["title: x\nlogsource: {}\ndetection: {sel: {A: 1}, condition: sel}\n", "logsource: is empty"],
    ["logsource: {product: p}\ndetection: {sel: {A: 1}, condition: sel}\n", "title: is missing"],
    [
      "title: x\nlevel: huge\nlogsource: {product: p}\ndetection: {sel: {A: 1}, condition: sel}\n",
      "level: `huge` is not one of informational, low, medium, high, critical",
    ],
    [
      "title: x\nstatus: old\nlogsource: {product: p}\ndetection: {sel: {A: 1}, condition: sel}\n",
      "status: `old` is not one of stable, test, experimental, deprecated, unsupported",
    ],
    [
      "title: x\ntaxonomy: ours\nlogsource: {product: p}\ndetection: {sel: {A: 1}, condition: sel}\n",
      "taxonomy: the taxonomy `ours` is not known; only `sigma` is",
    ],
    ["title: x\nlogsource: {product: p}\ndetection: {sel: {'A|foo': 1}, condition: sel}\n", "detection.sel.A|foo: unknown modifier `foo`"],
    ["title: x\nlogsource: {product: p}\ndetection: [1]\n", "detection: a map of keys and values is needed here"],
    ["title: x\nnothing: 1\n", "detection: neither `detection`, `correlation` nor `filter` is there, so this is no Sigma document"],
    ["- a\n- b\n", "yaml: a map of keys and values is needed here"],
    ["action: twice\n", "action: unknown collection action `twice`; known are global, reset and repeat"],
    ["action: repeat\n", "action: there is no rule before this one to repeat"],
  ])("refused: %j", (text, fault) => {
    expect(faults(text)).toEqual([fault]);
  });
  test("unreadable YAML is one entry with what could be read", () => {
    const set = load("title: 'Broken'\nid: r9\ndetection:\n  sel: [\n");
    expect(set.entries).toMatchObject([{ path: "a.yml", id: "r9", title: "Broken", ok: false, error: { field: "yaml" } }]);
  });
  test("a billion laughs is refused", () => {
    const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(",")}]`);
    expect(load(lines.join("\n")).faults).toHaveLength(1);
  });
  test("an id in two files is refused the second time", () => {
    const set = loadRules([
      { path: "a.yml", text: simple("r1") },
      { path: "b.yml", text: simple("r1") },
    ]);
    expect(set.rules).toHaveLength(1);
    expect(set.faults).toMatchObject([{ path: "b.yml", id: "r1", field: "id", reason: "the id is already taken by a.yml" }]);
  });
  test("a correlation of a refused rule is refused", () => {
    const set = load(
      `${rule("r1", "sel:\n  A|nope: 1\ncondition: sel")}---\ntitle: c\ncorrelation: {type: event_count, rules: [r1], group-by: [ip], timespan: 1m, condition: {gte: 2}}\n`,
    );
    expect(set.faults.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([
      "detection.sel.A|nope: unknown modifier `nope`",
      "correlation.rules: the rule `r1` was refused",
    ]);
  });
  test("rules are found by id or name across files; a name in the same file first", () => {
    const correlation = "title: c\nid: c\ncorrelation: {type: event_count, rules: [one], group-by: [ip], timespan: 1m, condition: {gte: 2}}\n";
    const set = loadRules([
      { path: "a.yml", text: simple("x1", "name: one\n") },
      { path: "b.yml", text: `${correlation}---\n${simple("x2", "name: one\n")}` },
    ]);
    expect(set.correlations[0]?.references).toEqual(["x2"]);
  });
  test("generate keeps the referred rules' own signals", () => {
    const of = (generate: string) =>
      load(`${simple("r1")}---\ntitle: c\ncorrelation: {type: event_count, rules: [r1], group-by: [ip], timespan: 1m, condition: {gte: 2}${generate}}\n`)
        .silent;
    expect([of("").has("r1"), of(", generate: true").has("r1")]).toEqual([true, false]);
  });
  test("placeholders", () => {
    const text = rule("r1", "sel:\n  A|expand: '%admins%'\ncondition: sel");
    expect(faults(text)).toEqual(["detection.sel.A|expand: no values are configured for the placeholder %admins%"]);
    expect(load(text, { placeholders: { admins: ["root"] } }).rules[0]?.matches({ A: "root" })).toBe(true);
  });
});

describe("filters", () => {
  const filter = (rules: string, logsource = "{product: test}"): string =>
    `title: f\nid: f1\nlogsource: ${logsource}\nfilter:\n  rules: ${rules}\n  selection:\n    User|startswith: adm_\n  condition: not selection\n`;
  const rules = `${simple("r1", "name: first\n")}---\n${simple("r2")}`;
  const run = (text: string) =>
    load(`${text}---\n${rules}`).rules.map((one) => [one.matches({ A: one.rule.id }), one.matches({ A: one.rule.id, User: "adm_kim" })]);
  const kept = [true, true];
  const filtered = [true, false];
  test("by id, by name, any, and a list that is empty", () => {
    expect(run(filter("[r1]"))).toEqual([filtered, kept]);
    expect(run(filter("[first]"))).toEqual([filtered, kept]);
    expect(run(filter("r2"))).toEqual([kept, filtered]);
    expect(run(filter("any"))).toEqual([filtered, filtered]);
    expect(run(filter("[]"))).toEqual([filtered, filtered]);
  });
  test("only where the log source is the rule's or wider", () => {
    expect(run(filter("any", "{product: test, service: x}"))).toEqual([kept, kept]);
    expect(run(filter("any", "{product: other}"))).toEqual([kept, kept]);
  });
  test("the condition is joined by and, as it stands", () => {
    expect(run(filter("[r1]").replace("not selection", "selection"))[0]).toEqual([false, true]);
  });
  test("refused", () => {
    expect(faults(filter("[r1]").replace("not selection", "not nobody"))).toEqual(["filter.condition: the condition names `nobody`, which is not defined"]);
    expect(faults(filter("[r1]").replace(/ {2}rules.*\n/, ""))).toEqual(["filter.rules: is missing"]);
    expect(faults(filter("[r1]").replace("User|startswith", "User|starts"))).toEqual(["filter.selection.User|starts: unknown modifier `starts`"]);
  });
});

describe("commands", () => {
  test("rules check gives a line a rule", () => {
    const text = `${simple("r1")}---\n${rule("r2", "sel:\n  CommandLine|foo: 1\ncondition: sel")}`;
    expect(checkRules([{ path: "d/a.yml", text }])).toEqual([
      { path: "d/a.yml", id: "r1", title: "Rule r1", ok: true },
      { path: "d/a.yml", id: "r2", title: "Rule r2", ok: false, error: { field: "detection.sel.CommandLine|foo", reason: "unknown modifier `foo`" } },
    ]);
  });
  test("rules test tries every rule, whatever its log source, and says which match", async () => {
    const text = `${rule("r1", "sel:\n  cs-uri-query|contains: x\ncondition: sel", "", "category: webserver")}---\n${rule("r2", "sel:\n  a.b: 1\ncondition: sel")}`;
    expect(await run(text, [{ "cs-uri-query": "axb" }, { a: { b: 1 }, "url.query": "x" }, "", "{", "[]"])).toMatchObject([
      { event: 1, matches: ["r1"] },
      { event: 2, matches: ["r2"] },
      { event: 4, matches: [] },
      { event: 5, matches: [], error: "not a JSON object" },
    ]);
  });
  test("rules test counts correlations by the events' own times", async () => {
    const text = `${rule("r1", "sel:\n  outcome: failure\ncondition: sel", "name: fail\n")}---\ntitle: brute\nid: c1\ncorrelation: {type: event_count, rules: [fail], group-by: [ip], timespan: 60s, condition: {gte: 5}}\n`;
    const at = (seconds: number) => ({ outcome: "failure", ip: "45.9.20.31", "@timestamp": new Date(1_700_000_000_000 + seconds * 1_000).toISOString() });
    expect((await run(text, [0, 15, 30, 45, 59].map(at))).map((line) => line.matches)).toEqual([["r1"], ["r1"], ["r1"], ["r1"], ["r1", "c1"]]);
    expect((await run(text, [0, 15, 30, 45, 60].map(at))).at(-1)?.matches).toEqual(["r1"]);
  });
  test("times", () => {
    const time = Date.UTC(2025, 7, 2, 13, 15, 30);
    for (const event of [
      { "@timestamp": "2025-08-02T22:15:30+09:00" },
      { timestamp: time },
      { time: time / 1_000 },
      { _time: String(time / 1_000) },
      { EventTime: "2025-08-02 13:15:30" },
      { UtcTime: "2025-08-02 13:15:30.000" },
      { TimeCreated: { SystemTime: "2025-08-02T13:15:30.0000000Z" } },
    ])
      expect(eventTime(event)).toBe(time);
    expect(eventTime({ "@timestamp": "soon" })).toBeUndefined();
  });
});

describe("explaining", () => {
  test("names the lines that hold, their values and patterns", () => {
    const text = rule("r1", "sel:\n  A|contains: ['.env', '.git']\n  B: 200\nwords: [curl]\nnot_this: {C: 1}\ncondition: sel and words and not not_this");
    const [compiled] = load(text).rules;
    expect(compiled?.explain({ A: "/.ENV", B: 200, ua: "Curl/8" })).toEqual([
      { selection: "sel", field: "A", value: "/.ENV", pattern: "*.env*" },
      { selection: "sel", field: "B", value: "200", pattern: "200" },
      { selection: "words", field: "ua", value: "Curl/8", pattern: "curl" },
    ]);
    expect(compiled?.explain({ A: "/.env" })).toEqual([]);
  });
});
