import * as z from "zod";
import type { Parser, ParserContext } from "#contracts/parser.ts";
import type { EventCategory, FieldValue, LogEvent } from "#core/event.ts";
import { addressOf } from "../client-address.ts";
import { ParserError } from "../parser-error.ts";
import { timeFormat } from "../time-format.ts";
import { decodeUrl } from "../url-decoding.ts";
import { findUnsafe } from "./pattern-safety.ts";

/** Lines longer than this are not matched: time is bounded by pattern and length. */
export const longestCustomLine = 8_192;

const fieldName = z.string().regex(/^@?[A-Za-z][\w.]{0,127}$/, "not a field name");

/** A parser in the configuration: what a line looks like, and which fields its parts are. */
const customParserDefinition = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "lower-case letters, digits and hyphens only"),
  /** JavaScript regular expression, found anywhere in the line unless it begins with `^`; dot matches everything. */
  pattern: z.string().min(1).max(2_000),
  ignoreCase: z.boolean().default(false),
  /** Group name to field, where `source__ip` for `source.ip` does not do. */
  fields: z.record(z.string(), fieldName).default({}),
  /** How the field `@timestamp` (group `timestamp`, or by `fields`) is written; see `timeFormat`. */
  timeFormat: z.string().min(1).max(128).default("iso8601"),
  category: z.enum(["authentication", "web", "network", "session", "process", "host"]).optional(),
  action: z.string().min(1).max(64).optional(),
  outcome: z.enum(["success", "failure", "unknown"]).optional(),
});

const numeric = new Set([
  "source.port",
  "destination.port",
  "http.response.status_code",
  "http.response.body.bytes",
  "process.pid",
  "event.duration",
  "haechi.count",
]);
const addresses = new Set(["source.ip", "destination.ip"]);
const fixed = new Set(["event.module", "haechi.url.decoded"]);

/**
 * A parser from a definition. Named groups are fields: `source__ip` is `source.ip`, `timestamp` is `@timestamp`. Throws ParserError:
 * `custom-parser` where the definition is at fault, `unsafe-pattern` where the pattern's time cannot be bounded (`findUnsafe`).
 */
export function customParser(definition: unknown, context: ParserContext): Parser {
  const checked = customParserDefinition.safeParse(definition);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const given = (definition as { name?: unknown } | null | undefined)?.name;
    const name = typeof given === "string" ? given.slice(0, 64) : "?";
    throw new ParserError(
      "custom-parser",
      "parsers.custom-invalid",
      { name, field: issue?.path.join(".") || "?", reason: issue?.message ?? "" },
      { cause: checked.error },
    );
  }
  const { name, pattern, ignoreCase, fields, category, action, outcome } = checked.data;
  const expression = compile(name, pattern, ignoreCase);
  const groups = [...new Set([...pattern.matchAll(/\(\?<([A-Za-z_$][\w$]*)>/g)].map((found) => found[1] as string))];
  if (groups.length === 0) throw new ParserError("custom-parser", "parsers.custom-no-groups", { name });
  for (const group of Object.keys(fields)) if (!groups.includes(group)) throw new ParserError("custom-parser", "parsers.custom-group", { name, group });
  const time = timeFormat(checked.data.timeFormat, context.timeZone, context.year);
  const targets = groups.map((group) => [group, fieldOf(group, fields)] as const).filter(([, field]) => !fixed.has(field));

  return {
    name,
    parse(record): LogEvent | undefined {
      if (record.text.length > longestCustomLine) return undefined;
      const found = expression.exec(record.text)?.groups;
      if (found === undefined) return undefined;
      const event: Record<string, FieldValue> = {
        "@timestamp": record.writtenBy,
        "event.module": name,
        "event.category": category satisfies EventCategory | undefined,
        "event.action": action,
        "event.outcome": outcome,
        "source.ip": undefined,
        "user.name": undefined,
        message: record.text,
      };
      for (const [group, field] of targets) {
        const value = found[group];
        if (value === undefined || value === "" || value === "-") continue;
        if (field === "@timestamp") {
          const read = time.read(value, record.writtenBy);
          if (Number.isNaN(read)) return undefined;
          event[field] = read;
        } else setField(event, field, value);
      }
      if (typeof event["url.original"] === "string") event["haechi.url.decoded"] = decodeUrl(event["url.original"]);
      return event as unknown as LogEvent;
    },
  };
}

function compile(name: string, pattern: string, ignoreCase: boolean): RegExp {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, ignoreCase ? "is" : "s");
  } catch (error) {
    throw new ParserError("custom-parser", "parsers.custom-pattern", { name, reason: (error as Error).message }, { cause: error });
  }
  const unsafe = findUnsafe(pattern, ignoreCase);
  if (unsafe === undefined) return expression;
  switch (unsafe.kind) {
    case "unsupported":
      throw new ParserError("unsafe-pattern", "parsers.custom-unsupported", { name, construct: unsafe.construct, position: unsafe.position });
    case "ambiguous":
      throw new ParserError("unsafe-pattern", "parsers.custom-unsafe", { name, position: unsafe.position });
    case "large":
      throw new ParserError("unsafe-pattern", "parsers.custom-large", { name, size: unsafe.size, limit: unsafe.limit });
  }
}

/** `source__ip` is `source.ip`; `timestamp` is `@timestamp`. */
function fieldOf(group: string, fields: Readonly<Record<string, string>>): string {
  if (Object.hasOwn(fields, group)) return fields[group] as string;
  return group === "timestamp" ? "@timestamp" : group.replaceAll("__", ".");
}

function setField(event: Record<string, FieldValue>, field: string, value: string): void {
  if (addresses.has(field)) {
    const address = addressOf(value);
    // A host name in the address's place is a peer too.
    if (address !== undefined) event[field] = address;
    else if (field === "source.ip" && /^[\w.-]{1,253}$/.test(value)) event["source.domain"] = value.toLowerCase();
  } else if (numeric.has(field)) {
    if (/^\d{1,15}$/.test(value)) event[field] = Number(value);
  } else event[field] = value;
}
