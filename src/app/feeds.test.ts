import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { bed, type Bed } from "#respond/test-bed.ts";
import { parseConfig } from "./config/parse-config.ts";
import type { Config } from "./config/schema.ts";
import { feedNames, followFeeds } from "./feeds.ts";

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

const decision = (id: number, value: string, more: object = {}): object => ({
  id,
  value,
  origin: "crowdsec",
  scenario: "crowdsecurity/ssh-bf",
  scope: value.includes("/") ? "Range" : "Ip",
  type: "ban",
  duration: "3h59m59.97s",
  ...more,
});

/** A local API that answers looks at the stream with what the test puts in line, and `null` lists after that. */
async function openServer() {
  const answers: Answer[] = [];
  const asked: string[] = [];
  const keys = new Set<unknown>();
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    keys.add(request.headers["x-api-key"]);
    const { status = 200, body } = answers.shift() ?? { body: { new: null, deleted: null } };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    answers,
    asked,
    keys,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const configOf = (url: string): Config => {
  const { config } = parseConfig(`enforcers:\n  - crowdsec: { url: "${url}", machine: haechi, password: x, bouncerKey: the-key }\n`, {
    env: {},
    readFile: () => "",
  });
  if (!config) throw new Error("faulty configuration");
  return config;
};

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 5_000; !(await condition());) {
    if (Date.now() > end) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function open(mode: "watch" | "ask" | "auto" = "auto", language: "en" | "ko" = "en") {
  const server = await openServer();
  closing.push(server.close);
  const made: Bed = bed({ mode });
  made.now = Date.now();
  const notices: string[] = [];
  const start = (responder = made.responder): (() => Promise<void>) => {
    const stop = new AbortController();
    const running = followFeeds(configOf(server.url), responder, { language, notice: (line) => notices.push(line), signal: stop.signal, interval: 10 });
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
      await responder.settled();
    };
    closing.push(end);
    return end;
  };
  return { server, made, notices, start };
}

describe("CrowdSec as a source of bans", () => {
  it("bans what the stream brings and releases what it takes back; empty looks are null or lists", async () => {
    const { server, made, start } = await open();
    server.answers.push(
      { body: { new: null, deleted: null } },
      { body: { new: [], deleted: [] } },
      { body: { new: [decision(1, "45.9.20.31"), decision(2, "103.77.4.9/24", { origin: "cscli" })], deleted: null } },
      { body: null },
    );
    const end = start();
    await until("both are banned", () => made.firewall.rules.size === 2);
    expect([...made.firewall.rules.keys()].toSorted()).toEqual(["103.77.4.0/24", "45.9.20.31"]);
    const left = (made.firewall.rules.get("45.9.20.31")?.until ?? 0) - made.now;
    expect(Math.abs(left - 4 * 3_600_000)).toBeLessThan(10_000);
    server.answers.push({ body: { new: null, deleted: [decision(1, "45.9.20.31", { duration: "-3.8ms" })] } });
    await until("one is released", () => made.firewall.rules.size === 1);
    expect(await made.store.decisions({ limit: 9 })).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ target: "45.9.20.31", state: "released", note: "released by crowdsec" })]) as never,
    );
    await end();
    expect(server.asked[0]).toBe("/v1/decisions/stream?startup=true&dedup=false");
    expect(server.asked[1]).toBe("/v1/decisions/stream?startup=false&dedup=false");
    expect([...server.keys]).toEqual(["the-key"]);
  });

  it("takes no decision of ours, no captcha, no country, no simulation and no nonsense", async () => {
    const { server, made, start } = await open("watch");
    const strange = [
      decision(1, "45.9.20.1", { scenario: "haechi/ban" }),
      decision(2, "45.9.20.2", { type: "captcha" }),
      decision(3, "KR", { scope: "Country" }),
      decision(4, "45.9.20.4", { simulated: true }),
      decision(5, "no address"),
      decision(6, "45.9.20.6", { duration: "1d" }),
      { ...decision(7, "45.9.20.7"), id: "seven" },
      null,
      "text",
      7,
      decision(8, "45.9.20.8", { scenario: "x\u001b[2J\u202e" }),
    ];
    server.answers.push({ body: { new: strange } });
    start();
    await until("the last one is recorded", async () => (await made.store.decisions({ limit: 99 })).length > 0);
    const taken = await made.store.decisions({ limit: 99 });
    expect(taken.map(({ target }) => target)).toEqual(["45.9.20.8"]);
    expect(JSON.stringify(taken)).toContain("x\\\\x1b[2J\\\\u202e");
  });

  it("begins anew with everything after an error, and releases what is gone by then; one word when lost, one when back", async () => {
    const { server, made, notices, start } = await open("auto", "ko");
    server.answers.push({ body: { new: [decision(1, "45.9.20.31"), decision(2, "45.9.20.32")] } });
    let end = start();
    await until("both are banned", () => made.firewall.rules.size === 2);
    server.answers.push({ status: 500, body: { message: "database is locked" } });
    await until("it says so", () => notices.length === 1);
    expect(notices[0]).toMatch(/database is locked.*crowdsec에서 온 차단은 끝날 때까지 유지/);
    expect(made.firewall.rules.size).toBe(2);
    await end();
    server.answers.push({ body: { new: [decision(2, "45.9.20.32")], deleted: [decision(1, "45.9.20.31", { duration: "-9m" })] } });
    end = start(made.again());
    await until("the lost deletion is made up for", () => made.firewall.rules.size === 1);
    expect([...made.firewall.rules.keys()]).toEqual(["45.9.20.32"]);
    await end();
    expect(await made.store.proposals({ limit: 9 })).toHaveLength(2);
  });

  it("is followed where there is a bouncer key, each server under a name of its own", () => {
    const server = (key: string): string => `  - crowdsec: { machine: haechi, password: x${key} }\n`;
    const { config } = parseConfig(`enforcers:\n${server("")}${server(", bouncerKey: a")}${server(", bouncerKey: b")}`, { env: {}, readFile: () => "" });
    expect([...feedNames(config as Config).values()]).toEqual(["crowdsec", "crowdsec-2"]);
  });
});
