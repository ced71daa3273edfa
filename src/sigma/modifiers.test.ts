import { describe, expect, test } from "vitest";
import { compileDetection, type CompiledDetection } from "./compile.ts";
import type { Placeholders } from "./modifiers.ts";
import { SigmaError } from "./sigma-error.ts";

function detection(selection: unknown, placeholders: Placeholders = {}): CompiledDetection {
  return compileDetection(new Map([["sel", selection]]), ["sel"], "detection", { placeholders });
}
const matches = (selection: unknown, event: Record<string, unknown>, placeholders?: Placeholders): boolean => detection(selection, placeholders).test(event);
function refusal(selection: unknown): { field: string; reason: string } | undefined {
  try {
    detection(selection);
  } catch (error) {
    if (error instanceof SigmaError) return { field: error.field, reason: error.reason };
    throw error;
  }
  return undefined;
}
const encode = (text: string | Buffer): string => Buffer.from(text as string).toString("base64");

describe("values without modifiers", () => {
  test.each<[string, unknown, unknown, boolean]>([
    ["text, any case", "Foo", "fOO", true],
    ["text is whole", "Foo", "xFoo", false],
    ["number on number", 4625, 4625, true],
    ["number on text", 4625, "4625", true],
    ["text on number", "4625", 4625, true],
    ["number is whole", 46, 4625, false],
    ["boolean", true, true, true],
    ["boolean on text", true, "True", true],
    ["boolean differs", false, true, false],
    ["list is or", ["a", "b"], "B", true],
    ["list, none", ["a", "b"], "c", false],
    ["field is a list", "b", ["a", "b"], true],
    ["empty text", "", "", true],
    ["empty text on text", "", "x", false],
    ["empty text on null", "", null, false],
    ["null on null", null, null, true],
    ["null on text", null, "", false],
    ["null in a list", ["a", null], null, true],
    ["empty list is null", [], null, true],
    ["wildcard on number", "46*", 4625, true],
    ["star on empty", "*", "", true],
    ["object is no text", "*", { a: 1 }, false],
  ])("%s", (_name, value, given, expected) => {
    expect(matches({ A: value }, { A: given })).toBe(expected);
  });
  test("absent fields", () => {
    expect(matches({ A: null }, {})).toBe(true);
    expect(matches({ A: "" }, {})).toBe(false);
    expect(matches({ A: "*" }, {})).toBe(false);
    expect(matches({ A: "*" }, { A: undefined })).toBe(false);
  });
  test("names with dots, spaces, and names of object methods", () => {
    expect(matches({ "a.b": 1 }, { "a.b": 1 })).toBe(true);
    expect(matches({ "a.b.c": 1 }, { a: { b: { c: 1 } } })).toBe(true);
    expect(matches({ "a.b.c": 1 }, { "a.b": { c: 1 } })).toBe(true);
    expect(matches({ "a.b.c": 1 }, { a: { "b.c": 1 } })).toBe(true);
    expect(matches({ "a.b": "x" }, { a: [{ b: "y" }, { b: "x" }] })).toBe(true);
    expect(matches({ "New Value": "x" }, { "New Value": "X" })).toBe(true);
    expect(matches({ "constructor|exists": true }, {})).toBe(false);
    expect(matches({ "__proto__.toString|exists": true }, {})).toBe(false);
  });
  test("a map is and, a list of maps is or", () => {
    expect(matches({ A: 1, B: 2 }, { A: 1, B: 3 })).toBe(false);
    expect(matches([{ A: 1 }, { B: 2 }], { A: 0, B: 2 })).toBe(true);
    expect(matches([{ A: 1, C: 1 }, "word"], { A: 0, B: "some WORDS" })).toBe(true);
  });
});

describe("keywords", () => {
  test("occur anywhere, in any case, and are or", () => {
    expect(matches(["event::clear", "event::drop"], { message: "x EVENT::drop y" })).toBe(true);
    expect(matches(["event::clear"], { a: { b: ["c", "event::clear"] } })).toBe(true);
    expect(matches(["event::clear"], { "event::clear": "no" })).toBe(false);
    expect(matches("one", { n: 1, text: "none" })).toBe(true);
    expect(matches([4625], { EventID: 4625 })).toBe(true);
    expect(matches(["wget * | sh"], { message: "wget http://x | sh -" })).toBe(true);
  });
  test("|all is and, over the whole event", () => {
    const selection = { "|all": ["alpha", "beta"] };
    expect(matches(selection, { a: "alpha", b: "beta" })).toBe(true);
    expect(matches(selection, { a: "alpha" })).toBe(false);
  });
  test("|re and |cased", () => {
    expect(matches({ "|re": "ab+c" }, { m: "xabbc" })).toBe(true);
    expect(matches({ "|cased": "Ab" }, { m: "ab" })).toBe(false);
  });
});

