import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { enforcerConformance } from "#contracts/conformance/enforcer.ts";
import type { Ban } from "#core/decision.ts";
import { webhookEnforcer } from "./webhook.ts";

interface Message {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const secret = "correct horse";
const signal = (): AbortSignal => AbortSignal.timeout(10_000);
const ban = (target: string): Ban => ({ target, until: Date.now() + 3_600_000, decision: "d1", reason: "ssh" });

/** A receiver that answers with `statuses` in turn, then 204. */
async function openReceiver(statuses: number[] = []) {
  const messages: Message[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      messages.push({ headers: request.headers, body });
      const status = statuses.shift() ?? 204;
      response.writeHead(status, status === 302 ? { location: "http://127.0.0.1:1/" } : status === 429 ? { "retry-after": "1" } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { messages, close, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bans?token=hidden` };
}

enforcerConformance(
  "webhook",
  async () => {
    const receiver = await openReceiver();
    return { enforcer: webhookEnforcer({ url: receiver.url, secret, tries: 1 }), close: receiver.close };
  },
  {
    skip: {
      lose: "the receiver cannot be asked; an unchanged set is sent again instead",
      foreign: "it sends its own set only",
      break: "tested below, since list needs no receiver",
    },
  },
);

describe("webhook", () => {
  const receivers: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const receiver of receivers.splice(0)) await receiver.close();
  });
  const open = async (statuses?: number[]) => {
    const receiver = await openReceiver(statuses);
    receivers.push(receiver);
    return receiver;
  };

  test("signs the whole set as Standard Webhooks does", async () => {
    const { messages, url } = await open();
    const wanted = ban("45.9.20.31");
    await webhookEnforcer({ url, secret }).sync([wanted], signal());
    const { headers, body } = messages[0] as Message;
    const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", secret).update(signed).digest("base64")}`);
    expect(headers["user-agent"]).toBe("haechi/0.1.0");
    expect(JSON.parse(body)).toMatchObject({
      version: 1,
      type: "haechi.bans",
      bans: [{ target: "45.9.20.31", until: new Date(wanted.until).toISOString(), decision: "d1", reason: "ssh" }],
      added: ["45.9.20.31"],
      removed: [],
    });
  });

  test("takes a secret in the whsec_ form", async () => {
    const { messages, url } = await open();
    await webhookEnforcer({ url, secret: `whsec_${Buffer.from(secret).toString("base64")}` }).flush(signal());
    const { headers, body } = messages[0] as Message;
    const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", secret).update(signed).digest("base64")}`);
  });

  test("repeats with the same id until it is taken", async () => {
    const { messages, url } = await open([500, 429, 503]);
    const report = await webhookEnforcer({ url, secret, pause: 10 }).sync([ban("45.9.20.31")], signal());
    expect(report.added).toBe(1);
    expect(messages).toHaveLength(4);
    expect(new Set(messages.map((message) => message.headers["webhook-id"])).size).toBe(1);
  });

  test.each([400, 401, 404, 302])("does not repeat what is refused with %i, and holds nothing then", async (status) => {
    const { messages, url } = await open([status]);
    const enforcer = webhookEnforcer({ url, secret, pause: 10 });
    await expect(enforcer.sync([ban("45.9.20.31")], signal())).rejects.toMatchObject({ code: "webhook-refused" });
    expect(messages).toHaveLength(1);
    expect(await enforcer.list(signal())).toEqual([]);
  });

  test("says where it could not be reached, without the query that may hold a token", async () => {
    const { url, close } = await openReceiver();
    await close();
    const error: unknown = await webhookEnforcer({ url, secret, tries: 2, pause: 10 })
      .sync([ban("45.9.20.31")], signal())
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "webhook-unreachable" });
    expect((error as Error).message).toContain("ECONNREFUSED");
    expect((error as Error).message).not.toContain("hidden");
  });

  test("sends an unchanged set again after a while, and not before", async () => {
    const { messages, url } = await open();
    const wanted = [ban("45.9.20.31")];
    const patient = webhookEnforcer({ url, secret });
    await patient.sync(wanted, signal());
    await patient.sync(wanted, signal());
    expect(messages).toHaveLength(1);
    const eager = webhookEnforcer({ url, secret, resend: 0 });
    await eager.sync(wanted, signal());
    expect(await eager.sync(wanted, signal())).toEqual({ added: 0, removed: 0, kept: 1, failed: [] });
    expect(messages).toHaveLength(3);
    expect((JSON.parse((messages[2] as Message).body) as { bans: unknown[] }).bans).toHaveLength(1);
  });
});
