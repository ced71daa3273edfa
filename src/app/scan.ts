import type { Detector } from "#contracts/detector.ts";
import type { GuardVerdict } from "#core/decision.ts";
import { isoTime } from "#core/event.ts";
import { parseCidr } from "#core/ip.ts";
import { ruleLevels, type CohortMember, type EvidenceReference, type Signal } from "#core/signal.ts";
import { text, type Language } from "#core/text/text.ts";
import { addressTally, type AddressTally } from "#pipeline/address-tally.ts";
import { detectFiles, type DetectFilesResult } from "#pipeline/detect-files.ts";
import type { ScanInput } from "#pipeline/event-reader.ts";
import { isPacked, reread, type WantedLine } from "#pipeline/reread.ts";
import { caseLevel, overallLevel } from "#respond/cases.ts";
import { guard, type GuardInputs } from "#respond/guard.ts";
import { policyAnswer, type Policy } from "#respond/policy.ts";
import type { ScanActor, ScanCohort, ScanReport, ScanSignal } from "./scan-report.ts";
import { linesOf, scanStore, signInMemory } from "./scan-store.ts";

export interface ScanOptions {
  readonly inputs: readonly ScanInput[];
  readonly detectors: readonly Detector[];
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly now: number;
  readonly language: Language;
  readonly policy: Policy;
  readonly guardInputs: GuardInputs;
  readonly allow: readonly string[];
  readonly signal: AbortSignal;
  onProgress?(bytes: number, lines: number): void;
  /** Signals of detectors that run elsewhere on the same files at the same time. */
  readonly others?: Promise<readonly Signal[]>;
}

/** Reads files, finds attackers and says what would be blocked, and why; changes nothing. */
export async function scan(options: ScanOptions): Promise<ScanReport> {
  const started = performance.now();
  const tally = addressTally();
  const signIns = signInMemory();
  const result = await detectFiles(options.inputs, {
    ...options,
    onEvent: (event, record, file) => {
      tally.add(event, file, record.offset);
      if (event["event.outcome"] === "success") signIns.add(event);
    },
  });
  const signals = [...result.signals, ...((await options.others) ?? [])].toSorted(worstFirst);
  const actors = await judged(actorsOf(signals), { options, tally, signIns, result, signals });
  const cohorts = signals.filter(({ actor }) => actor.kind === "cohort").map(cohortOf);
  const seconds = Math.max(0.001, (performance.now() - started) / 1_000);
  const lines = result.files.reduce((sum, file) => sum + file.lines, 0);
  return {
    version: 1,
    files: result.files.map(({ fault, ...file }) => (fault ? { ...file, error: text(options.language, fault.key, fault.params) } : file)),
    from: result.from === undefined ? null : isoTime(result.from),
    to: result.to === undefined ? null : isoTime(result.to),
    seconds: Math.round(seconds * 1_000) / 1_000,
    linesPerSecond: Math.round(lines / seconds),
    level: overallLevel([...actors, ...cohorts]),
    actors,
    cohorts,
  };
}

/** The same order whichever thread found what: worst first, then by time. */
function worstFirst(a: Signal, b: Signal): number {
  return ruleLevels.indexOf(b.level) - ruleLevels.indexOf(a.level) || a.first - b.first || (a.id < b.id ? -1 : 1);
}

/** Signals by whom they are about. A member of a cohort stands for itself, with the cohort's signal in its own numbers. */
function actorsOf(signals: readonly Signal[]): Map<string, Signal[]> {
  const actors = new Map<string, Signal[]>();
  const add = (signal: Signal): void => {
    const key = `${signal.actor.kind}\n${signal.actor.id}`;
    const known = actors.get(key);
    if (known) known.push(signal);
    else actors.set(key, [signal]);
  };
  for (const signal of signals) {
    if (signal.actor.kind !== "cohort") add(signal);
    else for (const member of signal.members ?? []) add(memberSignal(signal, member));
  }
  return actors;
}

function memberSignal(cohort: Signal, member: CohortMember): Signal {
  const { members: _members, ...rest } = cohort;
  const kind = parseCidr(member.address) && member.address.includes("/") ? "network" : "ip";
  return {
    ...rest,
    actor: { kind, id: member.address },
    first: member.first,
    last: member.last,
    count: member.events,
    score: member.score,
    why: member.why,
    evidence: member.evidence,
  };
}

interface Found {
  readonly options: ScanOptions;
  readonly tally: AddressTally;
  readonly signIns: ReturnType<typeof signInMemory>;
  readonly result: DetectFilesResult;
  readonly signals: readonly Signal[];
}

const order = { danger: 0, caution: 1, normal: 2 } as const;

/** Actors whose lines are read again together: enough to read files in order, few enough to hold. */
const actorsAtOnce = 256;

