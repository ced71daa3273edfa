import type { SigmaEvent } from "./fields.ts";
import type { LogSource } from "./parse-rule.ts";

type FieldMap = Readonly<Record<string, readonly string[]>>;

/**
 * W3C extended log format names (taxonomy appendix 2.1, `webserver` and `proxy`) as ECS. Rules write paths, queries and
 * whole targets under `cs-uri-query` alike, so the fields of the target also stand for the target as written and, where it
 * differs, decoded.
 */
const web: FieldMap = {
  "c-ip": ["source.ip"],
  src_ip: ["source.ip"],
  "c-port": ["source.port"],
  src_port: ["source.port"],
  "s-ip": ["destination.ip"],
  dst_ip: ["destination.ip"],
  "s-port": ["destination.port"],
  dst_port: ["destination.port"],
  "s-computername": ["host.name"],
  "cs-username": ["user.name"],
  "cs-method": ["http.request.method"],
  "cs-uri": ["url.original", "haechi.url.decoded"],
  "c-uri": ["url.original", "haechi.url.decoded"],
  "cs-uri-query": ["url.query", "url.original", "haechi.url.decoded"],
  "c-uri-query": ["url.query", "url.original", "haechi.url.decoded"],
  "cs-uri-stem": ["url.path"],
  "c-uri-stem": ["url.path"],
  "c-uri-path": ["url.path"],
  "cs-uri-path": ["url.path"],
  "c-uri-extension": ["url.extension"],
  "cs-uri-extension": ["url.extension"],
  "cs-host": ["url.domain"],
  "r-dns": ["url.domain"],
  "cs-user-agent": ["user_agent.original"],
  "cs-useragent": ["user_agent.original"],
  "c-useragent": ["user_agent.original"],
  "c-user-agent": ["user_agent.original"],
  "cs-referer": ["http.request.referrer"],
  "cs-referrer": ["http.request.referrer"],
  "cs-cookie": ["http.request.cookie"],
  "cs-version": ["http.version"],
  "sc-status": ["http.response.status_code"],
  "sc-bytes": ["http.response.body.bytes"],
  "cs-bytes": ["http.request.bytes"],
};

const firewall: FieldMap = {
  src_ip: ["source.ip"],
  src_port: ["source.port"],
  dst_ip: ["destination.ip"],
  dst_port: ["destination.port"],
  username: ["user.name"],
};

/** Linux logs: Sysmon's names for processes, sudo's own, and those that public rules for sshd use. */
const linux: FieldMap = {
  Image: ["process.executable"],
  CommandLine: ["process.command_line"],
  User: ["user.name"],
  ProcessId: ["process.pid"],
  SourceIp: ["source.ip"],
  SourcePort: ["source.port"],
  DestinationIp: ["destination.ip"],
  DestinationPort: ["destination.port"],
  src_ip: ["source.ip"],
  client_ip: ["source.ip"],
  user: ["user.name"],
  username: ["user.name"],
  user_name: ["user.name"],
  host: ["host.name"],
  deviceProcessName: ["process.name"],
  USER: ["user.effective.name"],
  COMMAND: ["process.command_line"],
};

const webProducts: ReadonlySet<string> = new Set(["apache", "nginx", "caddy", "traefik", "iis"]);

function isWeb(logsource: LogSource): boolean {
  const { category, product, service } = logsource;
  if (category !== undefined) return category === "webserver" || category === "proxy";
  return webProducts.has(product ?? "") || webProducts.has(service ?? "");
}

/** The event fields that a field of a rule stands for: mapped only where the rule's `logsource` says what the name means. */
export function fieldMapping(logsource: LogSource): (field: string) => readonly string[] {
  const map = isWeb(logsource) ? web : logsource.category === "firewall" ? firewall : logsource.product === "linux" ? linux : undefined;
  return (field) => (map && Object.hasOwn(map, field) ? (map[field] as readonly string[]) : [field]);
}

/** Linux services that are told by the program that wrote the line. */
const programs: Readonly<Record<string, readonly string[]>> = {
  sshd: ["sshd", "sshd-session"],
  sudo: ["sudo"],
  cron: ["cron", "crond", "anacron"],
  vsftpd: ["vsftpd"],
  clamav: ["clamd", "freshclam", "clamscan"],
  guacamole: ["guacd"],
  auditd: ["auditd", "audit"],
};

/**
 * Whether a rule with this `logsource` concerns the event, by the event's ECS fields (docs/reference/events.md). A
 * `logsource.category` that is an `event.category` of ours concerns those events; `product: haechi` concerns all.
 */
export function logsourceMatches(logsource: LogSource, event: SigmaEvent): boolean {
  const { category, product, service } = logsource;
  const eventCategory = event["event.category"];
  const dataset = text(event["event.dataset"]);
  const action = text(event["event.action"]);
  if (product === "haechi" || (category === undefined && product === undefined && service === undefined)) return true;
  if (isWeb(logsource)) {
    if (eventCategory !== "web") return false;
    const named = webProducts.has(product ?? "") ? product : webProducts.has(service ?? "") ? service : undefined;
    const part = named === undefined ? undefined : service === "error" || service === "access" ? `${named}.${service}` : `${named}.`;
    return part === undefined || dataset === "" || dataset.startsWith(part);
  }
  if (category === "firewall") return action.startsWith("firewall_");
  if (product === "linux") return linuxMatches(category, service, event, dataset, action);
  if (product !== undefined && product !== "any") return false;
  if (category === undefined) return service !== undefined && linuxMatches(undefined, service, event, dataset, action);
  return category === eventCategory;
}

function linuxMatches(category: string | undefined, service: string | undefined, event: SigmaEvent, dataset: string, action: string): boolean {
  const eventCategory = event["event.category"];
  if (category !== undefined) {
    if (category === "process_creation") return eventCategory === "process";
    if (category === "network_connection") return eventCategory === "network";
    return category === eventCategory;
  }
  if (eventCategory === "web" && service !== "syslog") return false;
  if (service === undefined) return eventCategory !== undefined || dataset.startsWith("syslog");
  if (service === "auth") return eventCategory === "authentication" || eventCategory === "session" || dataset === "syslog.auth" || action.startsWith("sudo_");
  if (service === "syslog") return dataset.startsWith("syslog") || event["process.name"] !== undefined;
  const names = Object.hasOwn(programs, service) ? (programs[service] as readonly string[]) : [service];
  return (
    names.includes(text(event["process.name"]).toLowerCase()) ||
    (service === "sshd" && action.startsWith("ssh_")) ||
    (service === "sudo" && action.startsWith("sudo_"))
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
