import { describe, expect, it } from "vitest";
import type { ParserContext } from "#contracts/parser.ts";
import { ParserError } from "../parser-error.ts";
import { jsonLines } from "./json-lines.ts";

const context: ParserContext = { timeZone: "Asia/Seoul", year: undefined, trustedProxies: ["10.0.0.0/8"] };
const parse = (line: unknown, map: Record<string, string> = {}): Record<string, unknown> | undefined =>
  jsonLines(map, context).parse({ source: "", text: typeof line === "string" ? line : JSON.stringify(line), line: 1, offset: 0, writtenBy: 1_760_000_000_000 });

describe("json-lines", () => {
  it("fills ECS fields from the map, before all usual names", () => {
    expect(
      parse(
        { ip: "8.8.8.8", conn: { from: "45.9.20.31:5000" }, who: "root", kind: "login", ok: "failure", at: 1_760_104_536, n: 3 },
        { "source.ip": "conn.from", "user.name": "who", "event.action": "kind", "event.outcome": "ok", "@timestamp": "at", "haechi.count": "n" },
      ),
    ).toMatchObject({
      "@timestamp": 1_760_104_536_000,
      "source.ip": "45.9.20.31",
      "source.port": 5_000,
      "user.name": "root",
      "event.action": "login",
      "event.outcome": "failure",
      "haechi.count": 3,
    });
  });

  it("lets no line set our own fields, nor who parsed it", () => {
    const event = parse({
      "haechi.count": 1e9,
      haechi: { proxy: { ip: "8.8.8.8" } },
      event: { module: "sshd", category: "nonsense" },
      "source.ip": "nobody knows",
    });
    expect(event).toMatchObject({ "event.module": "json-lines", "event.category": undefined, "source.ip": undefined });
    expect(event?.["haechi.count"]).toBeUndefined();
    expect(event?.["haechi.proxy.ip"]).toBeUndefined();
  });

  it("believes a client name only of a trusted peer", () => {
    expect(parse({ remote_addr: "45.9.20.31", client_ip: "8.8.8.8", method: "GET", path: "/" })?.["source.ip"]).toBe("45.9.20.31");
    expect(parse({ remote_addr: "10.0.0.1", client_ip: "45.9.20.31", method: "GET", path: "/" })).toMatchObject({
      "source.ip": "45.9.20.31",
      "haechi.proxy.ip": "10.0.0.1",
    });
    expect(parse({ client_ip: "45.9.20.31" })?.["source.ip"]).toBe("45.9.20.31");
  });

  it("takes garbage in a request's place for what it is", () => {
    expect(parse({ remote_addr: "45.9.20.31", request: "\u0016\u0003\u0001", status: "400" })).toMatchObject({
      "event.action": "http_request",
      "haechi.malformed": true,
      "url.original": "\\x16\\x03\\x01",
    });
    expect(parse({ request: { id: 1 }, status: "ok" })?.["event.action"]).toBeUndefined();
  });

  it("keeps names of lines that are no request", () => {
    expect(parse({ msg: "job done", status: "ok", path: "/tmp/x", size: 5, host: "web1", level: "INFO", pid: 12 })).toMatchObject({
      message: "job done",
      status: "ok",
      path: "/tmp/x",
      size: 5,
      "host.name": "web1",
      "log.level": "info",
      "process.pid": 12,
      "event.category": undefined,
    });
  });

  it.each([
    ["2025-10-10T22:55:36", "2025-10-10T13:55:36.000Z"],
    ["2025-10-10 22:55:36,250", "2025-10-10T13:55:36.250Z"],
    ["2025-10-10T13:55:36.5Z", "2025-10-10T13:55:36.500Z"],
    ["10/Oct/2025:13:55:36 +0000", "2025-10-10T13:55:36.000Z"],
    [1_760_104_536, "2025-10-10T13:55:36.000Z"],
    [1_760_104_536.25, "2025-10-10T13:55:36.250Z"],
    [1_760_104_536_250, "2025-10-10T13:55:36.250Z"],
    ["1760104536250000", "2025-10-10T13:55:36.250Z"],
    ["yesterday", "2025-10-09T08:53:20.000Z"],
    ["2025-02-30T00:00:00Z", "2025-10-09T08:53:20.000Z"],
  ])("reads the time %j", (time, wanted) => {
    expect(new Date(parse({ time })?.["@timestamp"] as number).toISOString()).toBe(wanted);
  });

  it("is no parser of anything but objects", () => {
    for (const line of ["", "[]", "1", "null", '"x"', "{", "{}x", "text"]) expect(parse(line)).toBeUndefined();
    expect(parse("{}")).toBeDefined();
  });

  it("refuses a map with names that are none", () => {
    expect(() => jsonLines({ "source ip": "x" }, context)).toThrow(ParserError);
    expect(() => jsonLines({ "source.ip": "" }, context)).toThrow("source.ip");
  });
});
