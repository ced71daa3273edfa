import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildAutomaton } from "./regex-automaton.ts";
import { RegexFault } from "./regex-class.ts";
import { parseRegex } from "./regex-parse.ts";
import { safeRegex, UnsafeRegex } from "./safe-regex.ts";

const none = { i: false, m: false, s: false, x: false };
const fits = (source: string, text: string, flags = none): boolean => safeRegex(source, flags).test(text);

describe("PCRE in JavaScript", () => {
  test.each<[string, string, boolean]>([
    ["(?i)abc", "xABCx", true],
    ["a(?i)bc", "aBC", true],
    ["a(?i)bc", "ABC", false],
    ["(?i:a)b", "Ab", true],
    ["(?i:a)b", "AB", false],
    ["(?i)a(?-i)b", "AB", false],
    ["(a(?i)b|c)d", "aBd", true],
    ["(a(?i)b|c)d", "Cd", true],
    ["(?s)a.b", "a\nb", true],
    ["(?m)^b$", "a\nb", true],
    ["(?x) a b # comment\n c", "abc", true],
    ["a.b", "a\rb", true],
    ["a$", "a\n", true],
    [String.raw`a\z`, "a\n", false],
    [String.raw`\Aa\Z`, "a\n", true],
    ["[[:alpha:]]+[[:digit:]]", "ab1", true],
    ["[^[:space:]]x", " x", false],
    [String.raw`\x41\x{42}`, "AB", true],
    [String.raw`\Qa.b\E+`, "a.bb", true],
    [String.raw`\Qa.b\E`, "axb", false],
    [String.raw`\h`, "\t", true],
    [String.raw`(?P<q>["'])x(?P=q)`, "'x'", true],
    [String.raw`(?P<q>["'])x(?P=q)`, "'x\"", false],
    [String.raw`(a)\1`, "aa", true],
    ["(?=.*b)a", "ab", true],
    ["(?<!a)b", "ab", false],
    ["[]a]", "]", true],
    ["[a-]", "-", true],
    [String.raw`[\w-]+!`, "a-b!", true],
    ["a{,2}b", "b", true],
    ["a{x}", "a{x}", true],
    ["${env:x}", "${env:x}", false],
    [String.raw`\$\{env:x}`, "${env:x}", true],
    ["clip]::", "clip]::", true],
    [String.raw`\p{L}+1`, "한1", true],
    [String.raw`\p{Greek}`, "α", true],
    ["(?:a|)b", "b", true],
    [String.raw`\/c \- \" \%`, '/c - " %', true],
    ["é", "É", false],
    ["(?i)é", "É", true],
  ])("%s on %j: %s", (source, text, expected) => {
    expect(fits(source, text)).toBe(expected);
  });
  test.each([
    "a++",
    "(?>a)b",
    "(?R)",
    "(?1)",
    "(?(1)a)",
    "(?|a|b)",
    String.raw`a\Kb`,
    String.raw`\G`,
    "a**",
    "*a",
    "[z-a]",
    "(a",
    "a)",
    "[a",
    "a{3,2}",
    String.raw`\2`,
    "\\",
  ])("refused: %s", (source) => {
    expect(() => safeRegex(source, none)).toThrow(RegexFault);
  });
});

describe("the automaton", () => {
  const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\w", "\\b", "^", "$", "(?:a|b)", "(?:ab|)", "(?i:A)");
  const quantified = fc
    .tuple(atom, fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,3}"))
    .map(([one, quantifier]) => (/^[\\^$]b?$/.test(one) ? one : one + quantifier));
  const source = fc
    .array(
      fc.array(quantified, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
      { minLength: 1, maxLength: 3 },
    )
    .map((branches) => branches.join("|"));
  test("agrees with JavaScript's engine", () => {
    const text = fc.array(fc.constantFrom("a", "b", "A", "\n", " ", "é"), { maxLength: 8 }).map((chars) => chars.join(""));
    fc.assert(
      fc.property(source, text, (pattern, given) => {
        const automaton = buildAutomaton(parseRegex(pattern, none));
        expect(automaton?.test(given)).toBe(fits(pattern, given));
      }),
      { numRuns: 500 },
    );
  });
  test("literals are in whatever matches", () => {
    const text = fc.array(fc.constantFrom("a", "b", "A"), { maxLength: 8 }).map((chars) => chars.join(""));
    fc.assert(
      fc.property(source, text, (pattern, given) => {
        const regex = safeRegex(pattern, none);
        if (regex.literals && regex.test(given)) expect(regex.literals.some((literal) => given.toLowerCase().includes(literal))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe("no text makes an expression run long", () => {
  const hostile = "a".repeat(50_000);
  test.each([
    "(a+)+$",
    "(a|a)*b",
    "(a|aa)+$",
    "(.*)*x",
    "a*a*a*a*b",
    "(?:a?){20}a{20}b",
    ".*a.*a.*a.*c",
    String.raw`(\w+\s?)*z$`,
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "a+a+=",
    "(?=a*a*a*b)a",
    String.raw`(a+)\1\1b`,
  ])("%s", (source) => {
    const started = performance.now();
    safeRegex(source, none).test(hostile);
    safeRegex(source, none).test(`${hostile}!`);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
  test("an exponential expression is exact all the same", () => {
    expect(fits("^(a|a)*b$", `${"a".repeat(30)}b`)).toBe(true);
    expect(fits("^(a|a)*b$", `${"a".repeat(30)}c`)).toBe(false);
  });
  test("refused where it cannot run any other way", () => {
    expect(() => safeRegex(String.raw`(a+)+\1b`, none)).toThrow(UnsafeRegex);
    expect(() => safeRegex("(?=(a+)+b)c", none)).toThrow(UnsafeRegex);
  });
});
