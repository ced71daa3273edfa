import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Parser, ParserContext } from "#contracts/parser.ts";
import { accessLog } from "./access-log/access-log.ts";
import { apacheError } from "./apache-error/apache-error.ts";
import { caddy } from "./caddy/caddy.ts";
import { jsonLinesParser } from "./json-lines/json-lines.ts";
import { nginxError } from "./nginx-error/nginx-error.ts";
import { traefik } from "./traefik/traefik.ts";

const context: ParserContext = { timeZone: "Asia/Seoul", year: undefined, trustedProxies: ["10.0.0.0/8"] };
const plugins = [accessLog, caddy, traefik, nginxError, apacheError, jsonLinesParser];
const parsers: readonly Parser[] = plugins.map((plugin) => plugin.build(context));
const parse = (parser: Parser, text: string): ReturnType<Parser["parse"]> =>
  parser.parse({ source: "", text, line: 1, offset: 0, writtenBy: 1_760_000_000_000 });

const heads = [
  "",
  "45.9.20.31 - - [10/Oct/2025:13:55:36 +0000] ",
  "2025/10/10 13:55:36 [error] 1#1: *1 ",
  '2025/10/10 13:55:36 [error] 1#1: *1 open() "/',
  '2025/10/10 13:55:36 [error] 1#1: *1 user "',
  "[Fri Oct 10 13:55:36.902022 2025] [core:error] [pid 1:tid 2] [client 45.9.20.31:1] ",
  "[Fri Oct 10 13:55:36 2025] [error] [client 45.9.20.31] user ",
  "[Fri Oct 10 13:55:36 2025] [error] [client 45.9.20.31] ModSecurity: Access denied ",
  '{"logger":"http.log.access","request":{"method":"GET","uri":"/","remote_ip":',
  '{"RequestMethod":"GET","ClientAddr":',
  '{"a":',
];
const fills = [
  '"',
  "\\",
  "[",
  "]",
  "{",
  "[{",
  ",",
  ", client: 45.9.20.31, server: ",
  ', request: "',
  ', referrer: "',
  " not found: ",
  '[id "',
  '"]',
  ' 1 "',
  "%25",
  "+",
  " ",
  "'",
  ": ",
  "a",
  "AH01617: ",
  "\\u0000",
];
const ends = ["", '"}}', "}", " 5ms", '" 1 "a" "b" 5ms', ", client: 45.9.20.31, server: x"];

describe("hostile lines", () => {
  it("throw nothing, whatever they are", () => {
    const text = fc
      .tuple(
        fc.constantFrom(...heads),
        fc.array(fc.oneof(fc.constantFrom(...fills), fc.string({ unit: "binary" }), fc.json()), { maxLength: 8 }),
        fc.constantFrom(...ends),
      )
      .map(([head, parts, end]) => head + parts.join("") + end);
    fc.assert(
      fc.property(text, (line) => {
        for (const parser of parsers) parse(parser, line);
        for (const plugin of plugins) plugin.recognizes(line);
      }),
      { numRuns: 1_000 },
    );
  });

  it("cost time in proportion to their length", () => {
    for (const head of heads) {
      for (const fill of fills) {
        const line = head + fill.repeat(Math.ceil(100_000 / fill.length)) + (ends[fill.length % ends.length] as string);
        for (const parser of parsers) {
          // The best of three: the machine is shared.
          let best = Number.POSITIVE_INFINITY;
          for (let i = 0; i < 3 && best > 20; i++) {
            const start = performance.now();
            parse(parser, line);
            best = Math.min(best, performance.now() - start);
          }
          expect(best, `${parser.name}: ${head} ${fill}`).toBeLessThan(50);
        }
      }
    }
  });

  it("JSON of any depth, and names of the prototype, do no harm", () => {
    const json = parsers.at(-1) as Parser;
    const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    expect(Object.keys(parse(json, deep) ?? {}).length).toBeLessThan(60);
    const event = parse(json, '{"__proto__":["x"],"constructor":"c","a":{"__proto__":{"b":1}},"hasOwnProperty":1}') as Record<string, unknown>;
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    expect(event["a.__proto__.b"]).toBe(1);
    const wide = `{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":1`).join(",")}}`;
    expect(Object.keys(parse(json, wide) ?? {}).length).toBeLessThan(320);
  });
});

describe("nginx-error", () => {
  const parser = nginxError.build(context);
  const head = "2025/10/10 13:55:36 [error] 1#1: *1 ";
  const client = "45.9.20.31";
  // nginx refuses spaces and control characters in a request's target; a user name ends at its first colon; a referrer is anything.
  const piece = fc.constantFrom(
    '"',
    '" failed (2: No such file or directory)',
    ", client: 8.8.8.8, server: s",
    ', request: "GET / HTTP/1.1"',
    ', host: "h"',
    ', referrer: "',
    " was not found in ",
    ": password mismatch",
    "x",
    ",",
    " ",
  );
  const text = fc.array(fc.oneof(piece, fc.string()), { maxLength: 6 }).map((parts) => parts.join("").replace(/[\r\n]/g, ""));

  it("a user name and a referrer never choose the address", () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (user, referrer, mismatch) => {
        const name = user.replaceAll(":", "");
        const message = mismatch ? `user "${name}": password mismatch` : `user "${name}" was not found in "/etc/nginx/.htpasswd"`;
        const event = parse(
          parser,
          `${head}${message}, client: ${client}, server: example.com, request: "GET /a HTTP/1.1", host: "example.com", referrer: "${referrer}"`,
        );
        expect(event).toMatchObject({
          "source.ip": client,
          "event.action": "http_auth",
          "event.reason": mismatch ? "bad_password" : "invalid_user",
          "user.name": name === "" ? undefined : name,
        });
      }),
    );
  });

  it("a path and a referrer choose no address: the true one, or none", () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (path, referrer, forged) => {
        const target = `/${encodeURIComponent(path.toWellFormed()).replaceAll("%2F", "/")}`;
        const tail = `, client: ${client}, server: _, request: "GET ${target} HTTP/1.1", host: "example.com"${forged ? `, referrer: "${referrer}"` : ""}`;
        const event = parse(parser, `${head}open() "/var/www/${path.toWellFormed()}" failed (2: No such file or directory)${tail}`);
        const forgery = /(?:failed \(2: No such file or directory\)), client: /;
        if (forgery.test(path) || (forged && forgery.test(referrer))) expect([client, undefined]).toContain(event?.["source.ip"]);
        else expect(event?.["source.ip"]).toBe(client);
      }),
      { numRuns: 500 },
    );
  });

  it("takes no address of a line that can be read in two ways", () => {
    const fake = '" failed (2: No such file or directory), client: 8.8.8.8, server: s, request: "GET /a HTTP/1.1", host: "h", referrer: "z';
    const line = `${head}open() "/var/www/a${fake}" failed (2: No such file or directory), client: ${client}, server: s, request: "GET /a${encodeURIComponent(fake)} HTTP/1.1", host: "h"`;
    expect(parse(parser, line)?.["source.ip"]).toBeUndefined();
    expect(parse(parser, line)?.["event.action"]).toBe("http_error");
  });
});
