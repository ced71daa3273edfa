import { connect } from "node:net";
import { HaechiError } from "#core/error.ts";
import type { TextKey } from "#core/text/en.ts";
import { en } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import { readJsonLines } from "./json-lines-stream.ts";

/**
 * Asks the running guard one thing. Gives undefined where no guard listens on `path`; throws the guard's own error, and
 * HaechiError `control.denied` where the socket belongs to another user.
 */
export function askGuard(path: string, method: string, params: object, timeout = 30_000): Promise<{ readonly result: unknown } | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => finish(() => reject(new HaechiError("control.timeout", "cli.guard-timeout", { path }))), timeout);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    socket.once("error", (error: NodeJS.ErrnoException) =>
      finish(() => {
        if (error.code === "EACCES" || error.code === "EPERM") reject(new HaechiError("control.denied", "cli.guard-denied", { path }, { cause: error }));
        else resolve(undefined);
      }),
    );
    socket.once("connect", () => socket.write(`${JSON.stringify({ id: 1, method, params })}\n`));
    socket.once("close", () => finish(() => reject(new HaechiError("control.closed", "cli.guard-closed", { path }))));
    readJsonLines(socket, 64 << 20, (reply) => {
      const { result, error } = reply as { result?: unknown; error?: { code: string; key?: string; params?: TextParams; message?: string } };
      finish(() => {
        if (!error) resolve({ result });
        else if (error.key !== undefined && error.key in en) reject(new HaechiError(error.code, error.key as TextKey, error.params ?? {}));
        else reject(new HaechiError(error.code, "cli.guard-error", { message: error.message ?? error.code }));
      });
    });
  });
}
