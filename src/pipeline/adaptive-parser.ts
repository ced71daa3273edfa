import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";

/**
 * A parser that chooses by content: the first of `plugins` (specific ones first) that recognizes a line keeps the following
 * lines as long as it understands them; a line it does not understand is offered to the others.
 */
export function adaptiveParser(plugins: readonly ParserPlugin[], context: ParserContext): Parser {
  const candidates = plugins.map((plugin) => ({ plugin, parser: plugin.build(context) }));
  let current: Parser | undefined;
  return {
    name: "auto",
    parse(record) {
      const event = current?.parse(record);
      if (event !== undefined) return event;
      for (const { plugin, parser } of candidates) {
        if (parser === current || !plugin.recognizes(record.text)) continue;
        const found = parser.parse(record);
        if (found !== undefined) {
          current = parser;
          return found;
        }
      }
      return undefined;
    },
  };
}