/** Every actor with its level, its evidence and the guard's word on a ban. */
async function judged(actors: ReadonlyMap<string, readonly Signal[]>, found: Found): Promise<ScanActor[]> {
  const { options, tally, result } = found;
  const fileOf = new Map(options.inputs.map(({ path }, index) => [path, index]));
  const byActor = Map.groupBy(found.signals, ({ actor }) => actor.id);
  const to = result.to ?? options.now;
  const reports: ScanActor[] = [];
  const all = [...actors.values()];
  // A packed file is read from its beginning each time, so those are gone through once.
  const together = options.inputs.some(({ path }) => isPacked(path)) ? all.length : actorsAtOnce;
  for (let start = 0; start < all.length; start += together) {
    const part = all.slice(start, start + together);
    const wanted = new Map<string, WantedLine>();
    for (const signals of part) {
      if (!proposes(signals, options.policy)) continue;
      for (const line of linesOf((signals[0] as Signal).actor.id, signals, tally, fileOf)) wanted.set(`${line.file}:${line.offset}`, line);
    }
    const rows = await reread(options.inputs, [...wanted.values()], options.now);
    const counts = new Map(rows.map((row) => [`${row.source}:${row.offset}`, row.count]));
    const store = scanStore(rows, byActor, found.signIns, options.allow, to);
    const ask = guard(store, options.guardInputs, options.language, () => ({ minute: 0, cycle: 0, targets: [] }));
    for (const signals of part) {
      const verdict = proposes(signals, options.policy)
        ? await ask.judge({ target: (signals[0] as Signal).actor.id, origin: originOf(signals), claim: claimOf(signals, counts), now: to })
        : undefined;
      reports.push(actorOf(signals, verdict, found, fileOf));
    }
  }
  return reports.sort((a, b) => order[a.level] - order[b.level] || scoreOfActor(b) - scoreOfActor(a) || (a.actor < b.actor ? -1 : 1));
}

function scoreOfActor(actor: ScanActor): number {
  return actor.signals.reduce((most, { score }) => Math.max(most, score), 0);
}

function proposes(signals: readonly Signal[], policy: Policy): boolean {
  const { kind } = (signals[0] as Signal).actor;
  return (kind === "ip" || kind === "network") && signals.some((signal) => policyAnswer({ ...policy, mode: "auto" }, signal, signal.last) !== "ignore");
}

function originOf(signals: readonly Signal[]): { kind: "rule"; rule: string; signal: string } {
  const first = signals.find(({ actionable }) => actionable) ?? (signals[0] as Signal);
  return { kind: "rule", rule: first.rule, signal: first.id };
}

/** What is claimed of the target: the evidence lines of its actionable signals, to be found again in the files. */
function claimOf(signals: readonly Signal[], counts: ReadonlyMap<string, number>): { target: string; count: number; from: number; to: number } {
  const evidence = new Map<string, EvidenceReference>();
  for (const signal of signals) if (signal.actionable) for (const item of signal.evidence) evidence.set(`${item.source}:${item.offset}:${item.line}`, item);
  const items = [...evidence.values()];
  const times = items.map(({ time }) => time);
  return {
    target: (signals[0] as Signal).actor.id,
    count: Math.max(
      1,
      items.reduce((sum, { source, offset }) => sum + (counts.get(`${source}:${offset}`) ?? 1), 0),
    ),
    from: Math.min(...times),
    to: Math.max(...times),
  };
}

function actorOf(signals: readonly Signal[], verdict: GuardVerdict | undefined, found: Found, fileOf: ReadonlyMap<string, number>): ScanActor {
  const { actor } = signals[0] as Signal;
  const counted = actor.kind === "ip" ? found.tally.of(actor.id) : undefined;
  const evidence = new Map<string, EvidenceReference>();
  for (const signal of signals) for (const item of signal.evidence) evidence.set(`${item.source}:${item.line}:${item.offset}`, item);
  const events = counted?.events ?? signals.reduce((most, { count }) => Math.max(most, count), 0);
  return {
    actor: actor.id,
    kind: actor.kind,
    level: caseLevel(signals),
    events,
    failures: counted?.failures ?? 0,
    users: distinct(signals.flatMap(({ users }) => users ?? [])),
    paths: distinct(signals.flatMap(({ paths }) => paths ?? [])),
    signals: signals.map(signalOf),
    evidence: [...evidence.values()]
      .sort((a, b) => a.time - b.time || a.line - b.line)
      .slice(0, 20)
      .map(({ source, line, message }) => ({ file: fileOf.get(source) ?? 0, line, message })),
    proposal: verdict
      ? { action: "ban", target: verdict.target, ttl: found.options.policy.steps[0] ?? 14_400, allowed: verdict.allowed, checks: verdict.checks }
      : null,
  };
}

function signalOf({ id, rule, title, level, count, first, last, score, why }: Signal): ScanSignal {
  return { id, rule, title, level, count, first: isoTime(first), last: isoTime(last), score, why };
}

function cohortOf(signal: Signal): ScanCohort {
  return {
    id: signal.actor.id,
    title: signal.title,
    level: caseLevel([signal]),
    by: signal.by ?? {},
    members: (signal.members ?? []).map(({ address }) => address),
    score: signal.score,
    why: signal.why,
  };
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].slice(0, 20);
}
