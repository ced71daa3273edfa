import { expect, test } from "vitest";
import { peersOf } from "./connections.ts";
import { peerPids } from "./peer.ts";

test("peers of live connections are canonical addresses", () => {
  const listing = [
    "tcp ESTAB 0      0                 45.9.20.1:22            45.9.20.31:37613 ",
    "tcp ESTAB 0      0      [::ffff:45.9.20.1]:99      [::ffff:45.9.20.32]:34319",
    "tcp ESTAB 0      0      [2a03:4000:6:d06::1]:99    [2a03:4000:6:d06::31]:54790",
    "tcp ESTAB 0      0      [fe80::1]%eth0:99    [fe80::2]%eth0:54790",
    "",
    "nonsense",
  ].join("\n");
  expect([...peersOf(listing)]).toEqual(["45.9.20.31", "45.9.20.32", "2a03:4000:6:d06::31"]);
});

test("the peer of a Unix connection is the process whose socket points at ours", () => {
  const listing = [
    'u_str ESTAB 0      0                    * 142177 * 142178 users:(("node",pid=11860,fd=23))',
    'u_str ESTAB 0      0      /run/haechi-warden/warden.sock 142178 * 142177 users:(("node",pid=77,fd=24))',
    'u_str LISTEN 0      0      /run/users:((x pid=1 142178 * 0 users:(("x",pid=5,fd=1))',
    'u_str ESTAB 0      0      * 200 * 201 users:(("a",pid=8,fd=3),("b",pid=9,fd=3))',
  ].join("\n");
  expect(peerPids(listing, "142178")).toEqual([11_860]);
  expect(peerPids(listing, "201")).toEqual([8, 9]);
  expect(peerPids(listing, "999")).toEqual([]);
});
