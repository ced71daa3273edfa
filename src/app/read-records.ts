import type { LogRecord } from "#contracts/source.ts";
import { writtenBy } from "#pipeline/event-reader.ts";
import { eachLine } from "#sources/line-splitter.ts";
import { readLines } from "#sources/read-lines.ts";

/** Every line of a file (plain, packed, or `-`) as a record, empty lines too. */
export async function* readRecords(path: string, signal: AbortSignal): AsyncGenerator<LogRecord> {
  const until = writtenBy(path, Date.now());
  for await (const chunk of readLines(path, { signal })) {
    const records: LogRecord[] = [];
    eachLine(chunk, (text, line, offset) => records.push({ source: path, text, line, offset, writtenBy: until }));
    yield* records;
  }
}
