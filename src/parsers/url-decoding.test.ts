import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unescapeLogValue } from "./log-escapes.ts";
import { decodeUrl } from "./url-decoding.ts";

describe("decodeUrl", () => {
  it.each([
    ["/plain", undefined],
    ["/a+b", "/a b"],
    ["/%2e%2e/etc", "/../etc"],
    ["/%252e", "/."],
    ["/%25252e", "/%2e"],
    ["/%ED%95%9C", "/한"],
    ["/%c0%ae%zz%4", undefined],
    ["/%c0%ae%41", "/%c0%aeA"],
    ["/%", undefined],
    ["/?q=1%2B1", "/?q=1+1"],
    ["/%F0%9F%90%89", "/🐉"],
    ["/%ED%A0%80", undefined],
    ["/%00", "/\u0000"],
  ])("%j gives %j", (target, decoded) => {
    expect(decodeUrl(target)).toBe(decoded);
  });

  it("undoes what encodeURIComponent does, once and twice", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const once = encodeURIComponent(text);
        // What looks like an escape after the first round is decoded in the second one.
        const wanted = text.includes("%") ? decodeUrl(once) : once === text ? undefined : text;
        expect(decodeUrl(once)).toBe(wanted);
        if (!text.includes("%") && once !== text) expect(decodeUrl(encodeURIComponent(once))).toBe(text);
      }),
    );
  });
});

describe("unescapeLogValue", () => {
  it.each([
    ["plain", "plain"],
    ["a\\x22b\\x5C", 'a"b\\'],
    ['a\\"b\\\\n', 'a"b\\n'],
    ["\\xED\\x95\\x9C", "한"],
    ["\\xff\\x41", "\\xffA"],
    ["\\n\\t\\q\\", "\n\t\\q\\"],
    ["\\u0016\\u00e9", "\u0016é"],
    ["\\x5Cx22", "\\x22"],
    ["\\\\x22", "\\x22"],
  ])("%j gives %j", (text, value) => {
    expect(unescapeLogValue(text)).toBe(value);
  });
});
