import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import { type Language, text } from "#core/text/text.ts";
import { expandGlob, isGlob } from "./glob.ts";
import { parseRotatedName } from "./rotated-name.ts";
import { reasonOf } from "./source-error.ts";

export interface DiscoveredSource {
  /** As the source's own id. */
  readonly id: string;
  readonly kind: "file" | "journald";
  /** Path or glob; `""` for the journal. */
  readonly pattern: string;
  /** Why it is read, in the language asked for. */
  readonly why: string;
}

/** A log that is there and cannot be read, with what to do, as a text's key and values. */
export interface DiscoveryProblem {
  readonly path: string;
  readonly key: TextKey;
  readonly params: TextParams;
}

/** Sign-in logs: where one of these is read the journal would say the same again. */
const authLogs = ["auth.log", "secure"];
const systemLogs = ["mail.log", "maillog", "ufw.log", "kern.log", "vsftpd.log"];
// Access and error logs apart: each pattern is one source with one kind of line.
const webLogs = [
  "nginx/*access*.log",
  "nginx/*error*.log",
  "apache2/*access*.log",
  "apache2/*error*.log",
  "httpd/*access*log",
  "httpd/*error*log",
  "caddy/*.log",
  "traefik/*.log",
];

/**
 * Finds the logs of this machine (below `root`, default `/`) that are worth reading: sign-in, mail and firewall logs, web servers' logs, and the
 * systemd journal where no sign-in log file is written. What is there but unreadable is told with what to do.
 */
export async function discoverSources(
  options: { readonly root?: string; readonly language?: Language } = {},
): Promise<{ readonly sources: DiscoveredSource[]; readonly problems: DiscoveryProblem[] }> {
  const root = resolve(options.root ?? "/");
  const language = options.language ?? "en";
  const logs = join(root, "var/log");
  const sources: DiscoveredSource[] = [];
  const problems: DiscoveryProblem[] = [];
  const why = text(language, "sources.why.file");

  function look(name: string): boolean {
    const pattern = join(logs, name);
    const directory = dirname(pattern);
    if (isGlob(name) && existsSync(directory) && !allowed(directory, constants.R_OK | constants.X_OK)) {
      if (!problems.some((problem) => problem.path === directory)) problems.push(denied(directory, "sources.problem.deniedDirectory"));
      return false;
    }
    const files = expandGlob(pattern).filter((path) => parseRotatedName(path) === undefined && isFile(path));
    const readable = files.filter((path) => {
      const reason = unreadable(path);
      if (reason !== undefined) problems.push(reason);
      return reason === undefined;
    });
    if (readable.length > 0) sources.push({ id: `file:${pattern}`, kind: "file", pattern, why });
    return readable.length > 0;
  }

  const hasAuth = authLogs.map(look).includes(true);
  for (const name of [...systemLogs, ...webLogs]) look(name);
  if (!hasAuth) {
    const journal = findJournal(root);
    if (journal === "readable") sources.push({ id: "journald", kind: "journald", pattern: "", why: text(language, "sources.why.journald") });
    else if (journal !== undefined) problems.push(journal);
  }
  if (sources.length === 0 && problems.length === 0) problems.push({ path: logs, key: "sources.problem.nothing", params: { path: logs } });
  return { sources, problems };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function allowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function unreadable(path: string): DiscoveryProblem | undefined {
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const reason = reasonOf(error);
    if (reason !== "EACCES") return { path, key: "sources.problem.unreadable", params: { path, reason } };
    return denied(path, "sources.problem.denied");
  }
}

/** Which group opens the path; where its group may not read either, what its mode is. */
function denied(path: string, key: "sources.problem.denied" | "sources.problem.deniedDirectory"): DiscoveryProblem {
  const stat = statSync(path, { throwIfNoEntry: false });
  const group = stat === undefined ? "adm" : nameOf("/etc/group", stat.gid);
  const opens = stat === undefined || ((stat.mode & 0o040) !== 0 && stat.gid !== 0);
  if (!opens && key === "sources.problem.denied") {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
    return { path, key: "sources.problem.deniedMode", params: { path, mode, owner: nameOf("/etc/passwd", stat.uid) } };
  }
  return { path, key, params: { path, group: opens ? group : "adm", user: userName() } };
}

/** The name of a numeric id in `/etc/passwd` or `/etc/group`; the number where there is none. */
function nameOf(file: string, id: number): string {
  try {
    const line = readFileSync(file, "utf8")
      .split("\n")
      .find((entry) => entry.split(":")[2] === String(id));
    return line?.split(":")[0] ?? String(id);
  } catch {
    return String(id);
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "");
  }
}

function findJournal(root: string): "readable" | DiscoveryProblem | undefined {
  const program = (process.env["PATH"] ?? "").split(delimiter).some((directory) => existsSync(join(directory, "journalctl")));
  if (!program) return undefined;
  for (const place of [join(root, "var/log/journal"), join(root, "run/log/journal")]) {
    for (const machine of entries(place)) {
      const directory = join(place, machine);
      const files = entries(directory).filter((name) => name.endsWith(".journal"));
      if (files.some((name) => allowed(join(directory, name), constants.R_OK))) return "readable";
      if (files.length > 0 || (existsSync(directory) && !allowed(directory, constants.R_OK))) {
        return { path: directory, key: "sources.problem.journal", params: { group: "systemd-journal", user: userName() } };
      }
    }
  }
  return undefined;
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
