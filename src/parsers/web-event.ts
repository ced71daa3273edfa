import type { EventCategory, LogEvent } from "#core/event.ts";
import type { ClientAddresses, ForwardedValues } from "./client-address.ts";
import { addressOf, portOf } from "./client-address.ts";
import { hostName, readRequest, readTarget, requestParts } from "./request-line.ts";

/** What an access log said of one request, escapes undone; values that are absent undefined. Filled field by field. */
export interface WebFields {
  time: number;
  /** Peer as written: address, `address:port`, or host name. */
  peer: string | undefined;
  port: number | undefined;
  /** Peer behind which a server that has its own list of trusted proxies found `peer`. */
  via: string | undefined;
  forwardedFor: string | undefined;
  forwarded: string | undefined;
  connecting: string | undefined;
  realIp: string | undefined;
  user: string | undefined;
  /** Whole request line, escapes still in it; or method, target and protocol. */
  request: string | undefined;
  method: string | undefined;
  target: string | undefined;
  path: string | undefined;
  query: string | undefined;
  protocol: string | undefined;
  host: string | undefined;
  status: number | undefined;
  bytes: number | undefined;
  referrer: string | undefined;
  agent: string | undefined;
  /** Nanoseconds. */
  duration: number | undefined;
  message: string | undefined;
}

export function webFields(): WebFields {
  return {
    time: Number.NaN,
    peer: undefined,
    port: undefined,
    via: undefined,
    forwardedFor: undefined,
    forwarded: undefined,
    connecting: undefined,
    realIp: undefined,
    user: undefined,
    request: undefined,
    method: undefined,
    target: undefined,
    path: undefined,
    query: undefined,
    protocol: undefined,
    host: undefined,
    status: undefined,
    bytes: undefined,
    referrer: undefined,
    agent: undefined,
    duration: undefined,
    message: undefined,
  };
}

/** A maker of `http_request` events with the fields in one shape. `extra` are fields of that parser alone. */
export function webEvents(module: string, dataset: string, clients: ClientAddresses): (fields: WebFields) => Record<string, LogEvent[string]> & LogEvent {
  const request = requestParts();
  return (fields) => {
    if (fields.request !== undefined) readRequest(request, fields.request, 0, fields.request.length);
    else {
      readRequest(request, "", 0, 0);
      request.method = present(fields.method);
      request.version = present(fields.protocol)?.replace(/^HTTP\//i, "");
      const target = present(fields.target) ?? joined(fields.path, fields.query);
      if (target !== undefined) readTarget(request, request.method, target);
    }
    const written = present(fields.peer);
    const peer = written === undefined ? undefined : addressOf(written);
    const via = fields.via === undefined ? undefined : addressOf(fields.via);
    const source = peer === undefined || !clients.any ? peer : clients.client(peer, fields as ForwardedValues);
    const proxy = source === peer ? (via === peer ? undefined : via) : peer;
    const status = fields.status;
    const category: EventCategory = "web";
    return {
      "@timestamp": fields.time,
      "event.module": module,
      "event.dataset": dataset,
      "event.category": category,
      "event.action": "http_request",
      "event.outcome": status === undefined ? undefined : status < 100 ? "unknown" : status < 400 ? "success" : "failure",
      "event.duration": fields.duration,
      "source.ip": source,
      "source.port": proxy !== undefined ? undefined : (fields.port ?? (written === undefined ? undefined : portOf(written))),
      "source.domain": peer === undefined && written !== undefined && !written.startsWith("unix:") ? hostName(written) : undefined,
      "user.name": present(fields.user),
      "http.request.method": request.method,
      "url.original": request.original,
      "url.path": request.path,
      "url.query": request.query,
      "url.domain": (fields.host === undefined ? undefined : hostName(fields.host)) ?? request.domain,
      "http.version": request.version,
      "http.response.status_code": status,
      "http.response.body.bytes": fields.bytes,
      "http.request.referrer": present(fields.referrer),
      "user_agent.original": present(fields.agent),
      "haechi.url.decoded": request.decoded,
      "haechi.proxy.ip": proxy,
      "haechi.malformed": request.malformed,
      message: fields.message,
    };
  };
}

/** Undefined for the ways in which logs say "nothing". */
export function present(value: string | undefined): string | undefined {
  return value === undefined || value === "" || value === "-" ? undefined : value;
}

function joined(path: string | undefined, query: string | undefined): string | undefined {
  const before = present(path);
  const after = present(query);
  return before === undefined || after === undefined ? before : `${before}?${after}`;
}
