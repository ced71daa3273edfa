import type { Socket } from "node:net";
import { HaechiError } from "#core/error.ts";
import { parseWardenRequest, wardenLimits, type WardenReply, type WardenRequest } from "#core/warden-message.ts";
import { reasonOf, WardenError } from "./warden-error.ts";

/** Reads requests line by line and answers each; a line that is too long or no request ends the connection. */
export function serveConnection(socket: Socket, answer: (request: WardenRequest) => Promise<unknown>): void {
  let parts: Buffer[] = [];
  let size = 0;
  let ended = false;
  const reply = (message: WardenReply): void => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
  const fail = (id: number, error: unknown): void => {
    const known =
      error instanceof HaechiError
        ? error
        : new WardenError("warden-failed", "enforce.commandFailed", { command: "warden", reason: reasonOf(error) }, { cause: error });
    reply({ id, ok: false, fault: { code: known.code, key: known.key, params: known.params } });
  };
  const misunderstood = (reason: string): void => {
    ended = true;
    fail(0, new WardenError("warden-message", "enforce.wardenMessage", { reason }));
    socket.end();
  };
  socket.on("data", (chunk: Buffer) => {
    if (ended) return;
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      parts.push(rest.subarray(0, end));
      const line = Buffer.concat(parts).toString("utf8");
      parts = [];
      size = 0;
      rest = rest.subarray(end + 1);
      const request = parseWardenRequest(line);
      if (typeof request === "string") {
        misunderstood(request);
        return;
      }
      answer(request).then(
        (result) => reply({ id: request.id, ok: true, result }),
        (error: unknown) => fail(request.id, error),
      );
    }
    size += rest.length;
    if (size > wardenLimits.line) misunderstood(`a line is longer than ${wardenLimits.line} bytes`);
    else if (rest.length > 0) parts.push(rest);
  });
  socket.resume();
}
