import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import type { EventCategory, FieldValue, LogEvent } from "#core/event.ts";
import { addressOf, clientAddresses } from "../client-address.ts";
import { numberOf, parseObject, textOf } from "../json-values.ts";
import { ParserError } from "../parser-error.ts";
import { hostName } from "../request-line.ts";
import { epochOfNumber, timestampReader } from "../timestamp.ts";
import { webEvents, webFields } from "../web-event.ts";
import { meaningOfName, type CommonName } from "./common-names.ts";
import { flatten } from "./flatten.ts";

/** One JSON object a line: ECS as it is, other names where they are usual ones. */
export const jsonLinesParser: ParserPlugin = {
  name: "json-lines",
  recognizes: (text) => text.startsWith("{") && parseObject(text) !== undefined,
  build: (context) => jsonLines({}, context),
};

const categories: readonly string[] = ["authentication", "web", "network", "session", "process", "host"];

/**
 * A parser for JSON lines. Nested objects become dotted names; usual names (`remote_addr`, `ts`, `msg`, …) become ECS fields; what
 * is ECS already passes; everything else keeps its name. `fieldMap` says which ECS field is filled from which name of the log
 * (dotted where nested) and goes before all of that. Fields under `haechi.` are ours: taken from the map only. A line with
 * a request (method and target) is an `http_request`. Throws ParserError `field-map` for names that are none.
 */
export function jsonLines(fieldMap: Readonly<Record<string, string>>, context: ParserContext): Parser {
  const mapped = new Map<string, string>();
  for (const [field, name] of Object.entries(fieldMap)) {
    if (!/^@?[A-Za-z][\w.]{0,127}$/.test(field) || name === "") throw new ParserError("field-map", "parsers.field-map", { field });
    mapped.set(field, name);
  }
  const clients = clientAddresses(context.trustedProxies);
  const webEvent = webEvents("json-lines", "web.access", clients);
  const readTime = timestampReader(context.timeZone);
  const timeOf = (value: FieldValue): number => (typeof value === "number" ? epochOfNumber(value) : readTime(textOf(value) ?? ""));

  return {
    name: "json-lines",
    parse(record): LogEvent | undefined {
      const object = parseObject(record.text);
      if (object === undefined) return undefined;
      const flat = flatten(object);
      const given = new Map<string, FieldValue>();
      for (const [field, name] of mapped) {
        const value = flat.get(name);
        if (value !== undefined) given.set(field, value);
        flat.delete(name);
      }
      for (const name of flat.keys()) if (name.startsWith("haechi.")) flat.delete(name);
      // What the map gives stands where ECS would have it, so that it goes before the usual names.
      for (const [field, value] of given) if (!field.startsWith("haechi.")) flat.set(field, value);
      const found = findMeanings(flat);
      const text = (meaning: CommonName): string | undefined => textOf(found.get(meaning));

      const method = text("method");
      const request = method === undefined ? requestLine(text("request"), statusOf(found.get("status"))) : undefined;
      const isWeb = request !== undefined || (method !== undefined && /^[A-Za-z_-]{1,32}$/.test(method) && (text("target") ?? text("path")) !== undefined);
      const fields = webFields();
      fields.time = timeOf(found.get("time"));
      if (Number.isNaN(fields.time)) fields.time = record.writtenBy;
      fields.peer = text("peer") ?? text("client");
      fields.port = numberOf(found.get("port"));
      fields.forwardedFor = text("forwardedFor");
      fields.connecting = text("peer") === undefined ? undefined : text("client");
      fields.user = text("user");
      fields.message = text("message") ?? record.text;
      if (isWeb) {
        fields.request = request;
        fields.method = method?.toUpperCase();
        fields.target = text("target");
        fields.path = text("path");
        fields.query = text("query");
        fields.protocol = text("protocol");
        fields.referrer = text("referrer");
        fields.host = text("domain") ?? text("host");
        fields.bytes = numberOf(found.get("bytes"));
      }
      fields.agent = text("agent");
      fields.status = isWeb ? statusOf(found.get("status")) : undefined;
      fields.duration = durationOf(numberOf(found.get("seconds")), numberOf(found.get("milliseconds")));
      const event: Record<string, FieldValue> = webEvent(fields);
      if (!isWeb) {
        event["event.category"] = categoryOf(flat.get("event.category"));
        event["event.action"] = text("action")?.slice(0, 128);
        event["event.outcome"] = undefined;
        event["event.dataset"] = textOf(flat.get("event.dataset")) ?? "json";
      }
      const outcome = text("outcome");
      if (outcome === "success" || outcome === "failure" || outcome === "unknown") event["event.outcome"] = outcome;
      if (isWeb && flat.has("event.action")) event["event.action"] = textOf(flat.get("event.action"))?.slice(0, 128);
      event["log.level"] = text("level")?.toLowerCase();
      event["host.name"] = isWeb && !flat.has("host.name") && !flat.has("hostname") ? undefined : hostName(text("host") ?? "");
      event["process.name"] = text("program");
      event["process.pid"] = numberOf(found.get("pid"));
      copyRest(event, flat, found.names, isWeb);
      for (const [field, value] of given) if (field.startsWith("haechi.")) event[field] = value;
      return event as Record<string, FieldValue> & LogEvent;
    },
  };
}

