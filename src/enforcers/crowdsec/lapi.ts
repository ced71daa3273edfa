import { EnforcerError, reasonOf } from "../enforcer-error.ts";

export interface LapiOptions {
  /** Where the local API listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Milliseconds one request may take; 15,000. Some requests make CrowdSec 1.4 loop forever. */
  readonly timeout?: number;
}

/** An answer of the local API. */
export interface LapiAnswer {
  readonly status: number;
  /** Parsed JSON, or undefined where there was none. */
  readonly body: unknown;
}

/** CrowdSec demands `name/version`; with anything else it answers a misleading 401. */
const userAgent = "haechi/0.1.0";

/** One request to the local API. Throws EnforcerError when it does not answer; any status is given back. */
export async function askLapi(
  options: LapiOptions,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  signal: AbortSignal,
): Promise<LapiAnswer> {
  const { url, timeout = 15_000 } = options;
  try {
    const response = await fetch(`${url.replace(/\/+$/, "")}/v1${path}`, {
      method,
      redirect: "manual",
      headers: { "user-agent": userAgent, accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    const text = await response.text();
    return { status: response.status, body: readJson(text) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new EnforcerError("crowdsec-unreachable", "enforce.crowdsecUnreachable", { url, reason: reasonOf(error) }, { cause: error });
  }
}

/** The error for an answer that was not expected. */
export function unexpectedAnswer(request: string, answer: LapiAnswer): EnforcerError {
  const message = isRecord(answer.body) && typeof answer.body["message"] === "string" ? answer.body["message"].slice(0, 300) : "";
  return new EnforcerError("crowdsec-answer", "enforce.crowdsecAnswer", { request, status: answer.status, reason: message || "no reason given" });
}

/** A machine (watcher) of the local API: signs in when needed and again when its token ended. */
export interface LapiMachine {
  readonly machine: string;
  ask(method: string, path: string, body: unknown, signal: AbortSignal): Promise<LapiAnswer>;
}

/** A machine registered with `cscli machines add`. */
export function lapiMachine(options: LapiOptions & { readonly machine: string; readonly password: string }): LapiMachine {
  const { url, machine, password } = options;
  let token: { readonly text: string; readonly until: number } | undefined;
  const signIn = async (signal: AbortSignal): Promise<string> => {
    const answer = await askLapi(options, "POST", "/watchers/login", {}, { machine_id: machine, password, scenarios: [] }, signal);
    const { status, body } = answer;
    if (status === 401 || status === 403) throw new EnforcerError("crowdsec-login", "enforce.crowdsecLogin", { url, machine, status });
    if (status !== 200 || !isRecord(body) || typeof body["token"] !== "string") throw unexpectedAnswer("POST /v1/watchers/login", answer);
    const expire = Date.parse(String(body["expire"]));
    token = { text: body["token"], until: Number.isNaN(expire) ? Date.now() + 600_000 : expire };
    return token.text;
  };
  return {
    machine,
    async ask(method, path, body, signal) {
      const fresh = token !== undefined && token.until - Date.now() > 60_000 ? token.text : await signIn(signal);
      const answer = await askLapi(options, method, path, { authorization: `Bearer ${fresh}` }, body, signal);
      if (answer.status !== 401) return answer;
      // The server was restarted with another key, or its clock jumped: once more with a new token.
      return askLapi(options, method, path, { authorization: `Bearer ${await signIn(signal)}` }, body, signal);
    },
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
/** A list; `null` stands for an empty one throughout the local API. */
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const nanoseconds: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 };

/** Milliseconds of a duration as Go prints it (`3h59m59.97s`, `-1.2ms`); NaN where it is none. */
export function parseGoDuration(text: string): number {
  if (!/^-?(?:\d+(?:\.\d+)?(?:h|ms|us|µs|μs|ns|m|s))+$/.test(text)) return text === "0" ? 0 : Number.NaN;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|μs|ns|m|s)/g)) total += Number(amount) * (nanoseconds[unit as string] as number);
  return text.startsWith("-") ? -total : total;
}

/** A duration that Go reads, in hours, minutes and seconds, rounded up: it has no days or weeks. */
export function goDuration(milliseconds: number): string {
  const seconds = Math.max(1, Math.ceil(milliseconds / 1_000));
  return `${Math.floor(seconds / 3_600)}h${Math.floor((seconds % 3_600) / 60)}m${seconds % 60}s`;
}
