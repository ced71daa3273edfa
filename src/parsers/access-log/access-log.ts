import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import { combinedReader } from "../combined-line.ts";

/**
 * Access logs of nginx, Apache and whatever else writes the common or combined log format, with or without a virtual host
 * before the address. Formats of one's own: `logFormat`.
 */
export const accessLog: ParserPlugin = {
  name: "access-log",
  recognizes: recognizesAccessLog,
  build: (context: ParserContext): Parser => ({ name: "access-log", parse: combinedReader("access-log", "web.access", context) }),
};

/** `… [10/Oct/2000:13:55:36 -0700] "…" 200 …`; only the head of a long line is looked at. */
function recognizesAccessLog(text: string): boolean {
  return /\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "/.test(text.slice(0, 4_096)) && /^[^\s"{<]{1,255}[ ,]/.test(text);
}
