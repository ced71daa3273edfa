import { expect, test } from "vitest";
import { formatCidr } from "#core/ip.ts";
import { readUfwCounters, readUfwRules } from "./ufw-backend.ts";

test("our ufw rules are those with our comment; others have no end", () => {
  const listing = [
    "Added user rules (see 'ufw status' for running firewall):",
    "ufw deny from 45.9.21.0/24 comment 'haechi 1718000000'",
    "ufw deny from 45.9.20.77",
    "ufw reject from 45.9.20.78 comment 'it haechi 1718000000'",
    "ufw allow 22/tcp",
    "ufw deny from 45.9.20.79 to any port 22 comment 'haechi 1718000000'",
    "ufw allow from 45.9.20.80 comment 'haechi 1718000000'",
    "ufw deny from 2a03:4000:6:d06::/64 comment 'haechi 1718000009'",
  ].join("\n");
  expect(readUfwRules(listing).map((rule) => [formatCidr(rule.cidr), rule.until])).toEqual([
    ["45.9.21.0/24", 1_718_000_000_000],
    ["45.9.20.77", undefined],
    ["45.9.20.78", undefined],
    ["2a03:4000:6:d06::/64", 1_718_000_009_000],
  ]);
});

test("counters come from ufw's own input chains", () => {
  const listing = [
    "*filter",
    ":ufw-user-input - [0:0]",
    "[12:720] -A ufw-user-input -s 45.9.20.31/32 -j DROP",
    "[3:180] -A ufw6-user-input -s 2a03:4000:6:d06::/64 -j DROP",
    "[9:9] -A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT",
    "[9:9] -A INPUT -s 45.9.20.32/32 -j DROP",
    "COMMIT",
  ].join("\n");
  expect([...readUfwCounters(listing)]).toEqual([
    ["45.9.20.31", 12],
    ["2a03:4000:6:d06::/64", 3],
  ]);
});
