import type { LogEvent } from "#core/event.ts";
import type { EvidenceReference } from "#core/signal.ts";
import { formatAddress, parseCidr, parseIpv4 } from "#core/ip.ts";
import { hashText } from "./generation-cache.ts";
import { memo } from "./memo.ts";
import { sourceTable, type SourceTable } from "./source-table.ts";
import { pathFactsMemo, noPath, queryAttackClass, type PathFacts } from "./path-facts.ts";

/** What a source did: nothing of interest, a web request, a sign-in attempt, or a line that goes with an attempt. */
export const noBehaviour = 0;
export const webRequest = 1;
export const signIn = 2;
/** A line beside an attempt (`Invalid user …`, connection closed): it stands for an attempt only where none is logged. */
export const signInTrace = 3;

export interface AgentFacts {
  readonly agent: string;
  readonly hash: number;
  /** It says that it is a crawler. A claim, no proof. */
  readonly crawler: boolean;
}

/**
 * One event in the terms of the detectors. The object is reused: valid until the next event. Numbers only where the hot
 * path looks, so that nothing is allocated for an ordinary line.
 */
export interface Behaviour {
  kind: number;
  time: number;
  /** Equal events it stands for. */
  count: number;
  /** Source key: IPv4 is (2^32 - 1, address); IPv6 is the upper 64 bits, so a /64 is one source. */
  high: number;
  low: number;
  address: string;
  /** Place of the source in the shared table, and whether it has never been seen there. */
  slot: number;
  fresh: boolean;
  failure: boolean;
  success: boolean;
  status: number;
  method: string;
  path: PathFacts;
  /** Of path or query; index in `attackClasses`, -1 for none. */
  attack: number;
  agent: AgentFacts;
  referrer: boolean;
  /** A try to sign in over the web. */
  webLogin: boolean;
  user: string;
  userHash: number;
  invalidUser: boolean;
  bytes: number;
  /** The line as evidence, once somebody has asked for it. */
  evidence: EvidenceReference | undefined;
}

const noAgent: AgentFacts = { agent: "", hash: 0, crawler: false };
const crawlerClaim = /bot\b|bot[/;]|crawl|spider|slurp|archiver|facebookexternalhit|mediapartners/i;
const version4 = 0xffffffff;

const attempts = new Set(["ssh_login", "ftp_login", "imap_login", "pop3_login", "smtp_login", "http_auth", "login"]);
const traces = new Set(["ssh_invalid_user", "ssh_not_allowed", "ssh_preauth_close", "pam_authentication"]);

/** What detectors beside each other share: reading an event, and the table of sources. */
export interface BehaviourReader {
  /** Reads an event into one reused `Behaviour`; the same event object is read, and its source touched, once, whoever asks. */
  read(event: LogEvent): Behaviour;
  readonly table: SourceTable;
}

/** Sources remembered at most where no other number is given: with the columns of all three detectors about 37 MB. */
const defaultSources = 131_072;

