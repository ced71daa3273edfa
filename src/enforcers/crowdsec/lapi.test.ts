import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { allowlisted } from "./allowlists.ts";
import { goDuration, lapiMachine, parseGoDuration } from "./lapi.ts";

describe("durations of Go", () => {
  test.each([
    ["3h59m59.97s", 14_399_970],
    ["23h59m59.5s", 86_399_500],
    ["-1.204763ms", -1.204_763],
    ["950µs", 0.95],
    ["0s", 0],
    ["1m", 60_000],
  ])("%s", (text, milliseconds) => {
    expect(parseGoDuration(text)).toBeCloseTo(milliseconds, 5);
  });
  test.each(["", "1d", "4", "h", "4 h", "undefined"])("%j is none", (text) => {
    expect(parseGoDuration(text)).toBeNaN();
  });
  test("what is written is read, rounded up to a second", () => {
    expect(goDuration(86_400_000)).toBe("24h0m0s");
    expect(goDuration(0)).toBe("0h0m1s");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), (milliseconds) => {
        const read = parseGoDuration(goDuration(milliseconds));
        expect(read).toBeGreaterThanOrEqual(milliseconds);
        expect(read).toBeLessThanOrEqual(milliseconds + 1_000);
      }),
    );
  });
});

// Debian's CrowdSec has no allow lists yet, so the newer answers come from a stand-in; the real 404 is a system test.
describe("allow lists of newer servers", () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  const open = async (answers: (method: string, path: string, body: string) => { status: number; body?: unknown }) => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        const path = (request.url ?? "").replace(/^\/v1/, "");
        asked.push(`${String(request.method)} ${path}`);
        const answer =
          path === "/watchers/login"
            ? { status: 200, body: { code: 200, token: "t", expire: new Date(Date.now() + 3_600_000).toISOString() } }
            : answers(request.method ?? "", path, body);
        response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body === undefined ? "" : JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { asked, machine: lapiMachine({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, machine: "haechi", password: "x" }) };
  };
  const signal = (): AbortSignal => AbortSignal.timeout(5_000);
  const targets = ["103.77.4.0/24", "45.9.20.31", "45.9.20.32"];

  test("are asked once for many targets where the server can", async () => {
    const { machine, asked } = await open(() => ({ status: 200, body: { results: [{ target: "45.9.20.31", allowlists: ["office", "vpn"] }] } }));
    expect([...(await allowlisted(machine, targets, signal()))]).toEqual([["45.9.20.31", "office, vpn"]]);
    expect(asked).toEqual(["POST /watchers/login", "POST /allowlists/check"]);
  });
  test("are asked one by one where it cannot, and a network's 404 says nothing about addresses", async () => {
    const { machine, asked } = await open((method, path) => {
      if (method === "POST" || path.includes("/24")) return { status: 404 };
      return { status: 200, body: { allowlisted: path.endsWith("32"), reason: "45.9.20.32 from office" } };
    });
    expect([...(await allowlisted(machine, targets, signal()))]).toEqual([["45.9.20.32", "45.9.20.32 from office"]]);
    expect(asked).toHaveLength(5);
  });
  test("are not there on old servers, which is found out with two requests", async () => {
    const { machine, asked } = await open(() => ({ status: 404 }));
    expect((await allowlisted(machine, targets, signal())).size).toBe(0);
    expect(asked).toEqual(["POST /watchers/login", "POST /allowlists/check", "GET /allowlists/check/45.9.20.31"]);
  });
  test("that cannot be read stop the ban", async () => {
    const { machine } = await open(() => ({ status: 500, body: { message: "database is locked" } }));
    await expect(allowlisted(machine, targets, signal())).rejects.toMatchObject({
      code: "crowdsec-answer",
      message: expect.stringContaining("database is locked") as string,
    });
  });
});
