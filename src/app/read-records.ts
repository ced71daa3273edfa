import type { LogRecord } from "#contracts/source.ts";
import { writtenBy } from "#pipeline/event-reader.ts";
import { readLines } from "#sources/read-lines.ts";

/** Every line of a file (plain, packed, or `-`) as a record, empty lines too. */
export async function* readRecords(path: string, signal: AbortSignal): AsyncGenerator<LogRecord> {
  const until = writtenBy(path, Date.now());
  for await (const { text, firstLine, offset, starts } of readLines(path, { signal })) {
    let line = 0;
    for (let at = 0; at < text.length; line++) {
      const found = text.indexOf("\n", at);
      const end = found < 0 ? text.length : found;
      yield {
        source: path,
        text: text.slice(at, end > at && text[end - 1] === "\r" ? end - 1 : end),
        line: firstLine + line,
        offset: offset + (starts ? (starts[line] as number) : at),
        writtenBy: until,
      };
      at = end + 1;
    }
  }
}
