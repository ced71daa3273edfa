import fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { text } from "#core/text/text.ts";
import { faultText } from "./config-error.ts";
import { parseConfig } from "./parse-config.ts";

const read = (input: string, env: Record<string, string> = {}, files: Record<string, string> = {}) =>
  parseConfig(input, {
    env,
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new Error("ENOENT: no such file");
      return content;
    },
  });
const faults = (input: string, env?: Record<string, string>) => read(input, env).faults.map((fault) => faultText(fault, "haechi.yaml", "en"));

describe("a configuration", () => {
  it("is complete without a file", () => {
    const { config } = read("");
    expect(config).toMatchObject({
      mode: "ask",
      guard: { maxPrefix4: 24, maxPrefix6: 48 },
      bans: { times: [14_400_000, 86_400_000, 604_800_000] },
      metrics: { listen: { host: "127.0.0.1", port: 7601 } },
    });
  });

  it("tells every fault at once, with its line and what was meant", () => {
    const told = faults(
      [
        "mode: autoo",
        "guards:",
        "  maxPrefix4: 16",
        "guard:",
        "  maxPrefix: 20",
        "  trafficShare: 3",
        "allow:",
        "  - 10.0.0.0/8",
        "  - 300.1.1.1",
        "bans:",
        "  times: [4h, soon]",
        "sources:",
        "  - file: /var/log/auth.log",
        "    parsre: sshd",
        "  - {}",
      ].join("\n"),
    );
    expect(told).toEqual([
      expect.stringMatching(/^haechi\.yaml:1:7 mode: .*did you mean “auto”/),
      expect.stringMatching(/^haechi\.yaml:2:1 guards: .*did you mean “guard”/),
      expect.stringMatching(/^haechi\.yaml:5:3 guard\.maxPrefix: .*did you mean “maxPrefix4”/),
      expect.stringMatching(/^haechi\.yaml:6:17 guard\.trafficShare: .*most is 1/),
      expect.stringMatching(/^haechi\.yaml:9:5 allow\[1\]: .*300\.1\.1\.1/),
      expect.stringMatching(/^haechi\.yaml:11:15 bans\.times\[1\]: .*soon/),
      expect.stringMatching(/^haechi\.yaml:14:5 sources\[0\]\.parsre: .*did you mean “parser”/),
      expect.stringMatching(/^haechi\.yaml:15:5 sources\[1\]: .*exactly one of/),
    ]);
  });

  it("refuses broken YAML and keys that stand twice, with the place", () => {
    expect(faults("mode: ask\nmode: auto")[0]).toMatch(/:2:1 .*twice/);
    expect(faults("a: [1")[0]).toMatch(/not YAML/);
  });

  it("keeps secrets out of everything that prints", () => {
    const { config } = read(
      "enforcers:\n  - webhook: { url: 'https://hooks.example/x', secret: '${HOOK}' }\n  - crowdsec: { machine: haechi, password: 'file:/run/secret' }",
      { HOOK: "s3cr3t-value" },
      { "/run/secret": "p4ssw0rd\n" },
    );
    const printed = JSON.stringify(config) + inspect(config, { depth: 9 }) + (config?.enforcers?.[0]?.webhook?.secret as unknown as string);
    expect(printed).not.toMatch(/s3cr3t|p4ssw0rd/);
    expect(config?.enforcers?.[0]?.webhook?.secret.reveal()).toBe("s3cr3t-value");
    expect(config?.enforcers?.[1]?.crowdsec?.password.reveal()).toBe("p4ssw0rd");
  });

  it("names a missing variable or file and takes a default", () => {
    expect(faults("state: ${NOWHERE}/x")[0]).toMatch(/:1:8 state: .*NOWHERE/);
    expect(read("state: ${NOWHERE:-/tmp/x}").config?.state).toBe("/tmp/x");
    expect(faults("enforcers: [{ crowdsec: { machine: a, password: 'file:/nope' } }]")[0]).toMatch(/\/nope/);
  });

  it("has every fault in Korean too", () => {
    for (const fault of read("mode: x\nfoo: 1\nallow: [z]\nbans: {times: []}").faults) expect(text("ko", fault.key, fault.params)).toMatch(/[가-힣]/);
  });

  it("never throws and points into the file, whatever the text", () => {
    const piece = fc.constantFrom(
      "mode",
      ":",
      " ",
      "\n",
      "- ",
      "sources",
      "file",
      "[",
      "]",
      "{",
      "}",
      "&a",
      "*a",
      "'",
      '"',
      "${X}",
      "guard",
      "!!",
      "1",
      "null",
      "?",
      "|",
      "#",
      "\t",
      "가",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 40 }).map((parts) => parts.join("")),
        ),
        (input) => {
          const lines = input.split("\n").length;
          for (const fault of read(input).faults) expect(fault.line).toBeLessThanOrEqual(lines);
        },
      ),
    );
  });
});
