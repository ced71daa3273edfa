import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParserContext } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import { accessLog } from "./access-log.ts";
import { logFormat } from "./log-format.ts";

const context: ParserContext = { timeZone: "UTC", year: undefined, trustedProxies: [] };
const record = (text: string): LogRecord => ({ source: "access.log", text, line: 1, offset: 0, writtenBy: 1_760_000_000_000 });
const parser = accessLog.build(context);
const time = "10/Oct/2025:13:55:36 +0000";

/** How nginx writes a value by default (ngx_http_log_escape), and how Apache does (ap_escape_logitem). */
const nginxEscape = (value: string): string =>
  Array.from(Buffer.from(value, "utf8"), (byte) =>
    byte < 32 || byte > 126 || byte === 34 || byte === 92 ? `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}` : String.fromCharCode(byte),
  ).join("");
const apacheEscape = (value: string): string =>
  Array.from(Buffer.from(value, "utf8"), (byte) => {
    const named = { 34: '\\"', 92: "\\\\", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 13: "\\r" }[byte];
    return named ?? (byte < 32 || byte > 126 ? `\\x${byte.toString(16).padStart(2, "0")}` : String.fromCharCode(byte));
  }).join("");

const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        '"',
        "\\",
        "[",
        "]",
        " ",
        ",",
        "-",
        "8.8.8.8",
        " - - ",
        `[${time}] `,
        '"GET / HTTP/1.1"',
        " 200 1 ",
        "\n",
        "\\x22",
        "%22",
        "한",
        "client: ",
        "HTTP/1.1",
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join("")),
);
const present = (value: string): string | undefined => (value === "" || value === "-" ? undefined : value);

describe("access-log", () => {
  const peers = ["45.9.20.31", "2a03:4000:6:d06::1"];

  it.each([
    ["nginx", nginxEscape],
    ["apache", apacheEscape],
  ])("the source is the peer that %s wrote, whatever the client sent", (_server, escape) => {
    fc.assert(
      fc.property(fc.constantFrom(...peers), hostile, hostile, hostile, hostile, (peer, user, target, referrer, agent) => {
        const line = `${peer} - ${escape(user) || "-"} [${time}] "GET /${escape(target)} HTTP/1.1" 404 12 "${escape(referrer) || "-"}" "${escape(agent) || "-"}"`;
        const event = parser.parse(record(line));
        expect(event?.["source.ip"]).toBe(peer);
        expect(event?.["@timestamp"]).toBe(Date.UTC(2025, 9, 10, 13, 55, 36));
        expect(event?.["http.response.status_code"]).toBe(404);
        expect(event?.["haechi.proxy.ip"]).toBeUndefined();
        expect(event?.["url.original"]).toBe(`/${target.toWellFormed()}`);
        expect(event?.["http.request.referrer"]).toBe(present(referrer.toWellFormed()));
        expect(event?.["user_agent.original"]).toBe(present(agent.toWellFormed()));
        const format = logFormat('$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"', context);
        const same = format.parse(record(line));
        expect(same?.["source.ip"]).toBe(peer);
        expect(same?.["user.name"]).toBe(present(user.toWellFormed()));
        expect(same?.["url.original"]).toBe(`/${target.toWellFormed()}`);
      }),
      { numRuns: 300 },
    );
  });

  it("never throws, and the address of an event is the line's first field or none", () => {
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        for (const line of [a, `${a}[${time}] "${b}`, `45.9.20.31 - - [${time}] "${a}" ${b}`]) {
          const event = parser.parse(record(line));
          if (line.startsWith("45.9.20.31 - - [")) expect(event?.["source.ip"]).toBe("45.9.20.31");
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is linear on adversarial lines", () => {
    const fills = ['"', '\\"', "\\", "[", "]", ", ", '] "', `[${time}] "`, '" ', '"x', "% ", "%25", "+", " ", "8.8.8.8 ", "-", '" "', "a=1&", "\\x22", "1.1,"];
    for (const fill of fills) {
      const noise = fill.repeat(Math.ceil(100_000 / fill.length));
      for (const line of [
        noise,
        `45.9.20.31 - - [${time}] "${noise}`,
        `45.9.20.31 - ${noise} [${time}] "GET ${noise} HTTP/1.1" 200 1 "${noise}" "${noise}" ${noise}`,
      ]) {
        const start = performance.now();
        parser.parse(record(line));
        // 500 kB at most: generous for a busy machine, and far below anything quadratic.
        expect(performance.now() - start, fill).toBeLessThan(250);
      }
    }
  });

  it("remembers the minute, not the line", () => {
    const lines = [
      "10/Oct/2025:13:55:36 +0000",
      "10/Oct/2025:13:55:59 +0000",
      "10/Oct/2025:13:55:59 +0900",
      "10/Oct/2025:13:56:00 +0900",
      "11/Oct/2025:13:56:00 -0130",
    ];
    expect(lines.map((at) => parser.parse(record(`45.9.20.31 - - [${at}] "GET / HTTP/1.1" 200 1`))?.["@timestamp"])).toEqual(
      ["2025-10-10T13:55:36Z", "2025-10-10T13:55:59Z", "2025-10-10T04:55:59Z", "2025-10-10T04:56:00Z", "2025-10-11T15:26:00Z"].map((at) => Date.parse(at)),
    );
  });
});