describe("modifiers of the appendix", () => {
  test("contains, startswith, endswith, with wildcards inside", () => {
    expect(matches({ "A|contains": "FOO" }, { A: "xfoox" })).toBe(true);
    expect(matches({ "A|contains": "f?o" }, { A: "xfXox" })).toBe(true);
    expect(matches({ "A|startswith": "adm_" }, { A: "ADM_joe" })).toBe(true);
    expect(matches({ "A|startswith": "adm_" }, { A: "xadm_joe" })).toBe(false);
    expect(matches({ "A|endswith": String.raw`\cmd.exe` }, { A: String.raw`C:\CMD.exe` })).toBe(true);
    expect(matches({ "A|endswith": String.raw`\cmd.exe` }, { A: String.raw`C:\cmd.exe2` })).toBe(false);
    expect(matches({ "A|contains": 12 }, { A: "a123" })).toBe(true);
  });
  test("all", () => {
    expect(matches({ "A|contains|all": ["x", "y"] }, { A: "y-x" })).toBe(true);
    expect(matches({ "A|contains|all": ["x", "y"] }, { A: "x" })).toBe(false);
    expect(matches({ "A|all|contains": ["x", "y"] }, { A: "x" })).toBe(false);
    expect(matches({ "A|contains|all": "x" }, { A: "x" })).toBe(true);
  });
  test("exists looks at presence alone", () => {
    expect(matches({ "A|exists": true }, { A: null })).toBe(true);
    expect(matches({ "A|exists": true }, { A: "" })).toBe(true);
    expect(matches({ "A|exists": true }, { B: 1 })).toBe(false);
    expect(matches({ "A|exists": false }, { B: 1 })).toBe(true);
    expect(matches({ "a.b|exists": true }, { a: { b: 0 } })).toBe(true);
  });
  test("cased", () => {
    expect(matches({ "A|cased": "Foo" }, { A: "Foo" })).toBe(true);
    expect(matches({ "A|cased": "Foo" }, { A: "foo" })).toBe(false);
    expect(matches({ "A|contains|cased": "Foo" }, { A: "xFoo" })).toBe(true);
    expect(matches({ "A|cased|startswith": ["Foo", "Bar"] }, { A: "barx" })).toBe(false);
  });
  test("neq", () => {
    expect(matches({ "A|neq": "x" }, { A: "y" })).toBe(true);
    expect(matches({ "A|neq": "x" }, { A: "X" })).toBe(false);
    expect(matches({ "A|neq": [1, 2] }, { A: 2 })).toBe(false);
    expect(matches({ "A|neq": [1, 2] }, { A: 3 })).toBe(true);
    expect(matches({ "A|contains|neq": "x" }, { A: "abc" })).toBe(true);
  });
  test("windash", () => {
    for (const dash of ["-", "/", "–", "—", "―"]) expect(matches({ "A|windash|contains": " -enc " }, { A: `ps ${dash}ENC x` })).toBe(true);
    expect(matches({ "A|windash|contains": "-param-name" }, { A: "/param-name" })).toBe(true);
    expect(matches({ "A|windash|contains": "-param-name" }, { A: "/param/name" })).toBe(false);
    expect(matches({ "A|contains|windash|all": ["-a ", "-b "] }, { A: "/b –a x" })).toBe(true);
  });
  test("re, with i, m, s", () => {
    expect(matches({ "A|re": "ab+c$" }, { A: "xabbc" })).toBe(true);
    expect(matches({ "A|re": "ab+c" }, { A: "ABC" })).toBe(false);
    expect(matches({ "A|re|i": "ab+c" }, { A: "ABC" })).toBe(true);
    expect(matches({ "A|re": "^b" }, { A: "a\nb" })).toBe(false);
    expect(matches({ "A|re|m": "^b$" }, { A: "a\nb\nc" })).toBe(true);
    expect(matches({ "A|re": "a.b" }, { A: "a\nb" })).toBe(false);
    expect(matches({ "A|re|s": "a.b" }, { A: "a\nb" })).toBe(true);
    expect(matches({ "A|re|i|s": "A.B" }, { A: "a\nb" })).toBe(true);
    expect(matches({ "A|re": 12 }, { A: 4123 })).toBe(true);
    expect(matches({ "A|re": ".*" }, {})).toBe(false);
    expect(matches({ "A|re|all": ["a", "b"] }, { A: "ba" })).toBe(true);
    expect(matches({ "A|re|startswith": "a|b" }, { A: "xb" })).toBe(false);
    expect(matches({ "A|re": String.raw`^\\\\[^\\]+\\` }, { A: String.raw`\\server\share` })).toBe(true);
  });
  test("base64, base64offset, wide and its kin", () => {
    expect(matches({ "A|base64|contains": "foo bar" }, { A: `x ${encode("foo bar")}` })).toBe(true);
    for (const before of ["", "a", "ab", "abc"])
      for (const after of ["", "z", "yz"]) expect(matches({ "A|base64offset|contains": "http://" }, { A: encode(`${before}http://${after}`) })).toBe(true);
    expect(matches({ "A|base64offset|contains": "http://" }, { A: encode("https://x") })).toBe(false);
    const wide = Buffer.from("cmd", "utf16le");
    for (const modifier of ["wide", "utf16le"]) expect(matches({ [`A|${modifier}|base64`]: "cmd" }, { A: encode(wide) })).toBe(true);
    expect(matches({ "A|utf16be|base64": "cmd" }, { A: encode(Buffer.from([0, 0x63, 0, 0x6d, 0, 0x64])) })).toBe(true);
    expect(matches({ "A|utf16|base64": "cmd" }, { A: encode(Buffer.from([0xff, 0xfe, 0x63, 0, 0x6d, 0, 0x64, 0])) })).toBe(true);
    expect(matches({ "A|wide|base64offset|contains": "ping" }, { A: encode(Buffer.from("x; ping 1", "utf16le")) })).toBe(true);
    expect(matches({ "A|wide|base64": "한" }, { A: encode(Buffer.from("한", "utf16le")) })).toBe(true);
    expect(matches({ "A|base64offset|contains|all": ["foo", "bar"] }, { A: encode("foo bar") })).toBe(true);
    expect(matches({ "A|base64offset|contains|all": ["foo", "baz"] }, { A: encode("foo bar") })).toBe(false);
  });
  test("lt, lte, gt, gte", () => {
    const sizes = [9, 10, 11];
    expect(sizes.map((n) => matches({ "A|lt": 10 }, { A: n }))).toEqual([true, false, false]);
    expect(sizes.map((n) => matches({ "A|lte": 10 }, { A: n }))).toEqual([true, true, false]);
    expect(sizes.map((n) => matches({ "A|gt": 10 }, { A: String(n) }))).toEqual([false, false, true]);
    expect(sizes.map((n) => matches({ "A|gte": 10 }, { A: n }))).toEqual([false, true, true]);
    expect(matches({ "A|lt": 10 }, {})).toBe(false);
    expect(matches({ "A|lt": 10 }, { A: "few" })).toBe(false);
    expect(matches({ "A|lt": 10 }, { A: "" })).toBe(false);
    expect(matches({ "A|gte": 0.5 }, { A: [0.1, 0.7] })).toBe(true);
  });
  test("time parts, as written, and compared", () => {
    const event = { t: "2025-08-02T22:15:30+09:00" };
    expect(matches({ "t|minute": 15, "t|hour": 22, "t|day": 2, "t|week": 31, "t|month": 8, "t|year": 2025 }, event)).toBe(true);
    expect(matches({ "t|hour": [1, 2] }, event)).toBe(false);
    expect(matches({ "t|hour|gte": 22 }, event)).toBe(true);
    expect(matches({ "t|gt|hour": 22 }, event)).toBe(false);
    expect(matches({ "t|hour": 22 }, { t: 1_754_172_930_000 })).toBe(true);
    expect(matches({ "t|hour": 22 }, { t: 1_754_172_930 })).toBe(true);
    expect(matches({ "t|hour": 22 }, { t: "never" })).toBe(false);
    expect(matches({ "t|week": 1 }, { t: "2024-12-30 10:00" })).toBe(true);
  });
  test("cidr", () => {
    expect(matches({ "A|cidr": "10.0.0.0/8" }, { A: "10.20.30.40" })).toBe(true);
    expect(matches({ "A|cidr": "10.0.0.0/8" }, { A: "11.0.0.1" })).toBe(false);
    expect(matches({ "A|cidr": ["127.0.0.0/8", "fe80::/10"] }, { A: "fe80::1%eth0" })).toBe(true);
    expect(matches({ "A|cidr": "2a03:4000::/32" }, { A: "2A03:4000:6:d06::1" })).toBe(true);
    expect(matches({ "A|cidr": "45.9.20.0/24" }, { A: "::ffff:45.9.20.31" })).toBe(true);
    expect(matches({ "A|cidr": "0.0.0.0/0" }, { A: "host" })).toBe(false);
  });
  test("expand", () => {
    const placeholders = { admins: ["root", "adm*"], host: ["web"] };
    expect(matches({ "A|expand": "%admins%" }, { A: "admin2" }, placeholders)).toBe(true);
    expect(matches({ "A|expand": "%host%-%admins%" }, { A: "web-root" }, placeholders)).toBe(true);
    expect(matches({ "A|expand|contains": "%host%" }, { A: "a web b" }, placeholders)).toBe(true);
    expect(matches({ "A|expand": String.raw`\%plain%host%` }, { A: "%plainweb" }, placeholders)).toBe(true);
    expect(matches({ "A|re|expand": "^%host%[0-9]" }, { A: "web7" }, placeholders)).toBe(true);
    expect(matches({ A: "%host%" }, { A: "%host%" }, placeholders)).toBe(true);
    expect(refusal({ "A|expand": "%other%" })).toEqual({ field: "detection.sel.A|expand", reason: "no values are configured for the placeholder %other%" });
  });
  test("fieldref", () => {
    expect(matches({ "A|fieldref": "B" }, { A: "x", B: "X" })).toBe(true);
    expect(matches({ "A|fieldref": "B" }, { A: "x", B: "y" })).toBe(false);
    expect(matches({ "A|fieldref": "B" }, {})).toBe(false);
    expect(matches({ "A|fieldref|startswith": "B" }, { A: "xyz", B: "xy" })).toBe(true);
    expect(matches({ "A|fieldref|endswith": "B" }, { A: "xyz", B: "xy" })).toBe(false);
    expect(matches({ "A|endswith|fieldref": "B" }, { A: "xyz", B: "yz" })).toBe(true);
    expect(matches({ "A|fieldref|contains": "B" }, { A: "xyz", B: "y" })).toBe(true);
    expect(matches({ "A|fieldref|neq": "B" }, { A: "x", B: "y" })).toBe(true);
    expect(matches({ "A|fieldref|neq": "B" }, { A: 1, B: "1" })).toBe(false);
  });
});

