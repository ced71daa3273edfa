import type { LogEvent } from "#core/event.ts";

/** A web request as the generator made it. */
export interface Hit {
  readonly kind: "web";
  readonly time: number;
  readonly ip: string;
  readonly method: string;
  /** With the query, if any. */
  readonly target: string;
  readonly status: number;
  readonly bytes: number;
  readonly referrer: string;
  readonly agent: string;
}
/** One ssh sign-in attempt. */
export interface Try {
  readonly kind: "ssh";
  readonly time: number;
  readonly ip: string;
  readonly user: string;
  readonly outcome: "success" | "failure";
  readonly invalid: boolean;
  readonly method: "password" | "publickey";
}
export type Entry = Hit | Try;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const two = (n: number): string => String(n).padStart(2, "0");

/** Lines of an entry: nginx combined, or sshd under an RFC 3164 envelope (`Invalid user` has a line of its own, as in life). */
export function linesOf(entry: Entry): string[] {
  const d = new Date(entry.time);
  const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
  const month = months[d.getUTCMonth()] as string;
  if (entry.kind === "web") {
    const stamp = `${two(d.getUTCDate())}/${month}/${d.getUTCFullYear()}:${clock} +0000`;
    return [
      `${entry.ip} - - [${stamp}] "${entry.method} ${entry.target} HTTP/1.1" ${entry.status} ${entry.bytes} "${entry.referrer || "-"}" "${entry.agent || "-"}"`,
    ];
  }
  const pid = 1_000 + (Math.floor(entry.time / 1_000) % 30_000);
  const port = 30_000 + (Math.floor(entry.time / 7) % 30_000);
  const head = `${month} ${String(d.getUTCDate()).padStart(2, " ")} ${clock} server sshd[${pid}]: `;
  if (entry.outcome === "success") return [`${head}Accepted ${entry.method} for ${entry.user} from ${entry.ip} port ${port} ssh2`];
  const lines = entry.invalid ? [`${head}Invalid user ${entry.user} from ${entry.ip} port ${port}`] : [];
  return [...lines, `${head}Failed ${entry.method} for ${entry.invalid ? "invalid user " : ""}${entry.user} from ${entry.ip} port ${port} ssh2`];
}

/** Events of an entry as the parsers would give them, for tests of detectors alone. */
export function eventsOf(entry: Entry): LogEvent[] {
  const time = Math.floor(entry.time / 1_000) * 1_000;
  if (entry.kind === "web") {
    const mark = entry.target.indexOf("?");
    return [
      {
        "@timestamp": time,
        "event.category": "web",
        "event.action": "http_request",
        "event.outcome": entry.status < 400 ? "success" : "failure",
        "source.ip": entry.ip,
        "http.request.method": entry.method,
        "url.path": mark < 0 ? entry.target : entry.target.slice(0, mark),
        "url.query": mark < 0 ? undefined : entry.target.slice(mark + 1),
        "http.response.status_code": entry.status,
        "http.response.body.bytes": entry.bytes,
        "http.request.referrer": entry.referrer || undefined,
        "user_agent.original": entry.agent || undefined,
      },
    ];
  }
  const shared = { "@timestamp": time, "event.category": "authentication", "source.ip": entry.ip, "user.name": entry.user, "process.name": "sshd" } as const;
  const attempt: LogEvent = {
    ...shared,
    "event.action": "ssh_login",
    "event.outcome": entry.outcome,
    "event.reason": entry.invalid ? "invalid_user" : undefined,
  };
  return entry.invalid && entry.outcome === "failure"
    ? [{ ...shared, "event.action": "ssh_invalid_user", "event.outcome": "failure", "event.reason": "invalid_user" }, attempt]
    : [attempt];
}
