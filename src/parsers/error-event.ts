import type { EventCategory, LogEvent } from "#core/event.ts";
import { hostName, readRequest, type RequestParts } from "./request-line.ts";

/** What the message of a web server's error log means. */
export interface ErrorMeaning {
  readonly action: "http_auth" | "http_denied" | "http_limited" | "http_error";
  /** A stable word. */
  readonly reason: string | undefined;
  readonly user?: string | undefined;
}

/** One line of an error log, taken apart. */
export interface ErrorLine {
  readonly time: number;
  readonly module: string;
  readonly dataset: string;
  readonly level: string | undefined;
  readonly meaning: ErrorMeaning | undefined;
  readonly code: string | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly domain: string | undefined;
  readonly server: string | undefined;
  /** Request line as logged. */
  readonly request: string | undefined;
  readonly host: string | undefined;
  readonly referrer: string | undefined;
  readonly path: string | undefined;
  readonly pid: number | undefined;
  readonly ruleId: string | undefined;
  readonly ruleName: string | undefined;
  readonly message: string;
}

/** Without credentials nothing was tried, and connections that are never used are closed: browsers do both. */
const innocent: ReadonlySet<string> = new Set(["no_credentials", "client_closed"]);

/** The event of an error line. Lines that name no client are of the server itself (`host`), without action. */
export function errorEvent(line: ErrorLine, request: RequestParts): LogEvent {
  const { meaning } = line;
  const written = line.request ?? "";
  readRequest(request, written, 0, written.length);
  const web: EventCategory = meaning?.action === "http_auth" ? "authentication" : "web";
  return {
    "@timestamp": line.time,
    "event.module": line.module,
    "event.dataset": line.dataset,
    "event.category": meaning === undefined ? "host" : web,
    "event.action": meaning?.action,
    "event.outcome": meaning === undefined ? undefined : innocent.has(meaning.reason ?? "") ? "unknown" : "failure",
    "event.reason": meaning?.reason,
    "event.code": line.code,
    "log.level": line.level,
    "source.ip": line.address,
    "source.port": line.port,
    "source.domain": line.domain,
    "user.name": meaning?.user,
    "http.request.method": request.method,
    "url.original": request.original,
    "url.path": request.path ?? line.path,
    "url.query": request.query,
    "url.domain": (line.host === undefined ? undefined : hostName(line.host)) ?? request.domain,
    "http.version": request.version,
    "http.request.referrer": line.referrer === "" || line.referrer === "-" ? undefined : line.referrer,
    "haechi.url.decoded": request.decoded,
    "haechi.malformed": request.malformed,
    "server.domain": line.server,
    "rule.id": line.ruleId,
    "rule.name": line.ruleName,
    "process.pid": line.pid,
    message: line.message,
  };
}