describe("refusals name the field and the reason", () => {
  test.each<[unknown, string, string]>([
    [{ "CommandLine|foo": "x" }, "detection.sel.CommandLine|foo", "unknown modifier `foo`"],
    [{ "A|gt": "many" }, "detection.sel.A|gt", "modifier `gt` needs a number"],
    [{ "A|cidr": "10.0.0.0/40" }, "detection.sel.A|cidr", "`10.0.0.0/40` is no network in CIDR notation"],
    [{ "A|base64": "a*b" }, "detection.sel.A|base64", "modifier `base64` does not take a value with wildcards"],
    [{ "A|exists": "yes" }, "detection.sel.A|exists", "modifier `exists` needs `true` or `false`"],
    [{ "A|i": "x" }, "detection.sel.A|i", "modifier `i` needs `re`"],
    [{ "A|contains": null }, "detection.sel.A|contains", "modifier `contains` needs a text"],
    [{ "|cidr": "10.0.0.0/8" }, "detection.sel.|cidr", "modifier `cidr` needs a field name"],
    [{ "A|re": "(" }, "detection.sel.A|re", "the regular expression is not usable: a group is not closed"],
    [{ "A|contains|re": "x" }, "detection.sel.A|contains|re", "modifier `re` cannot follow `contains`"],
    [{ A: { B: 1 } }, "detection.sel.A", "a text, number, boolean, null or a list of these is needed here"],
    [{}, "detection.sel", "is empty"],
    [[], "detection.sel", "is empty"],
    [[null], "detection.sel", "a text, number, boolean, null or a list of these is needed here"],
    [{ "A|windash": "-a -b -c -d -e -f" }, "detection.sel.A|windash", "the modifiers make more than 4096 values of this item"],
  ])("%j", (selection, field, reason) => {
    expect(refusal(selection)).toEqual({ field, reason });
  });
});
