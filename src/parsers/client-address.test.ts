import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressOf, clientAddresses, portOf } from "./client-address.ts";

const clients = clientAddresses(["10.0.0.0/8", "2a06:98c0::/29", "no network"]);

describe("client address", () => {
  it("believes no header of a peer that is not trusted", () => {
    expect(clients.client("45.9.20.31", { forwardedFor: "8.8.8.8", connecting: "8.8.8.8", realIp: "8.8.8.8" })).toBe("45.9.20.31");
    expect(clientAddresses([]).client("10.0.0.1", { forwardedFor: "8.8.8.8" })).toBe("10.0.0.1");
  });

  it.each([
    ["8.8.8.8, 45.9.20.31", "45.9.20.31"],
    ["8.8.8.8,45.9.20.31,10.1.1.1, 10.2.2.2", "45.9.20.31"],
    ["45.9.20.31:51234", "45.9.20.31"],
    ["[2a03:4000:6:d06:0::1]:443, 10.1.1.1", "2a03:4000:6:d06::1"],
    ['"45.9.20.31"', "45.9.20.31"],
    ["::ffff:45.9.20.31", "45.9.20.31"],
    ["unknown", "10.0.0.1"],
    ["45.9.20.31, unknown", "10.0.0.1"],
    ["45.9.20.31, garbage, 10.1.1.1", "10.1.1.1"],
    ["10.3.3.3, 10.1.1.1", "10.3.3.3"],
    ["", "10.0.0.1"],
    [",", "10.0.0.1"],
    ["45.9.20.31,", "10.0.0.1"],
    [",45.9.20.31", "45.9.20.31"],
    ["45.9.20.031", "10.0.0.1"],
    ["45.9.20.31/24", "10.0.0.1"],
  ])("reads X-Forwarded-For %j from the right past trusted proxies", (forwardedFor, client) => {
    expect(clients.client("10.0.0.1", { forwardedFor })).toBe(client);
  });

  it.each([
    ["for=45.9.20.31;proto=http;by=10.0.0.9", "45.9.20.31"],
    ['for="[2a03:4000:6:d06::1]:4711"', "2a03:4000:6:d06::1"],
    ["For=8.8.8.8, FOR=45.9.20.31, for=10.1.1.1", "45.9.20.31"],
    ['for="45.9.20.31:80";host=a', "45.9.20.31"],
    ["for=_hidden", "10.0.0.1"],
    ["for=unknown, for=10.1.1.1", "10.1.1.1"],
    ['for="8.8.8.8, for=45.9.20.31', "45.9.20.31"],
    ['for="45.9.20.31', "10.0.0.1"],
    ["proto=https", "10.0.0.1"],
  ])("reads Forwarded %j (RFC 7239)", (forwarded, client) => {
    expect(clients.client("10.0.0.1", { forwarded })).toBe(client);
  });

  it("takes single-value headers only where no list is there", () => {
    expect(clients.client("10.0.0.1", { connecting: "45.9.20.31" })).toBe("45.9.20.31");
    expect(clients.client("10.0.0.1", { realIp: "2A03:4000:6:D06::1" })).toBe("2a03:4000:6:d06::1");
    expect(clients.client("10.0.0.1", { connecting: "8.8.8.8", forwardedFor: "45.9.20.31" })).toBe("45.9.20.31");
    expect(clients.client("10.0.0.1", { realIp: "8.8.8.8, 9.9.9.9" })).toBe("10.0.0.1");
  });

  it("trusts IPv6 proxies", () => {
    expect(clients.client("2a06:98c0::5", { forwardedFor: "45.9.20.31" })).toBe("45.9.20.31");
  });

  it("gives an address whatever the values, and what the left end says never matters behind an untrusted hop", () => {
    const junk = fc.array(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom(",", '"', "for=", ";", "[", "]", "unknown")), { maxLength: 12 });
    fc.assert(
      fc.property(junk, (parts) => {
        const value = parts.join(",");
        for (const headers of [{ forwardedFor: value }, { forwarded: value }, { connecting: value }, { realIp: value }]) {
          expect(addressOf(clients.client("10.0.0.1", headers))).toBeDefined();
        }
        expect(clients.client("10.0.0.1", { forwardedFor: `${value}, 45.9.20.31, 10.1.1.1` })).toBe("45.9.20.31");
        expect(clients.client("10.0.0.1", { forwarded: `${value}, for=45.9.20.31` })).toBe("45.9.20.31");
      }),
    );
  });

  it("does not walk a chain of any length", () => {
    expect(clients.client("10.0.0.1", { forwardedFor: `8.8.8.8,${"10.0.0.2,".repeat(200_000)}10.0.0.3` })).toBe("10.0.0.2");
  });

  it("reads ports where they are one", () => {
    expect([portOf("45.9.20.31:80"), portOf("[2a03::1]:443"), portOf("2a03::1"), portOf("45.9.20.31:99999"), portOf("45.9.20.31")]).toEqual([
      80,
      443,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
