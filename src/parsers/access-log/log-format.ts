import type { Parser, ParserContext } from "#contracts/parser.ts";
import type { LogRecord } from "#contracts/source.ts";
import type { LogEvent } from "#core/event.ts";
import { clientAddresses } from "../client-address.ts";
import { ParserError } from "../parser-error.ts";
import { webEvents, webFields } from "../web-event.ts";
import { apacheDirective } from "./apache-directives.ts";
import { textField, type DraftField, type FormatDraft } from "./format-fields.ts";
import { formatWalker, type FormatItem } from "./format-walker.ts";
import { nginxVariable } from "./nginx-variables.ts";

type Items = FormatItem<FormatDraft>[];
interface Format {
  readonly items: Items;
  /** The server escapes quotes inside values. */
  readonly structural: boolean;
  readonly server: "nginx" | "apache";
}

const longestFormat = 8_192;
const example = '$remote_addr - $remote_user [$time_local] "$request" $status';

/**
 * A parser for lines of one log format, given as the server's configuration has it: nginx (`$remote_addr - …`, or the whole
 * `log_format` directive with its quoted parts and `escape=`), or Apache (`%h %l …`, or the whole `LogFormat` directive).
 * Variables that are not known become `labels.<name>`; cookies and credentials are left out. Throws ParserError `log-format`
 * that names the character at fault.
 */
export function logFormat(format: string, context: ParserContext): Parser {
  if (format.length > longestFormat) throw new ParserError("log-format", "parsers.log-format-long", { limit: longestFormat });
  const { items, structural, server } = readFormat(format, context);
  if (!items.some((item) => typeof item !== "string")) throw new ParserError("log-format", "parsers.log-format-empty", { example });
  const walk = formatWalker(joinTargets(items), structural);
  if (typeof walk !== "function") {
    const { first, second } = walk;
    throw new ParserError("log-format", "parsers.log-format-adjacent", { position: second.position, first: first.name, second: second.name });
  }
  const event = webEvents("access-log", `${server}.access`, clientAddresses(context.trustedProxies));
  return {
    name: "access-log",
    parse(record: LogRecord): LogEvent | undefined {
      const web = webFields();
      const draft: FormatDraft = { web, extra: {}, writtenBy: record.writtenBy, failed: false };
      if (!walk(record.text, draft) || draft.failed) return undefined;
      if (Number.isNaN(web.time)) web.time = record.writtenBy;
      web.message = record.text;
      const made = event(web);
      for (const name in draft.extra) (made as Record<string, unknown>)[name] ??= draft.extra[name];
      return made;
    },
  };
}

function readFormat(format: string, context: ParserContext): Format {
  const text = format.trim();
  const offset = format.length - format.trimStart().length;
  const directive = /^log_format\s+\S+\s+(?:escape=(\w+)\s+)?/.exec(text) ?? /^escape=(\w+)\s+/.exec(text);
  if (directive) {
    const [parts, at] = quotedParts(text, directive[0].length, offset);
    return { items: nginxItems(parts, at, context), structural: directive[1] !== "none", server: "nginx" };
  }
  const apache = /^LogFormat\s+/i.exec(text);
  if (apache) {
    const [parts, at] = quotedParts(text, apache[0].length, offset);
    return { items: apacheItems(parts, at, context), structural: true, server: "apache" };
  }
  const positions = (index: number): number => offset + index + 1;
  if (/\$\{?[a-z_]/i.test(text)) return { items: nginxItems(text, positions, context), structural: true, server: "nginx" };
  // A format copied out of its quotes still has its quotes escaped.
  const unquoted = text.includes('\\"') && !/(^|[^\\])"/.test(text) ? text.replaceAll('\\"', '"') : text;
  return { items: apacheItems(unquoted, positions, context), structural: true, server: "apache" };
}

/** The text of `'a' 'b' "c"`, joined, from `start`; and where each of its characters stands. */
function quotedParts(text: string, start: number, offset: number): [string, (index: number) => number] {
  let joined = "";
  const places: number[] = [];
  for (let i = start; i < text.length; i++) {
    const quote = text.charAt(i);
    if (quote === ";") break;
    if (quote !== "'" && quote !== '"') continue;
    const opened = i;
    for (i++; i < text.length && text.charAt(i) !== quote; i++) {
      if (text.charAt(i) === "\\" && /["'\\]/.test(text.charAt(i + 1))) i++;
      places.push(offset + i + 1);
      joined += text.charAt(i);
    }
    if (i >= text.length) throw new ParserError("log-format", "parsers.log-format-quote", { position: offset + opened + 1 });
  }
  return [joined, (index) => places[index] ?? offset + text.length];
}

function nginxItems(text: string, positionOf: (index: number) => number, context: ParserContext): Items {
  const items: Items = [];
  let literal = 0;
  for (const found of text.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)) {
    items.push(text.slice(literal, found.index));
    literal = found.index + found[0].length;
    const name = (found[1] ?? found[2]) as string;
    items.push({ ...nginxVariable(name, context.timeZone), name: `$${name}`, position: positionOf(found.index) });
  }
  items.push(text.slice(literal));
  return items.filter((item) => item !== "");
}

function apacheItems(text: string, positionOf: (index: number) => number, context: ParserContext): Items {
  const items: Items = [];
  let literal = 0;
  // %, conditions (!200,304), first or last request (< >), an argument in braces, the letter.
  for (const found of text.matchAll(/%(?:(%)|!?[\d,]*[<>]?(?:\{([^}]*)\})?[<>]?(\^?[a-zA-Z]{1,2}|))/g)) {
    const before = text.slice(literal, found.index);
    const letters = found[3] ?? "";
    const letter = letters.charAt(0);
    // `%^ti` and `%^to` (trailers) are the only directives of more than one letter.
    const size = letters.startsWith("^") ? letters.length : letter.length;
    literal = found.index + found[0].length - letters.length + size;
    items.push(before);
    if (found[1] === "%") {
      items.push("%");
      continue;
    }
    const name = text.slice(found.index, literal);
    const meaning = apacheDirective(letter, found[2], context.timeZone);
    const position = positionOf(found.index);
    if (meaning === undefined) throw new ParserError("log-format", "parsers.log-format-variable", { position, name, server: "Apache" });
    const field: DraftField = { ...meaning, name, position };
    if (letter === "t" && found[2] === undefined) items.push("[", field, "]");
    else items.push(field);
  }
  items.push(text.slice(literal));
  return items.filter((item) => item !== "");
}

/** `$uri$is_args$args` and `%U%q` are the path with the query behind it: one target, as nothing stands between. */
function joinTargets(items: Items): Items {
  const names = (from: number, ...wanted: string[]): boolean =>
    wanted.every((name, i) => {
      const item = items[from + i];
      return item !== undefined && typeof item !== "string" && item.name === name;
    });
  const joined: Items = [];
  for (let i = 0; i < items.length; i++) {
    const size = ["$uri", "$document_uri"].some((uri) => names(i, uri, "$is_args", "$args") || names(i, uri, "$is_args", "$query_string"))
      ? 3
      : names(i, "%U", "%q")
        ? 2
        : 1;
    const item = items[i] as FormatItem<FormatDraft>;
    if (size === 1 || typeof item === "string") joined.push(item);
    else joined.push({ ...textField("target", "free", { slash: true }), name: item.name, position: item.position });
    i += size - 1;
  }
  return joined;
}
