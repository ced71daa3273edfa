import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParserContext } from "#contracts/parser.ts";
import { ParserError } from "../parser-error.ts";
import { customParser, longestCustomLine } from "./custom.ts";
import { findUnsafe } from "./pattern-safety.ts";

const context: ParserContext = { timeZone: "Asia/Seoul", year: undefined, trustedProxies: [] };
const parse = (definition: Record<string, unknown>, text: string, writtenBy = Date.UTC(2025, 0, 2)): Record<string, unknown> | undefined =>
  customParser({ name: "mine", ...definition }, context).parse({ source: "", text, line: 1, offset: 0, writtenBy });

describe("customParser", () => {
  it("reads fields by group names and by the map", () => {
    const event = parse(
      {
        pattern:
          "^(?<timestamp>\\w+ +\\d+ [\\d:]+) app\\[(?<process__pid>\\d+)\\]: denied (?<who>[^ ]+) from \\[?(?<source__ip>[^ \\]]+)\\]? asking (?<url__original>\\S+)",
        fields: { who: "user.name" },
        timeFormat: "%b %e %H:%M:%S",
        category: "authentication",
        action: "login",
        outcome: "failure",
      },
      "Dec  31 23:59:58 app[12]: denied bob from [::ffff:45.9.20.31] asking /%2e%2e",
    );
    expect(event).toMatchObject({
      // Written early in January: the December before.
      "@timestamp": Date.UTC(2024, 11, 31, 14, 59, 58),
      "event.module": "mine",
      "event.action": "login",
      "event.outcome": "failure",
      "source.ip": "45.9.20.31",
      "user.name": "bob",
      "process.pid": 12,
      "haechi.url.decoded": "/..",
    });
  });

  it("gives a host name as a domain, and nothing for lines that are too long or have no time", () => {
    expect(parse({ pattern: "from (?<source__ip>\\S+)" }, "x from mail.example.com")?.["source.domain"]).toBe("mail.example.com");
    expect(parse({ pattern: "from (?<source__ip>\\S+)" }, `from 45.9.20.31 ${"x".repeat(longestCustomLine)}`)).toBeUndefined();
    expect(parse({ pattern: "^(?<timestamp>\\S+) x" }, "when x")).toBeUndefined();
  });

  it.each([
    [{ pattern: "(" }, "not a regular expression"],
    [{ pattern: "no groups" }, "names no group"],
    [{ pattern: "(?<a>x)", fields: { b: "user.name" } }, "“b”"],
    [{ pattern: "(?<a>x)", fields: { a: "user name" } }, "fields.a"],
    [{ pattern: "(?<a>x)", action: 5 }, "action"],
    [{ pattern: "(?<a>x)", more: true }, "more"],
    [{ pattern: "(?<a>x)", timeFormat: "%Q" }, "%Q"],
    [{ pattern: "(?<a>(x+)+)y" }, "too many ways"],
    [{ pattern: "(?=x)(?<a>x)" }, "character 1"],
    [{ pattern: "(?<a>x)\\1" }, "character 8"],
    [{ pattern: "(?<a>x){500}" }, "too large"],
  ])("refuses %j", (definition, words) => {
    expect(() => parse(definition, "")).toThrow(ParserError);
    expect(() => parse(definition, "")).toThrow(words);
  });

  it("refuses what is no definition at all", () => {
    for (const definition of [undefined, null, 1, "x", [], {}]) expect(() => customParser(definition, context)).toThrow(ParserError);
  });
});

describe("findUnsafe", () => {
  it.each([
    "^(a+)+$",
    "^(a*)*b",
    "^(a|a)*b",
    "^(a|ab|b)*c",
    "^(\\w+\\s?)*$",
    "^(.*)*x",
    "^\\s*\\s*x",
    "^.*.*x",
    "^.* .* .*x$",
    "a+b",
    "^(?:a?){30}a{30}$",
    "^(?:a?b?)*c",
    "^(\\d+|\\w+)+:",
    "^(x+x+)+y",
    "^a*a*a*a*b",
    "^(?<source__ip>[\\d.]+) - (?<user__name>.*) \\[(?<timestamp>[^\\]]+)\\]",
    "authentication failure.*rhost=(?<source__ip>\\S+)",
    "^(?:(?:ab)*)*c",
  ])("refuses %s", (pattern) => {
    expect(findUnsafe(pattern, false)?.kind).toBe("ambiguous");
  });

  it.each([
    "^(?<ts>\\S+ \\S+) \\[(?<level>\\w+)\\] (?<message>.*)$",
    "^(?<source__ip>[\\d.]+) - (?<user__name>.*) \\[(?<timestamp>[^\\[\\]]+)\\]",
    "^(?:[^,]*,)*[^,]*,[^,]*;",
    "^\\[(?<timestamp>[^\\]]+)\\] Failed login for '(?<user__name>[^']*)' from (?<source__ip>\\S+)$",
    "login failed for (?<user__name>\\S+)",
    "^\\S+ \\S+ app: authentication failure.*rhost=(?<source__ip>\\S+)",
    "^(?:GET|POST|PUT) (?<url__original>\\S+)",
    "^(?<a>\\d{1,3}(?:\\.\\d{1,3}){3}) x",
    "^(?<a>(?:[^,]+,)*)x$",
    "^x(?<rest>.*)$",
    "(?<a>x)",
  ])("accepts %s", (pattern) => {
    expect(findUnsafe(pattern, false)).toBeUndefined();
    expect(findUnsafe(pattern, true)?.kind ?? "safe").toBe("safe");
  });

  it("what it accepts is matched in little time, whatever the text", () => {
    // Patterns from a grammar that loves repetition, texts from their alphabet.
    const pattern = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\w", "a*", "b+", "a?", ".*", "a{1,3}"),
        fc.tuple(tie("node"), tie("node")).map(([x, y]) => x + y),
        fc.tuple(tie("node"), tie("node")).map(([x, y]) => `(?:${x}|${y})`),
        fc.tuple(tie("node"), fc.constantFrom("*", "+", "?", "{2}", "{0,3}")).map(([x, mark]) => `(?:${x})${mark}`),
      ),
    })).node;
    fc.assert(
      fc.property(
        pattern,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.constantFrom("a", "b", "ab", "aab", " "), { minLength: 1, maxLength: 4 }),
        (body, start, end, unit) => {
          const source = `${start ? "^" : ""}${body}${end ? "c$" : ""}`;
          if (findUnsafe(source, false)) return;
          const text = unit.join("").repeat(Math.floor(2_000 / unit.join("").length));
          const from = performance.now();
          new RegExp(source, "s").exec(text);
          expect(performance.now() - from, source).toBeLessThan(100);
        },
      ),
      { numRuns: 400 },
    );
  });
});
