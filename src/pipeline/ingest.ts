import { createHash } from "node:crypto";
import { serialize } from "node:v8";
import type { Detector } from "#contracts/detector.ts";
import type { EvidenceRow } from "#contracts/evidence-store.ts";
import type { Parser } from "#contracts/parser.ts";
import type { Batch, LogRecord, Source, SourceNote } from "#contracts/source.ts";
import type { StateChange, StateStore } from "#contracts/state-store.ts";
import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import type { Signal } from "#core/signal.ts";
import { evidenceRow } from "./evidence-row.ts";
import { driftWatch, type DriftFinding, type DriftWatch } from "./time-drift.ts";

/** A source and the parser of its lines. */
export interface IngestSource {
  readonly source: Source;
  readonly parser: Parser;
}

/** Totals of one source since the state began; they are committed together with its cursor, so each line counts once. */
export interface SourceCounts {
  lines: number;
  parsed: number;
  unparsed: number;
}

export interface IngestOptions {
  readonly sources: readonly IngestSource[];
  readonly detectors: readonly Detector[];
  readonly store: StateStore;
  /** Acts on signals; their evidence is committed before. */
  respond(signals: readonly Signal[]): Promise<void>;
  readonly clock: () => number;
  readonly signal: AbortSignal;
  /** Milliseconds between commits while lines come; longer while a commit takes long. */
  readonly commitInterval: number;
  readonly watch: IngestWatch;
}

/** What the pipeline tells while it runs. */
export interface IngestWatch {
  lines(source: string, counts: SourceCounts, lag: number | undefined): void;
  /** `seconds` from reading the newest line of the batch to the end of detection and response. */
  signals(signals: readonly Signal[], seconds: number): void;
  note(source: string, note: SourceNote): void;
  drift(source: string, finding: DriftFinding): void;
  failed(source: string, error: unknown, retryIn: number): void;
}

export interface Ingest {
  readonly counts: ReadonlyMap<string, SourceCounts>;
  /** Resolves when every source is placed: from then on nothing that is written can be missed, whatever happens. */
  readonly placed: Promise<void>;
  /** Ends when every source has ended or the signal aborted, and the last lines are committed. */
  readonly done: Promise<void>;
}

type JournalRow = EvidenceRow & { readonly key: string };

const rowsBeforeCommit = 20_000;
const longestInterval = 5_000;
const longestRetry = 60_000;
/** Sources without a place (a socket, a pipe) say nothing until a line comes. */
const placingTime = 1_000;

/**
 * Reads all sources into one ordered stream: parse, journal, detect, respond. Cursors, counters, detector states and journal
 * rows commit in one transaction and only then are batches acknowledged; what a kill leaves uncommitted is read again and,
 * since signals and rows carry ids made from the lines, changes nothing twice.
 */
