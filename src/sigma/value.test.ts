import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textTest } from "./glob.ts";
import { foldText, formatText, parseText } from "./value.ts";

const fits = (pattern: string, value: string): boolean => textTest(foldText(parseText(pattern)))(value.toLowerCase());

describe("Sigma strings: wildcards and escapes of the specification", () => {
  test.each([
    ["prog?.exe", "progA.exe", true],
    ["prog?.exe", "prog.exe", false],
    ["antivirus_V*.exe", "antivirus_V21.2.1.exe", true],
    ["antivirus_V*.exe", "antivirus_V1.exe.bak", false],
    [String.raw`C:\Windows\cmd.exe`, String.raw`c:\windows\CMD.EXE`, true],
    [String.raw`C:\\Windows`, String.raw`C:\Windows`, true],
    [String.raw`a\*b`, "a*b", true],
    [String.raw`a\*b`, "axb", false],
    [String.raw`a\?b`, "a?b", true],
    [String.raw`a\?b`, "axb", false],
    [String.raw`a\\*`, String.raw`a\anything`, true],
    [String.raw`a\\*`, "a*", false],
    [String.raw`a\\\*`, String.raw`a\*`, true],
    [String.raw`a\\\*`, String.raw`a\x`, false],
    [String.raw`a\\\b`, String.raw`a\\b`, true],
    [String.raw`a\\\\b`, String.raw`a\\b`, true],
    ["*", "", true],
    ["?*", "", false],
    ["a*b*c", "a1b2b3c", true],
    ["a*b*c", "acb", false],
    ["*a?c*", "xxabcxx", true],
    ["*ab", "aab", true],
    ["ab*ab", "ab", false],
    ["a?c", "a😀c", true],
    ["*?😀*", "a😀", true],
  ])("%s on %s: %s", (pattern, value, expected) => {
    expect(fits(pattern, value)).toBe(expected);
  });

  test("wildcards match as the regular expression of the same meaning does", () => {
    const piece = fc.constantFrom("*", "?", "a", "b", "ab");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 10 }), (pieces, chars) => {
        const expected = new RegExp(`^${pieces.map((one) => (one === "*" ? "[^]*" : one === "?" ? "[^]" : one)).join("")}$`).test(chars.join(""));
        expect(fits(pieces.join(""), chars.join(""))).toBe(expected);
      }),
    );
  });

  test("a text reads as what it prints, but for single backslashes", () => {
    const text = fc.array(fc.constantFrom("a", "B", "*", "?", "\\*", "\\?", " "), { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (source) => {
        expect(parseText(formatText(parseText(source)))).toEqual(parseText(source));
      }),
    );
  });

  test("many stars do not make matching slow", () => {
    const started = performance.now();
    expect(fits(`${"*a".repeat(50)}*b`, "a".repeat(100_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
