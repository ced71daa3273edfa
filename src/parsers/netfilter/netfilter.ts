import type { LogEvent } from "#core/event.ts";
import { normalizeAddress } from "#core/ip.ts";
import { numberAt } from "../login-event.ts";
import type { Envelope, ProgramParser } from "../program-parser.ts";

/**
 * Packets that netfilter logged (nf_log_ipv4.c and nf_log_ipv6.c): `PREFIX IN=eth0 OUT= MAC=… SRC=… DST=… … PROTO=TCP SPT=… DPT=…`. What became of the
 * packet stands only in the prefix, which the administrator chose (`[UFW BLOCK] `, `iptables-dropped: `); one that does not
 * say it gives `firewall_log`.
 */
export const netfilter: ProgramParser = {
  name: "netfilter",
  programs: ["kernel", "ulogd"],
  parse(message, envelope) {
    const at = message.startsWith("IN=") ? 0 : prefixEnd(message);
    return at < 0 ? undefined : readPacket(message, at, envelope);
  },
};

/** Where `IN=` begins after a prefix: at most 127 characters for nft, 29 for iptables. */
function prefixEnd(message: string): number {
  const at = message.indexOf("IN=");
  return at > 0 && at <= 160 ? at : -1;
}

function readPacket(message: string, at: number, envelope: Envelope): LogEvent | undefined {
  const source = value(message, " SRC=", at);
  const target = value(message, " DST=", at);
  if (source === undefined || target === undefined) return undefined;
  const address = normalizeAddress(source);
  if (address === undefined) return undefined;
  const protocol = value(message, " PROTO=", at);
  return {
    "@timestamp": envelope.time,
    "event.module": "netfilter",
    "event.dataset": "syslog.kern",
    "event.category": "network",
    "event.action": actionOf(message.slice(0, at)),
    "source.ip": address,
    "source.port": port(message, " SPT=", at),
    "destination.ip": normalizeAddress(target),
    "destination.port": port(message, " DPT=", at),
    "network.transport": protocol === undefined ? undefined : (transports[protocol] ?? protocol.toLowerCase()),
    "observer.ingress.interface.name": nonEmpty(value(message, "IN=", at)),
    "observer.egress.interface.name": nonEmpty(value(message, " OUT=", at)),
    "host.name": envelope.host,
    "process.name": envelope.program,
    "process.pid": envelope.pid,
    message,
  };
}

const transports: Readonly<Record<string, string>> = { TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPv6: "ipv6-icmp", "2": "igmp", "47": "gre", "50": "esp" };

function actionOf(prefix: string): string {
  if (prefix.startsWith("[UFW BLOCK]") || prefix.startsWith("[UFW LIMIT BLOCK]")) return "firewall_block";
  if (prefix.startsWith("[UFW ALLOW]")) return "firewall_allow";
  if (/block|drop|den(?:y|ied)|reject|refus/i.test(prefix)) return "firewall_block";
  return /allow|accept|permit|pass/i.test(prefix) ? "firewall_allow" : "firewall_log";
}

/** Value of the first field of that name. A second packet in brackets (ICMP errors quote one) comes later. */
function value(message: string, mark: string, from: number): string | undefined {
  const at = message.indexOf(mark, from);
  if (at < 0) return undefined;
  const end = message.indexOf(" ", at + mark.length);
  const stop = end < 0 ? message.length : end;
  return stop - at > 80 ? undefined : message.slice(at + mark.length, stop);
}

function port(message: string, mark: string, from: number): number | undefined {
  const at = message.indexOf(mark, from);
  const number = at < 0 ? -1 : numberAt(message, at + mark.length);
  // A quoted packet's ports are not those of the packet itself.
  const quote = message.indexOf("[SRC=", from);
  return number >= 0 && number <= 65_535 && (quote < 0 || at < quote) ? number : undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
