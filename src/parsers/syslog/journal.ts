/** A journal entry as `journalctl -o json` prints it, reduced to what parsers use. */
export interface JournalEntry {
  /** Epoch milliseconds. */
  readonly time: number;
  readonly host: string | undefined;
  readonly program: string | undefined;
  readonly pid: number | undefined;
  readonly facility: number | undefined;
  readonly severity: number | undefined;
  readonly message: string;
}

/**
 * Reads one line of journald's JSON export (https://systemd.io/JOURNAL_EXPORT_FORMATS/): numbers are strings, a value that is
 * not UTF-8 or not printable is an array of bytes, a field that occurs more than once an array of values. Undefined for anything else.
 */
export function readJournalEntry(text: string): JournalEntry | undefined {
  if (!text.includes('"__REALTIME_TIMESTAMP"')) return undefined;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const microseconds = number(fields["__REALTIME_TIMESTAMP"]);
  if (microseconds === undefined) return undefined;
  return {
    time: Math.floor(microseconds / 1_000),
    host: string(fields["_HOSTNAME"]),
    program: string(fields["SYSLOG_IDENTIFIER"]) ?? string(fields["_COMM"]),
    pid: number(fields["_PID"]) ?? number(fields["SYSLOG_PID"]),
    facility: number(fields["SYSLOG_FACILITY"]),
    severity: number(fields["PRIORITY"]),
    message: string(fields["MESSAGE"]) ?? "",
  };
}

function string(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  if (typeof value[0] === "string" || Array.isArray(value[0])) return string(value[0]);
  return value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255) ? Buffer.from(value as number[]).toString("utf8") : undefined;
}

function number(value: unknown): number | undefined {
  const digits = string(value);
  return digits !== undefined && digits.length <= 16 && /^\d+$/.test(digits) ? Number(digits) : undefined;
}
