import type { EvidenceRow } from "#contracts/evidence-store.ts";
import type { LogRecord } from "#contracts/source.ts";
import { eventCount, type LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";

/** What the guard re-reads of an event: copies, so that the row keeps no chunk of the log alive. */
export function evidenceRow(event: LogEvent, record: LogRecord, address: string): EvidenceRow {
  return {
    source: record.source,
    line: record.line,
    offset: record.offset,
    time: event["@timestamp"],
    message: ownString(record.text.slice(0, 1_024)),
    address: ownString(address),
    action: event["event.action"] ?? "",
    outcome: event["event.outcome"] ?? "",
    user: ownString(event["user.name"] ?? ""),
    userAgent: ownString((event["user_agent.original"] ?? "").slice(0, 256)),
    status: event["http.response.status_code"] ?? 0,
    count: eventCount(event),
  };
}
