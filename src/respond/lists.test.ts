import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseCidr, type Cidr } from "#core/ip.ts";
import { readLists } from "./list-files.ts";
import { parseList } from "./lists.ts";
import { protection } from "./protection.ts";
import { reservedFor, reservedSet } from "./reserved.ts";
import { machine } from "./test-bed.ts";
import { updateLists, type Fetch } from "./update-lists.ts";

const shipped = join(import.meta.dirname, "../../data/lists");

describe("the shipped lists", () => {
  const { lists, faults } = readLists([shipped]);
  it("all parse, are dated, and hold public networks only", () => {
    expect(faults).toEqual([]);
    const reserved = reservedSet();
    for (const { name, networks, note } of lists) {
      expect(note.length, name).toBeGreaterThan(10);
      for (const network of networks) expect(reservedFor(reserved, parseCidr(network) as Cidr), `${name} ${network}`).toBeUndefined();
    }
    expect(lists.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["cloudflare", "fastly", "cloudfront", "googlebot", "bingbot", "applebot", "naver-yeti", "daum", "lets-encrypt"]),
    );
    expect(readdirSync(shipped)).toEqual(lists.map(({ name }) => `${name}.json`).toSorted());
  });

  it.each([
    ["104.16.132.229", "cloudflare"],
    ["172.71.1.1", "cloudflare"],
    ["2606:4700::6810:84e5", "cloudflare"],
    ["151.101.1.69", "fastly"],
    ["130.176.1.1", "cloudfront"],
    ["66.249.66.1", "googlebot"],
    ["2001:4860:4801:10::1", "googlebot"],
    ["157.55.39.1", "bingbot"],
    ["40.77.167.20", "bingbot"],
    ["17.241.75.9", "applebot"],
    ["20.171.206.10", "gptbot"],
    ["216.73.216.5", "claudebot"],
    ["45.9.20.31", undefined],
    ["8.8.8.8", undefined],
  ])("%s belongs to %s", (address, name) => {
    const sets = protection({ machine, lists, allow: [], infrastructure: [], trustedProxies: [], operators: [] });
    expect(sets.provider(parseCidr(address) as Cidr)?.name).toBe(name);
  });
});

describe("parseList", () => {
  const good = { name: "x", kind: "cdn", date: "2026-01-01", source: "https://x.example/", networks: ["45.9.20.77/24"] };
  it("gives canonical networks", () => {
    expect(parseList(JSON.stringify(good))).toMatchObject({ list: { networks: ["45.9.20.0/24"] } });
  });
  it.each([
    ["", "no JSON"],
    ["[]", "name"],
    ["null", "no object"],
    [JSON.stringify({ ...good, name: "../x" }), "name"],
    [JSON.stringify({ ...good, kind: "friends" }), "kind"],
    [JSON.stringify({ ...good, date: "2026-13-40" }), "date"],
    [JSON.stringify({ ...good, source: "http://x.example/" }), "source"],
    [JSON.stringify({ ...good, networks: ["0.0.0.0/0"] }), "too wide: 0.0.0.0/0"],
    [JSON.stringify({ ...good, networks: ["::/0"] }), "too wide: ::/0"],
    [JSON.stringify({ ...good, networks: ["x"] }), "no network: x"],
    [JSON.stringify({ ...good, networks: [7] }), "no network: 7"],
    [JSON.stringify({ ...good, networks: "45.9.20.31" }), "networks"],
    [JSON.stringify({ ...good, agents: ["M"] }), "agents"],
    [JSON.stringify({ ...good, domains: "naver.com" }), "domains"],
  ])("refuses %s: %s", (text, fault) => {
    expect(parseList(text)).toEqual({ fault });
  });
});

