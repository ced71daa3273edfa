import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCidr, parseCidr, type Cidr } from "./ip.ts";
import { checkWardenTarget, parseWardenReply, parseWardenRequest, wardenLimits } from "./warden-message.ts";

const widest = { prefix4: 24, prefix6: 48 };

describe("a request to the warden", () => {
  test("is read as it was written", () => {
    for (const request of [
      { id: 1, do: "block", bans: [{ target: "45.9.20.31", until: 5 }], only: true },
      { id: 2, do: "release", targets: ["45.9.20.31"] },
      { id: 3, do: "kill", target: "45.9.20.31" },
      { id: 4, do: "list" },
      { id: 5, do: "flush" },
      { id: 6, do: "hits" },
    ])
      expect(parseWardenRequest(JSON.stringify(request))).toEqual(request);
  });

  test.each([
    ["", "not JSON"],
    ["[]", "not an object"],
    ["null", "not an object"],
    ['{"do":"list"}', "id is not a whole number"],
    ['{"id":1.5,"do":"list"}', "id is not a whole number"],
    ['{"id":1,"do":"exec"}', "unknown request"],
    ['{"id":1,"do":"__proto__"}', "unknown request"],
    ['{"id":1,"do":"list","extra":1}', "unknown field"],
    ['{"id":1,"do":"block","bans":[]}', "only is not true or false"],
    ['{"id":1,"do":"block","only":true,"bans":[{"target":"x","until":null}]}', "a ban has no target or no end"],
    ['{"id":1,"do":"block","only":true,"bans":[{"target":"x","until":1,"x":1}]}', "a ban has other fields than target and until"],
    ['{"id":1,"do":"kill","target":7}', "no target"],
  ])("is refused: %s", (line, why) => {
    expect(parseWardenRequest(line)).toBe(why);
  });

  test("is refused with too many bans or an endless target", () => {
    const bans = Array.from({ length: wardenLimits.bans + 1 }, () => ({ target: "x", until: 1 }));
    expect(parseWardenRequest(JSON.stringify({ id: 1, do: "block", bans, only: true }))).toContain("at most");
    expect(parseWardenRequest(JSON.stringify({ id: 1, do: "kill", target: "x".repeat(51) }))).toBe("no target");
  });

  test("never makes the readers throw, whatever comes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        parseWardenRequest(line);
        parseWardenReply(line);
      }),
    );
  });
});

test("a reply keeps only texts and numbers for a text's places", () => {
  const fault = { code: "x", key: "enforce.ufwInactive", params: { a: 1, b: "two", c: { d: 1 } } };
  expect(parseWardenReply(JSON.stringify({ id: 1, ok: false, fault }))).toEqual({ id: 1, ok: false, fault: { ...fault, params: { a: 1, b: "two" } } });
  expect(parseWardenReply('{"id":1,"ok":true}')).toEqual({ id: 1, ok: true, result: undefined });
  expect(parseWardenReply('{"id":1,"ok":false}')).toBeUndefined();
});

describe("the warden's own check of a target", () => {
  const own = ["45.9.20.1", "2a03:4000:6:d06::1"].map((text) => parseCidr(text) as Cidr);

  test.each(["45.9.20.31", "45.9.21.0/24", "2a03:4000:7::/48", "2a03:4000:6:d06::31", "0.0.0.0/0"])("%s", (target) => {
    const checked = checkWardenTarget(target, own, target === "0.0.0.0/0" ? { prefix4: 0, prefix6: 0 } : widest);
    if (target === "0.0.0.0/0") expect(checked).toBe("reserved");
    else expect(typeof checked === "string" ? checked : formatCidr(checked)).toBe(target);
  });

  test.each([
    ["45.9.20.1", "own"],
    ["45.9.20.0/24", "own"],
    ["2a03:4000:6:d06::/64", "own"],
    ["127.0.0.1", "reserved"],
    ["127.9.0.0/24", "reserved"],
    ["169.254.1.1", "reserved"],
    ["224.0.0.251", "reserved"],
    ["255.255.255.255", "reserved"],
    ["0.0.0.0", "reserved"],
    ["::", "reserved"],
    ["::1", "reserved"],
    ["fe80::1", "reserved"],
    ["ff02::1", "reserved"],
    ["103.77.0.0/23", "width"],
    ["0.0.0.0/0", "width"],
    ["::/0", "width"],
    ["2a03::/47", "width"],
    ["", "unparsable"],
    ["045.9.20.31", "unparsable"],
    ["45.9.20.31/32", "unparsable"],
    ["45.9.21.7/24", "unparsable"],
    ["::ffff:45.9.20.31", "unparsable"],
    ["2A03:4000:6:d06::31", "unparsable"],
    ["fe80::1%eth0", "unparsable"],
    ["45.9.20.31; reboot", "unparsable"],
    ["--help", "unparsable"],
  ])("refuses %s: %s", (target, why) => {
    expect(checkWardenTarget(target, own, widest)).toBe(why);
  });

  test("lets nothing through that could be read as an option or a second word", () => {
    fc.assert(
      fc.property(fc.string(), (target) => {
        const checked = checkWardenTarget(target, own, widest);
        if (typeof checked !== "string") expect(target).toMatch(/^[0-9a-f.:]+(?:\/\d+)?$/);
      }),
    );
  });
});
