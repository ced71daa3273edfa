import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A running metrics page. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/metrics` (Prometheus text) and `/healthz` (200 while `healthy` says so, else 503). Read only, small limits,
 * nothing of the request is echoed.
 */
export function serveMetrics(listen: { readonly host: string; readonly port: number }, render: () => string, healthy: () => boolean): Promise<MetricsServer> {
  const server = createServer({ maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 15_000 }, (request, response) => {
    request.resume();
    const answer = (status: number, body: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" }).end(request.method === "HEAD" ? "" : body);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "GET only\n");
    const path = (request.url ?? "").split("?", 1)[0];
    if (path === "/metrics") return answer(200, render(), "text/plain; version=0.0.4; charset=utf-8");
    if (path === "/healthz") return healthy() ? answer(200, "ok\n") : answer(503, "not healthy\n");
    return answer(404, "not found\n");
  });
  server.maxConnections = 50;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, () => {
      server.unref();
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
