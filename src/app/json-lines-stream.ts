import type { Socket } from "node:net";

/** Calls `take` with each JSON value of a stream of lines; a line over `limit` bytes or one that is not JSON ends the stream. */
export function readJsonLines(socket: Socket, limit: number, take: (value: unknown) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    rest += chunk;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      try {
        take(JSON.parse(line));
      } catch {
        socket.destroy();
        return;
      }
    }
    if (rest.length > limit) socket.destroy();
  });
}
