import { readFileSync, globSync } from "node:fs";
import type { LogEvent } from "#core/event.ts";
import { compileRule, type CompiledRule } from "#sigma/compile.ts";
import { parseRule } from "#sigma/parse-rule.ts";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { dispatch } from "./dispatch.ts";

function catalogue(): CompiledRule[] {
  return globSync("rules/**/*.yml").flatMap((path) =>
    parseAllDocuments(readFileSync(path, "utf8"))
      .map((document) => document.toJS() as Record<string, unknown>)
      .filter((document) => document["detection"] !== undefined)
      .map((document) => compileRule(parseRule(document, path))),
  );
}

const piece = fc.constantFrom(
  "/.env",
  "/wp-login.php",
  "/",
  "union select",
  "' OR '1'='1",
  "../",
  "etc/passwd",
  "${JNDI:",
  "%2e",
  "İ",
  "한글",
  "sqlmap",
  "cmd=id",
  "shell.php",
  "/Login",
  "zgrab",
  "a",
  " ",
  "ſ",
);
const textValue = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(""));
const event: fc.Arbitrary<LogEvent> = fc.record(
  {
    "@timestamp": fc.nat(),
    "event.action": fc.constantFrom(
      "ssh_login",
      "ssh_invalid_user",
      "ssh_preauth_close",
      "http_request",
      "HTTP_Request",
      "sudo_command",
      "firewall_block",
      "unknown",
      "http_auth",
    ),
    "event.outcome": fc.constantFrom("success" as const, "failure" as const),
    "event.reason": fc.constantFrom("invalid_user", "authenticating_user"),
    "user.name": fc.oneof(fc.constantFrom("root", "Root", "www-data", "minji"), textValue),
    "http.request.method": fc.constantFrom("GET", "POST", "post"),
    "http.response.status_code": fc.constantFrom(200, 404, 499, 401, 302),
    "url.path": textValue,
    "url.query": textValue,
    "url.original": textValue,
    "haechi.url.decoded": textValue,
    "user_agent.original": fc.oneof(textValue, fc.array(textValue, { maxLength: 3 })),
    "http.request.referrer": textValue,
    "haechi.malformed": fc.constantFrom(true, false),
    "haechi.ssh.method": fc.constantFrom("password", "publickey"),
    "destination.port": fc.nat(65_535),
  },
  { requiredKeys: ["@timestamp"] },
) as fc.Arbitrary<LogEvent>;

describe("dispatch", () => {
  const rules = catalogue();
  const way = dispatch(rules);
  const out = new Int32Array(rules.length);

  it("leaves out no rule of the catalogue that matches, whatever the event, and names none twice", () => {
    fc.assert(
      fc.property(event, (one) => {
        const count = way.candidates(one, out);
        const offered = Array.from(out.subarray(0, count));
        expect(new Set(offered).size).toBe(offered.length);
        const matching = rules.flatMap((rule, index) => (rule.matches(one) ? [index] : []));
        expect(matching.filter((index) => !offered.includes(index))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("offers few rules for ordinary lines", () => {
    const page: LogEvent = {
      "@timestamp": 0,
      "event.action": "http_request",
      "event.outcome": "success",
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "url.path": "/index.html",
      "url.original": "/index.html",
      "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0",
    };
    expect(way.candidates(page, out)).toBeLessThanOrEqual(1);
    expect(way.candidates({ "@timestamp": 0, "event.action": "session_open", "event.outcome": "success" }, out)).toBe(0);
  });

  it("tries rules that cannot be narrowed on every event", () => {
    const open = compileRule(
      parseRule({ title: "open", logsource: { category: "x" }, detection: { selection: { "user.name": null }, condition: "not selection" } }, "open.yml"),
    );
    const narrow = compileRule(
      parseRule({ title: "narrow", logsource: { category: "x" }, detection: { keywords: ["jndi"], condition: "keywords" } }, "narrow.yml"),
    );
    const both = dispatch([open, narrow]);
    expect(both.candidates({ "@timestamp": 0, "event.action": "anything" }, new Int32Array(2))).toBe(2);
  });
});