/** A reader with bounded memos (about 8 MB at most). */
export function behaviourReader(maxSources = defaultSources): BehaviourReader {
  const table = sourceTable(maxSources);
  const paths = memo(4_096, pathFactsMemo());
  const agents = memo(512, (agent: string): AgentFacts => ({
    agent: agent.slice(0, 300),
    hash: hashText(agent),
    crawler: crawlerClaim.test(agent),
  }));
  const users = memo(1_024, hashText);
  const networks = memo(1_024, network6);
  let last: LogEvent | undefined;
  const b: Behaviour = {
    kind: noBehaviour,
    time: 0,
    count: 1,
    high: 0,
    low: 0,
    address: "",
    slot: 0,
    fresh: false,
    failure: false,
    success: false,
    status: 0,
    method: "",
    path: noPath,
    attack: -1,
    agent: noAgent,
    referrer: false,
    webLogin: false,
    user: "",
    userHash: 0,
    invalidUser: false,
    bytes: 0,
    evidence: undefined,
  };
  const readSource = (ip: string): boolean => {
    b.address = ip;
    const four = parseIpv4(ip);
    if (four >= 0) {
      b.high = version4;
      b.low = four;
      return true;
    }
    const six = networks(ip);
    if (!six) return false;
    b.high = six[0];
    b.low = six[1];
    return true;
  };
  const readWeb = (event: LogEvent, path: string, status: number): void => {
    b.kind = webRequest;
    b.path = paths(path);
    b.status = status;
    const method = event["http.request.method"];
    b.method = typeof method === "string" ? method : "";
    const agent = event["user_agent.original"];
    b.agent = typeof agent === "string" && agent !== "" ? agents(agent) : noAgent;
    b.referrer = typeof event["http.request.referrer"] === "string";
    const query = event["url.query"];
    b.attack = b.path.attack;
    if (b.attack < 0 && typeof query === "string") b.attack = queryAttackClass(query);
    // An app asks for its session with GET and is told 401: no try. A page that answers 401 (HTTP Basic) is one.
    b.webLogin = b.path.login && (b.method === "POST" || b.method === "PUT");
    if (status === 401 && !b.webLogin) b.webLogin = b.path.attack >= 0 || (b.path.login && !b.path.api);
    b.failure = status >= 400 && status < 500;
    b.success = status >= 200 && status < 400;
    const bytes = event["http.response.body.bytes"];
    b.bytes = typeof bytes === "number" && bytes > 0 ? bytes : 0;
    b.userHash = 0;
    b.user = "";
    b.invalidUser = false;
  };
  const readSignIn = (event: LogEvent, action: string): void => {
    const isAttempt = attempts.has(action);
    const outcome = event["event.outcome"];
    if (!isAttempt && !traces.has(action)) return;
    if (isAttempt && outcome !== "success" && outcome !== "failure") return;
    const user = event["user.name"];
    b.user = typeof user === "string" ? user : "";
    if (action === "ssh_preauth_close" && b.user === "") return;
    b.kind = isAttempt ? signIn : signInTrace;
    b.success = isAttempt && outcome === "success";
    b.failure = !b.success;
    b.userHash = b.user === "" ? 0 : users(b.user);
    b.invalidUser = action === "ssh_invalid_user" || event["event.reason"] === "invalid_user";
    b.path = noPath;
    b.agent = noAgent;
    b.attack = -1;
    b.status = 0;
    b.method = "";
    b.webLogin = false;
    b.referrer = false;
    b.bytes = 0;
  };
  const read = (event: LogEvent): Behaviour => {
    if (event === last) return b;
    last = event;
    b.kind = noBehaviour;
    b.evidence = undefined;
    const ip = event["source.ip"];
    const action = event["event.action"];
    const time = event["@timestamp"];
    if (typeof ip !== "string" || typeof action !== "string" || typeof time !== "number" || !Number.isFinite(time)) return b;
    if (!readSource(ip)) return b;
    b.time = time;
    const count = event["haechi.count"];
    b.count = typeof count === "number" && count >= 1 ? Math.min(1e6, Math.floor(count)) : 1;
    if (action === "http_request") {
      const path = event["url.path"];
      const status = event["http.response.status_code"];
      if (typeof path === "string" && typeof status === "number") readWeb(event, path, status);
    } else readSignIn(event, action);
    if (b.kind === noBehaviour) return b;
    b.slot = table.touch(b.high, b.low);
    b.fresh = table.fresh;
    return b;
  };
  return { read, table };
}

function network6(ip: string): readonly [number, number] | null {
  const cidr = parseCidr(ip);
  if (!cidr) return null;
  if (cidr.version === 4) return [version4, Number(cidr.first)];
  return [Number(cidr.first >> 96n), Number((cidr.first >> 64n) & 0xffffffffn)];
}

/** Text of a source key: an IPv4 address, or an IPv6 /64. */
export function sourceText(high: number, low: number): string {
  if (high === version4) return formatAddress(4, BigInt(low));
  return `${formatAddress(6, (BigInt(high) << 96n) | (BigInt(low) << 64n))}/64`;
}

/** Key of the /24 or /48 that holds the source. */
export function networkKey(high: number, low: number): number {
  return high === version4 ? low - (low % 256) : high * 65_536 + (low >>> 16);
}

/** Canonical text of the /24 or /48 that holds the source. */
export function networkText(high: number, low: number): string {
  if (high === version4) return `${formatAddress(4, BigInt(low - (low % 256)))}/24`;
  return `${formatAddress(6, (BigInt(high) << 96n) | (BigInt(low - (low % 65_536)) << 64n))}/48`;
}
