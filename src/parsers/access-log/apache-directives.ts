import { timeFormat } from "../time-format.ts";
import { clfField, durationField, extraField, numberField, secretField, textField, timeField, type FieldMeaning } from "./format-fields.ts";

/**
 * Meaning of a directive of Apache's LogFormat (`letter`, with `argument` from its braces); undefined where there is no such one.
 * https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
 */
export function apacheDirective(letter: string, argument: string | undefined, timeZone: string): FieldMeaning | undefined {
  switch (letter) {
    case "h":
      // A host name where look-ups are on: `%a` beside it says more.
      return { kind: "word", address: true, set: (draft, value) => void (draft.web.peer ??= value) };
    case "a":
      return textField(argument === "c" ? "via" : "peer", "word", { address: true });
    case "l":
      return extraField("labels.ident", "word");
    case "u":
      return textField("user", "free");
    case "t":
      return apacheTime(argument, timeZone);
    case "r":
      return textField("request", "free");
    case "m":
      return textField("method", "word");
    case "U":
      return textField("path", "free", { slash: true });
    case "q":
      return { kind: "free", set: (draft, value) => void (draft.web.query = value.startsWith("?") ? value.slice(1) : undefined) };
    case "H":
      return textField("protocol", "word");
    case "s":
      return numberField("status");
    case "b":
    case "B":
      return numberField("bytes");
    case "O":
      return extraField("http.response.bytes", "word", true);
    case "I":
      return extraField("http.request.bytes", "word", true);
    case "D":
      return durationField(1e3);
    case "T":
      return durationField(argument === "us" ? 1e3 : argument === "ms" ? 1e6 : 1e9);
    case "v":
    case "V":
      return textField("host", "word");
    case "p":
      return argument === "remote" ? numberField("port") : extraField("destination.port", "word", true);
    case "A":
      return extraField("destination.ip", "word");
    case "P":
      return extraField("process.pid", "word", true);
    case "L":
      return extraField("http.request.id", "word");
    case "i":
      return argument === undefined ? undefined : requestHeader(argument.toLowerCase());
    case "C":
      return secretField;
    case "o":
    case "n":
    case "e":
    case "x":
    case "c":
      return argument === undefined ? undefined : namedValue(letter, argument);
    case "X":
    case "k":
    case "S":
      return extraField(`labels.${{ X: "connection", k: "keepalive", S: "bytes" }[letter]}`, "word", true);
    case "f":
    case "R":
      return extraField(`labels.${letter === "f" ? "filename" : "handler"}`, "free");
    default:
      return undefined;
  }
}

function requestHeader(name: string): FieldMeaning {
  switch (name) {
    case "referer":
      return textField("referrer", "free");
    case "user-agent":
      return textField("agent", "free");
    case "host":
      return textField("host", "free");
    case "x-forwarded-for":
      return textField("forwardedFor", "free");
    case "forwarded":
      return textField("forwarded", "free");
    case "cf-connecting-ip":
    case "true-client-ip":
      return textField("connecting", "free");
    case "x-real-ip":
      return textField("realIp", "free");
    case "cookie":
    case "authorization":
    case "proxy-authorization":
      return secretField;
    default:
      return extraField(`labels.http_${name.replace(/[^a-z0-9]+/g, "_")}`, "free");
  }
}

function namedValue(letter: string, argument: string): FieldMeaning {
  if (argument === "SSL_PROTOCOL") return extraField("tls.version", "word");
  if (argument === "SSL_CIPHER") return extraField("tls.cipher", "word");
  if (argument === "UNIQUE_ID") return extraField("http.request.id", "word");
  const group = { o: "response_", n: "note_", e: "env_", x: "", c: "" }[letter] ?? "";
  return extraField(`labels.${group}${argument.toLowerCase().replace(/[^a-z0-9]+/g, "_")}`, "free");
}

/** `%t` is written with its brackets, which `apacheItems` puts around it. */
function apacheTime(argument: string | undefined, timeZone: string): FieldMeaning {
  const format = argument?.replace(/^(?:begin|end):/, "");
  if (format === undefined || format === "") return clfField(timeFormat("clf", timeZone));
  if (/^(?:sec|msec|usec)$/.test(format)) return timeField(timeFormat("epoch", timeZone));
  if (/^(?:msec|usec)_frac$/.test(format)) return extraField("labels.time_fraction", "word", true);
  const compiled = timeFormat(format, timeZone);
  return timeField(compiled, compiled.length ?? (/\s/.test(format) ? "free" : "word"));
}
