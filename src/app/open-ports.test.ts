import { createServer, type AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { openPorts } from "./open-ports.ts";

it("tells ports open to others from those on loopback, on the real /proc", async () => {
  const open = createServer().listen(0, "0.0.0.0");
  const inside = createServer().listen(0, "127.0.0.1");
  const inside6 = createServer().listen(0, "::1");
  for (const server of [open, inside, inside6]) if (!server.listening) await new Promise((done) => server.once("listening", done));
  const port = (server: typeof open): number => (server.address() as AddressInfo).port;
  const found = openPorts();
  expect(found.find((entry) => entry.port === port(open))).toMatchObject({ protocol: "tcp", process: expect.any(String) });
  expect(found.some((entry) => entry.port === port(inside) || entry.port === port(inside6))).toBe(false);
  for (const server of [open, inside, inside6]) server.close();
});
