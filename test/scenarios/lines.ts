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