interface Meanings extends ReadonlyMap<CommonName, FieldValue> {
  /** The names that gave the values. */
  readonly names: ReadonlyMap<string, CommonName>;
}

/** The value of each meaning, from the name that goes first among those present. */
function findMeanings(flat: ReadonlyMap<string, FieldValue>): Meanings {
  const found = new Map<CommonName, FieldValue>();
  const best = new Map<CommonName, { readonly rank: number; readonly name: string }>();
  for (const [name, value] of flat) {
    const known = meaningOfName.get(name) ?? (name.length <= 32 ? meaningOfName.get(name.toLowerCase()) : undefined);
    if (known === undefined || value === undefined || value === "" || value === "-") continue;
    if (known.rank >= (best.get(known.meaning)?.rank ?? Number.POSITIVE_INFINITY)) continue;
    best.set(known.meaning, { rank: known.rank, name });
    found.set(known.meaning, value);
  }
  return Object.assign(found, { names: new Map([...best].map(([meaning, { name }]) => [name, meaning] as const)) });
}

/** Fields that are typed, checked or decided here: a line cannot set them by naming them. */
const ownFields = new Set([
  "event.module",
  "event.category",
  "event.outcome",
  "event.action",
  "event.dataset",
  "source.ip",
  "source.domain",
  "source.port",
  "@timestamp",
]);
const addressFields = new Set(["destination.ip", "server.ip", "host.ip", "client.ip", "observer.ip"]);
const textFields = new Set([
  "user.name",
  "http.request.method",
  "url.path",
  "url.query",
  "url.original",
  "url.domain",
  "user_agent.original",
  "http.request.referrer",
  "host.name",
  "process.name",
]);
const numberFields = new Set(["http.response.status_code", "http.response.body.bytes", "process.pid", "destination.port", "event.duration"]);
/** Meanings that only a request has; in other lines these names keep their own. */
const webMeanings: ReadonlySet<CommonName> = new Set(["method", "target", "path", "query", "protocol", "status", "bytes", "referrer", "domain"] as const);

/** Everything that has not become something else, under its own name. */
function copyRest(event: Record<string, FieldValue>, flat: ReadonlyMap<string, FieldValue>, names: Meanings["names"], isWeb: boolean): void {
  for (const [name, value] of flat) {
    const meaning = names.get(name);
    const used = meaning !== undefined && (isWeb || !webMeanings.has(meaning)) && (meaning !== "request" || event["url.original"] !== undefined);
    if (ownFields.has(name) || name === "__proto__" || event[name] !== undefined || (used && !name.includes("."))) continue;
    event[name] = addressFields.has(name)
      ? addressOf(textOf(value) ?? "")
      : textFields.has(name)
        ? textOf(value)
        : numberFields.has(name)
          ? numberOf(value)
          : value;
  }
}

/** A request line, or what was sent instead of one: beside an HTTP status, `request` can be nothing else. */
function requestLine(value: string | undefined, status: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return /^[A-Z_-]{1,32} \S/.test(value) || (status !== undefined && status >= 100 && status < 600) ? value : undefined;
}

function statusOf(value: FieldValue): number | undefined {
  const status = numberOf(value);
  return status !== undefined && Number.isInteger(status) && status >= 0 && status < 1_000 ? status : undefined;
}

function durationOf(seconds: number | undefined, milliseconds: number | undefined): number | undefined {
  if (seconds !== undefined) return Math.round(seconds * 1e9);
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 1e6);
}

function categoryOf(value: FieldValue): EventCategory | undefined {
  const known = (Array.isArray(value) ? (value as readonly (string | number)[]) : [value]).find((part) => categories.includes(String(part)));
  return known as EventCategory | undefined;
}
