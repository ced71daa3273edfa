import { hash } from "node:crypto";
import { SourceError } from "../source-error.ts";

/** Bytes at a file's start that tell it from other files. */
export const headLength = 256;
/** Bytes before the reading position that tell that what was read is still there. */
export const tailLength = 64;

/**
 * A place in a file, as it is saved: enough to find the file again under another name, copied, or compressed.
 * Inode numbers are reused and device numbers change over reboots: the content decides.
 */
export interface Mark {
  readonly device: number;
  readonly inode: number;
  /** Hash of the first `headBytes` bytes; 0 bytes for a file that was empty. */
  readonly headBytes: number;
  readonly headHash: string;
  /** Hash of up to 64 bytes that end at byte `tailAt`; 0 where nothing was read. */
  readonly tailAt: number;
  readonly tailHash: string;
  /** Byte offset of the next line to give, in the uncompressed content. */
  readonly offset: number;
  /** Its number, counted from 1; 0 where unknown. */
  readonly line: number;
  /** Modification time when it was last looked at, epoch milliseconds. */
  readonly modified: number;
  /** Where the file was, when not at the log's own path (a symlink's target); `""` else. */
  readonly path: string;
}

/** What a cursor knows of one log: files to finish, oldest first, the last being the live one; and files lately finished. */
export interface LogMarks {
  readonly path: string;
  readonly open: readonly Mark[];
  readonly done: readonly Mark[];
  /** Since when a path that never had a file has been waited for, epoch milliseconds; 0 else. */
  readonly awaited: number;
}

export function contentHash(bytes: Uint8Array): string {
  return hash("sha1", bytes, "hex").slice(0, 20);
}

type MarkRow = [number, number, number, string, number, string, number, number, number, string];

/** JSON text of one log's marks: a part of the cursor. */
export function writeLogMarks(marks: LogMarks): string {
  const rows = (list: readonly Mark[]): MarkRow[] =>
    list.map((m) => [m.device, m.inode, m.headBytes, m.headHash, m.tailAt, m.tailHash, m.offset, m.line, m.modified, m.path]);
  return JSON.stringify({ path: marks.path, open: rows(marks.open), done: rows(marks.done), awaited: marks.awaited });
}

/** The cursor of a file source from the JSON texts of its logs. */
export function writeCursor(logs: readonly string[]): string {
  return `{"version":1,"logs":[${logs.join(",")}]}`;
}

/** Reads what `writeCursor` wrote; throws a `SourceError` on anything else. */
export function readCursor(source: string, cursor: string): LogMarks[] {
  try {
    const saved = JSON.parse(cursor) as { version: unknown; logs: { path: unknown; open: unknown[]; done: unknown[]; awaited: unknown }[] };
    if (saved.version !== 1) throw new Error(`version ${String(saved.version)}`);
    return saved.logs.map((log) => {
      if (typeof log.path !== "string" || typeof log.awaited !== "number") throw new Error("path");
      return { path: log.path, open: log.open.map(readMark), done: log.done.map(readMark), awaited: log.awaited };
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError("source-cursor-invalid", "sources.cursorInvalid", { source, reason }, { cause });
  }
}

function readMark(row: unknown): Mark {
  const shape = "nnnsnsnnns";
  if (!Array.isArray(row) || row.length !== shape.length) throw new Error("mark");
  for (const [index, value] of row.entries()) {
    const valid = shape[index] === "s" ? typeof value === "string" : typeof value === "number" && Number.isFinite(value);
    if (!valid) throw new Error("mark");
  }
  const [device, inode, headBytes, headHash, tailAt, tailHash, offset, line, modified, path] = row as MarkRow;
  return { device, inode, headBytes, headHash, tailAt, tailHash, offset, line, modified, path };
}
