import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collect, sourceConformance } from "#contracts/conformance/source.ts";
import type { Batch } from "#contracts/source.ts";
import { SourceError } from "../source-error.ts";
import { createFrameSplitter, longestMessage } from "./framing.ts";
import { syslogSource, type SyslogSourceOptions } from "./syslog.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

sourceConformance("syslog over TCP", { resumes: false }, async () => {
  const port = await freePort();
  return {
    open: () => syslogSource({ tcp: { port } }),
    write: async (lines) => {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.end(lines.map((line) => `${line}\n`).join(""));
    },
    close: async () => undefined,
  };
});

sourceConformance("syslog over UDP", { resumes: false }, async () => {
  const port = await freePort();
  return {
    open: () => syslogSource({ udp: { port } }),
    write: async (lines) => {
      const socket = createSocket("udp4");
      for (const line of lines) await new Promise((resolve) => socket.send(line, port, "127.0.0.1", resolve));
      socket.close();
    },
    close: async () => undefined,
  };
});

/** Listens, lets `act` send, gives what came. */
async function during(
  options: Partial<SyslogSourceOptions>,
  count: number,
  act: (port: number) => Promise<void>,
): Promise<{ texts: string[]; batches: Batch[] }> {
  const port = await freePort();
  const reading = collect(syslogSource({ tcp: { port }, ...options }), undefined, (records) => records.length >= count, 3_000);
  await sleep(50);
  await act(port);
  const { records, batches } = await reading;
  return { texts: records.map((record) => record.text), batches };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

describe("framing", () => {
  const messages = ["<34>1 2026-01-02T03:04:05Z host su - - - failed", "<13>Jan  2 03:04:05 host app: 한글", "<0>x"];

  test("is told for each connection by its first bytes", async () => {
    const { texts } = await during({}, 6, async (port) => {
      const lines = await open(port);
      const counted = await open(port);
      lines.end(messages.map((message) => `${message}\n`).join(""));
      counted.end(messages.map((message) => `${Buffer.byteLength(message)} ${message}`).join(""));
    });
    expect(texts.toSorted()).toEqual([...messages, ...messages].toSorted());
  });

  test("does not depend on how the bytes are cut", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).map((value) => `<13>${value.replaceAll(/[\r\n\0]/g, "_")}`);
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (sent, cuts, counted) => {
        const bytes = Buffer.from(sent.map((message) => (counted ? `${Buffer.byteLength(message)} ${message}` : `${message}\n`)).join(""));
        const points = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
        const frames = createFrameSplitter();
        const got: string[] = [];
        for (const [index, point] of points.slice(1).entries()) frames.push(bytes.subarray(points[index], point), (message) => got.push(message));
        frames.end((message) => got.push(message));
        expect(got).toEqual(sent);
      }),
    );
  });

  test("a line end inside a counted message cannot pass for another message", () => {
    const frames = createFrameSplitter();
    const got: string[] = [];
    const message = "<13>app: one\n<38>sshd: Failed password";
    frames.push(Buffer.from(`${message.length} ${message}\n5 <13>x`), (text) => got.push(text));
    expect(got).toEqual(["<13>app: one#012<38>sshd: Failed password", "<13>x"]);
  });

  test.each(["lines", "counts"])("long messages are cut in %s", (framing) => {
    const frames = createFrameSplitter();
    const got: string[] = [];
    const long = `<13>${"x".repeat(200_000)}`;
    const bytes = Buffer.from(framing === "lines" ? `${long}\n<13>y\n` : `${long.length} ${long}5 <13>y`);
    for (let at = 0; at < bytes.length; at += 1_000) frames.push(bytes.subarray(at, at + 1_000), (text) => got.push(text));
    expect(got.map((text) => text.length)).toEqual([longestMessage, 5]);
    expect(frames.cut).toBe(1);
  });
});

test("bad counts close the connection, with a note; others go on", async () => {
  const { texts, batches } = await during({}, 2, async (port) => {
    const bad = await open(port);
    bad.write("5 <13>xGARBAGE");
    await once(bad, "close");
    (await open(port)).end("<13>fine\n");
  });
  expect(texts).toEqual(["<13>x", "<13>fine"]);
  expect(batches.flatMap((batch) => batch.notes ?? []).map((note) => note.kind)).toContain("gap");
});

test("connections are limited, and closed when idle", async () => {
  const { texts } = await during({ connections: 2, idle: 150 }, 1, async (port) => {
    const held = [await open(port), await open(port)];
    const refused = await open(port);
    await once(refused, "close");
    await Promise.all(held.map((socket) => once(socket, "close")));
    (await open(port)).end("<13>now there is room\n");
  });
  expect(texts).toEqual(["<13>now there is room"]);
});

test("TCP senders wait while the consumer is busy, and nothing is lost", async () => {
  const port = await freePort();
  const stop = new AbortController();
  let count = 0;
  const reading = (async () => {
    for await (const batch of syslogSource({ tcp: { port } }).read(undefined, stop.signal)) {
      count += batch.records.length;
      await sleep(5);
      if (count >= 100_000) stop.abort();
    }
  })();
  await sleep(50);
  const socket = await open(port);
  for (let line = 0; line < 100; line++) {
    if (!socket.write(`<13>${"y".repeat(200)}\n`.repeat(1_000))) await once(socket, "drain");
  }
  socket.end();
  await reading;
  expect(count).toBe(100_000);
});

test("a port that is taken is named", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const reading = syslogSource({ tcp: { port } }).read(undefined, new AbortController().signal)[Symbol.asyncIterator]();
  const error = await reading.next().catch((caught: unknown) => caught);
  server.close();
  expect(error).toBeInstanceOf(SourceError);
  expect(error).toMatchObject({ params: { transport: "TCP", port, reason: "EADDRINUSE" } });
});
