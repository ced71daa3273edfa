import type { LogEvent } from "#core/event.ts";
import type { LogRecord } from "./source.ts";

/** What a parser is told of the installation. */
export interface ParserContext {
  /** IANA name or `UTC`: zone of time stamps that carry none. */
  readonly timeZone: string;
  /** Fixed year for time stamps without one; undefined = inferred from the record. */
  readonly year: number | undefined;
  /** Networks whose `X-Forwarded-For` and the like are believed. Canonical CIDR texts. */
  readonly trustedProxies: readonly string[];
}

/** Turns a line into an event. Pure: the same record gives the same event. Never throws, whatever the bytes. */
export interface Parser {
  /** Name that `haechi parse` prints. */
  readonly name: string;
  /** Undefined where the line is not of this parser. */
  parse(record: LogRecord): LogEvent | undefined;
}

/** A kind of parser, by name in `app/builtins.ts`. */
export interface ParserPlugin {
  readonly name: string;
  /** True where `text` is surely a line of this parser: sources choose their parser by their first lines. */
  recognizes(text: string): boolean;
  build(context: ParserContext): Parser;
}
