/** A value of an event field. Lists are for fields that ECS allows to repeat. */
export type FieldValue = string | number | boolean | null | undefined | readonly (string | number)[];

/**
 * One parsed log line: a flat record with Elastic Common Schema (ECS) field names; our own fields live under `haechi.`.
 * `docs/reference/events.md` lists the fields and the values of `event.action` that rules rely on.
 * Inside the program `@timestamp` is epoch milliseconds (UTC); `eventToJson` prints ISO 8601.
 */
export interface LogEvent {
  /** When it happened, epoch milliseconds (UTC). */
  readonly "@timestamp": number;
  readonly "event.category"?: EventCategory | undefined;
  readonly "event.action"?: string | undefined;
  readonly "event.outcome"?: "success" | "failure" | "unknown" | undefined;
  /** Peer address as the program that wrote the line saw it, canonical (see `core/ip.ts`); never from the user's own text. */
  readonly "source.ip"?: string | undefined;
  readonly "source.port"?: number | undefined;
  /** Host name where the log names no address. */
  readonly "source.domain"?: string | undefined;
  readonly "user.name"?: string | undefined;
  readonly "http.request.method"?: string | undefined;
  readonly "url.path"?: string | undefined;
  /** Without the question mark; absent where there is none. */
  readonly "url.query"?: string | undefined;
  readonly "http.response.status_code"?: number | undefined;
  readonly "user_agent.original"?: string | undefined;
  readonly "http.request.referrer"?: string | undefined;
  readonly "host.name"?: string | undefined;
  readonly "process.name"?: string | undefined;
  readonly "process.pid"?: number | undefined;
  /** The program's own message: the line without its envelope. */
  readonly message?: string | undefined;
  /** How many equal events the line stands for (`message repeated N times`); absent = 1. */
  readonly "haechi.count"?: number | undefined;
  readonly [field: string]: FieldValue;
}

export type EventCategory = "authentication" | "web" | "network" | "session" | "process" | "host";

/** How many equal events `event` stands for, at least 1. */
export function eventCount(event: LogEvent): number {
  return event["haechi.count"] ?? 1;
}

/** The event as it is printed: `@timestamp` in ISO 8601 (UTC, milliseconds), fields without a value left out. */
export function eventToJson(event: LogEvent): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const field in event) {
    const value = event[field];
    if (value === undefined) continue;
    json[field] = field === "@timestamp" ? isoTime(value as number) : value;
  }
  return json;
}

/** ISO 8601 in UTC with milliseconds; the empty string for a time that is not one. */
export function isoTime(time: number): string {
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : "";
}
