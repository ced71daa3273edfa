import { describe, expect, it } from "vitest";
import { machineFacts } from "./machine.ts";

const files: Readonly<Record<string, string>> = {
  "/proc/net/route": [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t013C092D\t0003\t0\t0\t100\t00000000\t0\t0\t0",
    "eth0\t003C092D\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0",
  ].join("\n"),
  "/proc/net/ipv6_route": [
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0",
    "2a034000000600d00000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0",
  ].join("\n"),
  "/etc/resolv.conf": "# generated\nnameserver 127.0.0.53\noptions edns0\n  nameserver 2a03:4000:0:1::e1e6%eth0\nnameserver nonsense\n",
  "/run/systemd/resolve/resolv.conf": "nameserver 9.9.9.9\n",
};

describe("machineFacts", () => {
  it("reads addresses, next hops and the real name servers", () => {
    const facts = machineFacts({
      interfaces: () => ({
        lo: [{ address: "127.0.0.1" }],
        eth0: [{ address: "45.9.60.2" }, { address: "2a03:4000:6:d0::2" }, { address: "fe80::1%eth0" }],
        docker0: undefined,
      }),
      read: (path) => files[path],
    });
    expect(facts).toEqual({
      addresses: ["127.0.0.1", "2a03:4000:6:d0::2", "45.9.60.2", "fe80::1"],
      gateways: ["45.9.60.1", "fe80::1"],
      nameservers: ["127.0.0.53", "2a03:4000:0:1::e1e6", "9.9.9.9"],
      containers: true,
    });
  });

  it("makes do with nothing, and with this machine as it is", () => {
    expect(machineFacts({ interfaces: () => ({}), read: () => undefined })).toEqual({ addresses: [], gateways: [], nameservers: [], containers: false });
    expect(machineFacts({ interfaces: () => ({}), read: () => "\u0000garbage\nnameserver\n\t\n" }).gateways).toEqual([]);
    expect(machineFacts().addresses).toContain("127.0.0.1");
  });
});
