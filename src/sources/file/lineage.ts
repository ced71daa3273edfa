import type { SourceNote } from "#contracts/source.ts";
import { type Candidate, candidateAt, holds, listCandidates, locate, type Location, readAtPath, sameListing } from "./candidates.ts";
import { headLength, type Mark, tailLength } from "./mark.ts";

/** Files were renamed between two looks. */
export const unsettled = new Error("files are being renamed");

/** What of a log tells its files apart. */
interface LineageLog {
  readonly path: string;
  readonly open: readonly { readonly file: { mark(): Mark } }[];
  readonly done: readonly Mark[];
}

/** A file to open; `mark` where some of it was read before. */
export interface Newer {
  readonly candidate: Candidate;
  readonly mark: Mark | undefined;
  /** The live file's first bytes before its siblings were looked at. */
  readonly head: Buffer | undefined;
}

export interface Lineage {
  readonly location: Location | undefined;
  readonly newer: readonly Newer[];
}

/** Nothing was given of it and too little seen to know it again by its content. */
export function isUnsure(mark: Mark): boolean {
  return mark.offset === 0 && mark.headBytes < headLength;
}

/** Calls `use` with the log's files and the first bytes of the live one (seen before its siblings), until no file was renamed meanwhile. */
export function whileStill<T>(path: string, use: (listed: readonly Candidate[], head: Buffer | undefined) => T): T {
  for (let attempt = 0; attempt < 20; attempt++) {
    const head = headAt(path);
    const listed = listCandidates(path);
    const result = use(listed, head);
    if (sameListing(listed, listCandidates(path))) return result;
  }
  throw unsettled;
}

/** The listing with the place where the mark's file was, a link's old target. */
export function withElsewhere(listed: readonly Candidate[], mark: Mark): readonly Candidate[] {
  if (mark.path === "" || listed.some((candidate) => candidate.path === mark.path)) return listed;
  const elsewhere = candidateAt(mark.path, undefined);
  return elsewhere === undefined ? listed : [elsewhere, ...listed];
}

/** Where the content of `anchor` is, and the files that came after it, oldest first. */
export function lineage(log: LineageLog, anchor: Mark, liveToo: boolean, notes: SourceNote[], unsure = isUnsure(anchor)): Lineage {
  return whileStill(log.path, (listed, head) => {
    // Too little known of it: the times tell what was written since.
    const location = unsure ? undefined : locate(anchor, withElsewhere(listed, anchor), liveToo);
    const at = location === undefined ? -1 : listed.findIndex((candidate) => candidate.path === location.candidate.path);
    const after = at === -1 ? listed.filter((other) => other.rotated === undefined || other.modified >= anchor.modified) : listed.slice(at + 1);
    const open = log.open.map((entry) => entry.file.mark());
    const newer: Newer[] = [];
    for (const candidate of usable(after, notes)) {
      const isLive = candidate.rotated === undefined;
      const mark = isLive && !liveToo ? undefined : knownAs(candidate, open, log.done, at === -1 && !isLive);
      // A rotated file that is known is read already; a live one was moved back.
      if (mark === undefined || isLive) newer.push({ candidate, mark, head: isLive ? head : undefined });
    }
    return { location, newer };
  });
}

/** Leaves out empty rotated files, copies in the making and formats that cannot be read. */
export function usable(candidates: readonly Candidate[], notes: SourceNote[]): Candidate[] {
  const live = candidates.find((candidate) => candidate.rotated === undefined);
  return candidates.filter((candidate) => {
    const { rotated } = candidate;
    if (rotated === undefined) return true;
    if (candidate.size === 0) return false;
    if (rotated.compressed !== "" && rotated.compressed !== ".gz" && rotated.compressed !== ".zst") {
      notes.push({ kind: "gap", detail: `${candidate.path}: only .gz and .zst can be read` });
      return false;
    }
    return live === undefined || !isCopyOf(candidate, live);
  });
}

function headAt(path: string): Buffer | undefined {
  try {
    return readAtPath(path, 0, headLength);
  } catch {
    return undefined;
  }
}

/** The mark of the same content: by inode, or where `byContent` by a whole head alone. */
function knownAs(candidate: Candidate, open: readonly Mark[], done: readonly Mark[], byContent: boolean): Mark | undefined {
  // Of a file that was empty only the inode is known, and that means something only while the file is held open.
  const empty = open.find((mark) => mark.headBytes === 0 && mark.inode === candidate.inode);
  if (empty !== undefined) return empty;
  // An empty or damaged archive has no content to be known by.
  const blank = done.find((mark) => mark.headBytes === 0 && mark.inode === candidate.inode && mark.modified === candidate.modified);
  if (blank !== undefined && candidate.rotated !== undefined) return blank;
  const isLikely = (mark: Mark): boolean => mark.headBytes > 0 && (mark.inode === candidate.inode || (byContent && mark.headBytes === headLength));
  return [...open, ...done].find((mark) => isLikely(mark) && holds(candidate, mark));
}

/** True where all of `candidate` is the beginning of `live`: copytruncate has copied, but not truncated yet. */
function isCopyOf(candidate: Candidate, live: Candidate): boolean {
  if (candidate.inode === live.inode || candidate.size > live.size || candidate.size === 0) return false;
  try {
    const start = Math.max(0, candidate.size - tailLength);
    const same = (at: number, length: number): boolean => readAtPath(candidate.path, at, length).equals(readAtPath(live.path, at, length));
    return same(0, Math.min(headLength, candidate.size)) && same(start, candidate.size - start);
  } catch {
    return false;
  }
}