export async function ingest(options: IngestOptions): Promise<Ingest> {
  const { store, detectors, signal, clock, watch } = options;
  const cursors = new Map(await store.cursors());
  const totals = await store.counters();
  const counts = new Map<string, SourceCounts>(
    options.sources.map(({ source: { id } }) => [
      id,
      { lines: totals.get(`lines ${id}`) ?? 0, parsed: totals.get(`parsed ${id}`) ?? 0, unparsed: totals.get(`unparsed ${id}`) ?? 0 },
    ]),
  );
  let rows: JournalRow[] = [];
  let signIns: { address: string; user: string; time: number }[] = [];
  let pending: Batch[] = [];
  let changed: Signal[] = [];
  let interval = options.commitInterval;
  let turn: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  /** One at a time, in order of asking: batches and commits never interleave. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  /** False where the state cannot be written (a full disk): everything is kept and tried again; guarding goes on. */
  const save = async (more: Pick<StateChange, "cursors" | "counters" | "checkpoints">): Promise<boolean> => {
    try {
      await store.commit({ ...more, evidence: rows, signIns, signals: changed });
    } catch (error) {
      watch.failed("state", error, interval);
      return false;
    }
    rows = [];
    signIns = [];
    changed = [];
    return true;
  };

  const commit = async (): Promise<boolean> => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return true;
    const started = performance.now();
    const counters = new Map<string, number>();
    for (const [id, count] of counts) for (const kind of ["lines", "parsed", "unparsed"] as const) counters.set(`${kind} ${id}`, count[kind]);
    const checkpoints = new Map<string, Uint8Array>(detectors.map((detector) => [detector.name, serialize(detector.snapshot())]));
    if (!(await save({ cursors, counters, checkpoints }))) {
      commitSoon();
      return false;
    }
    const acknowledged = pending;
    pending = [];
    for (const batch of acknowledged) await batch.ack();
    // Large detector states must not make the guard busy with saving, nor leave more than a few seconds to be read again.
    interval = Math.min(longestInterval, Math.max(options.commitInterval, (performance.now() - started) * 8));
    return true;
  };

  const commitSoon = (): void => {
    timer ??= setTimeout(() => void inTurn(commit), interval);
  };

  const take = async (id: string, parser: Parser, batch: Batch, drift: DriftWatch, live: boolean): Promise<void> => {
    const count = counts.get(id) as SourceCounts;
    const found: Signal[] = [];
    let newest = 0;
    for (const record of batch.records) {
      count.lines++;
      newest = record.writtenBy;
      if (record.text === "") continue;
      const event = parser.parse(record);
      if (event === undefined) {
        count.unparsed++;
        continue;
      }
      count.parsed++;
      if (!Number.isFinite(event["@timestamp"])) (event as { "@timestamp": number })["@timestamp"] = record.writtenBy;
      const address = event["source.ip"];
      if (address !== undefined) {
        rows.push(journalRow(event, record, address));
        if (event["event.category"] === "authentication" && event["event.outcome"] === "success")
          signIns.push({ address: ownString(address), user: ownString(event["user.name"] ?? ""), time: event["@timestamp"] });
      }
      for (const detector of detectors) for (const item of detector.observe(event, record)) found.push(item);
      if (live) {
        const finding = drift.observe(event["@timestamp"], record.writtenBy);
        if (finding) watch.drift(id, finding);
      }
    }
    for (const note of batch.notes ?? []) watch.note(id, note);
    cursors.set(id, batch.cursor);
    pending.push(batch);
    watch.lines(id, count, batch.lag);
    if (found.length > 0) {
      changed.push(...found);
      await save({});
      try {
        await options.respond(found);
      } catch (error) {
        watch.failed("respond", error, interval);
      }
      watch.signals(found, Math.max(0, clock() - newest) / 1_000);
    }
    // A first batch without lines places the source: from its cursor on, a restart misses nothing.
    if (batch.records.length === 0 && !live) return void (await commit());
    if (rows.length < rowsBeforeCommit) return commitSoon();
    // Back-pressure: while the state cannot be written, lines wait in their files, not in memory.
    while (!(await commit()) && rows.length >= rowsBeforeCommit * 5 && !signal.aborted) await pause(interval, signal);
  };

  const placed = new Map(options.sources.map(({ source: { id } }) => [id, Promise.withResolvers<void>()]));

  /** Follows one source, starting it again where the last commit was when it fails. */
  const follow = async ({ source, parser }: IngestSource): Promise<void> => {
    const drift = driftWatch();
    // Only lines written while we watch tell of the clock; what was there before is old.
    let caughtUp = false;
    for (let wait = 1_000; !signal.aborted; wait = Math.min(longestRetry, wait * 2)) {
      try {
        // What this source read and is not yet committed must be settled before it starts again from the cursor.
        await inTurn(commit);
        for await (const batch of source.read(cursors.get(source.id), signal)) {
          const live = caughtUp;
          await inTurn(() => take(source.id, parser, batch, drift, live));
          caughtUp ||= batch.lag === 0;
          placed.get(source.id)?.resolve();
          wait = 1_000;
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        placed.get(source.id)?.resolve();
        watch.failed(source.id, error, wait);
        await pause(wait, signal);
      }
    }
  };

  const done = (async () => {
    try {
      await Promise.all(options.sources.map(follow));
    } finally {
      await inTurn(commit);
    }
  })();
  const all = Promise.all([...placed.values()].map(({ promise }) => promise));
  return { counts, done, placed: Promise.race([all.then(() => undefined), pause(placingTime, signal)]) };
}

/** The row with its key: a byte offset is taken again after a rotation, but not with the same time; what has no offset is named by its content. */
function journalRow(event: LogEvent, record: LogRecord, address: string): JournalRow {
  const place = record.offset >= 0 ? `${record.offset}|${event["@timestamp"]}` : `${record.line}|${createHash("sha1").update(record.text).digest("base64url")}`;
  return { key: `${record.source}|${place}`, ...evidenceRow(event, record, address) };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, milliseconds);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