describe("updateLists", () => {
  let folder: string;
  let server: Server;
  let answer: (path: string) => { readonly status?: number; readonly body: string };
  let fetchHere: Fetch;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "haechi-lists-"));
    server = createServer((request, response) => {
      const { status = 200, body } = answer(request.url ?? "/");
      response.writeHead(status).end(body);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    fetchHere = (url, init) => fetch(`http://127.0.0.1:${port}/${new URL(url).host}${new URL(url).pathname}`, init);
  });
  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });
  const update = async () =>
    new Map((await updateLists(fetchHere, { shipped, folder, now: Date.UTC(2027, 0, 2), language: "en" })).map((one) => [one.name, one]));
  const cloudflare = readLists([shipped]).lists.find(({ name }) => name === "cloudflare")?.networks ?? [];

  it("takes over what is in no doubt", async () => {
    const googlebot = Array.from({ length: 40 }, (_, i) => ({ ipv4Prefix: `66.249.${i}.0/27` }));
    answer = (path) => {
      if (path.includes("/ips-v4")) return { body: [...cloudflare.filter((one) => !one.includes(":")), "46.1.0.0/20"].join("\n") };
      if (path.includes("/ips-v6")) return { body: cloudflare.filter((one) => one.includes(":")).join("\n") };
      if (path.includes("googlebot"))
        return { body: JSON.stringify({ creationTime: "x", prefixes: [...googlebot, { ipv6Prefix: "2001:4860:4801:10::/64" }] }) };
      if (path.includes("fastly"))
        return { body: JSON.stringify({ addresses: readLists([shipped]).lists.find(({ name }) => name === "fastly")?.networks, ipv6_addresses: [] }) };
      return { status: 503, body: "later" };
    };
    const updates = await update();
    expect(updates.get("cloudflare")).toMatchObject({ outcome: "updated", count: cloudflare.length + 1 });
    expect(updates.get("googlebot")).toMatchObject({ outcome: "updated", count: 41 });
    expect(updates.get("fastly")).toMatchObject({ outcome: "unchanged" });
    expect(updates.get("bingbot")).toMatchObject({ outcome: "kept", text: expect.stringContaining("HTTP 503") as string });
    expect(updates.get("naver-yeti")).toMatchObject({ outcome: "kept", text: expect.stringContaining("Nobody publishes") as string });
    const read = readLists([shipped, folder]).lists.find(({ name }) => name === "cloudflare");
    expect(read).toMatchObject({ date: "2027-01-02", networks: expect.arrayContaining(["46.1.0.0/20"]) as string[] });
    expect(readdirSync(folder).every((name) => name.endsWith(".json"))).toBe(true);
  });

  it.each([
    ["everything", "0.0.0.0/0"],
    ["a private network", `${cloudflare.join("\n")}\n10.0.0.0/8`],
    ["an error page", "<html>captive portal</html>"],
    ["nothing", ""],
    ["far too little", cloudflare[0] ?? ""],
    ["far too much", Array.from({ length: 900 }, (_, i) => `46.1.${i % 256}.${i >> 8}`).join("\n")],
  ])("keeps the old list when the new one holds %s", async (_, body) => {
    answer = (path) => ({ body: path.includes("/ips-v4") ? body : "" });
    expect((await update()).get("cloudflare")?.outcome).toBe("kept");
    expect(readdirSync(folder)).not.toContain("cloudflare.json");
  });

  it("says so without a network", async () => {
    const away: Fetch = () => Promise.reject(Object.assign(new TypeError("fetch failed"), { cause: { code: "ENOTFOUND" } }));
    const updates = await updateLists(away, { shipped, folder, now: 0, language: "ko" });
    expect(updates.every(({ outcome }) => outcome === "kept")).toBe(true);
    expect(updates[0]?.text).toMatch(/ENOTFOUND|공개된 목록/);
  });

  it("prefers the newer of two lists and survives a damaged file", () => {
    writeFileSync(join(folder, "fastly.json"), "{");
    const old = JSON.parse(readFileSync(join(shipped, "cloudflare.json"), "utf8")) as object;
    writeFileSync(join(folder, "cloudflare.json"), JSON.stringify({ ...old, date: "2001-01-01", networks: [] }));
    const { lists, faults } = readLists([shipped, folder, "/does/not/exist"]);
    expect(faults).toEqual([{ path: join(folder, "fastly.json"), fault: "no JSON" }]);
    expect(lists.find(({ name }) => name === "cloudflare")?.networks.length).toBe(cloudflare.length);
    expect(lists.some(({ name }) => name === "fastly")).toBe(true);
  });
});
