import { sanitize } from "#core/sanitize.ts";
import type { TextKey } from "#core/text/en.ts";
import { en } from "#core/text/en.ts";
import { text, type Language } from "#core/text/text.ts";
import type { Contribution } from "#core/signal.ts";
import type { ScanActor, ScanReport } from "#app/scan-report.ts";
import { clockTime, levelText, spanText, type Paint } from "./render.ts";

/** How much of a report is shown. */
export interface ScanView {
  readonly language: Language;
  readonly colours: Paint;
  /** Actors shown in full; of the others only how many there are. */
  readonly limit: number;
}

const evidenceShown = 5;

/** The report as people read it: the level first, then who, why, the lines, and what would be done. */
export function scanText(report: ScanReport, view: ScanView): string {
  const { language, colours } = view;
  const say = (key: TextKey, params = {}): string => text(language, key, params);
  const lines = report.files.reduce((sum, file) => sum + file.lines, 0);
  const out: string[] = [
    "",
    say("cli.scan.read", { files: report.files.length, lines: number(lines), seconds: report.seconds, rate: number(report.linesPerSecond) }),
  ];
  for (const file of report.files) {
    out.push(`  ${sanitize(file.path, 200)}  ${fileText(file, say)}`);
    if (file.error !== undefined) out.push(`    ${colours.yellow(sanitize(file.error, 400))}`);
  }
  if (report.from !== null && report.to !== null)
    out.push(colours.dim(say("cli.scan.span", { from: clockTime(Date.parse(report.from)), to: clockTime(Date.parse(report.to)) })));
  const blocked = report.actors.filter(({ proposal }) => proposal?.allowed === true).length;
  out.push(
    "",
    `${colours.bold(say("cli.level"))} ${levelText(report.level, language, colours)} — ${say(report.actors.length === 0 ? "cli.scan.nothing" : "cli.scan.found", { actors: report.actors.length, cohorts: report.cohorts.length, blocked })}`,
    "",
  );
  for (const cohort of report.cohorts) {
    const shared = Object.entries(cohort.by).map(([field, value]) => `${field}=${sanitize(value, 80)}`);
    out.push(
      `${levelText(cohort.level, language, colours)}  ${colours.bold(say("cli.scan.cohort", { members: cohort.members.length }))}  ${sanitize(cohort.title, 120)}`,
    );
    out.push(`    ${say("cli.scan.shared", { shared: shared.join(", ") })}`, `    ${whyText(cohort.why, cohort.score, language)}`);
    out.push(`    ${cohort.members.slice(0, 8).join(", ")}${cohort.members.length > 8 ? ` ${say("cli.more", { n: cohort.members.length - 8 })}` : ""}`);
    const stopped = report.actors.filter(({ actor, proposal }) => proposal?.allowed === true && cohort.members.includes(actor)).length;
    out.push(`    ${colours.red(say("cli.scan.would-block-members", { n: stopped, members: cohort.members.length }))}`, "");
  }
  // Who is only a member of a group stands there already.
  const members = new Set(report.cohorts.flatMap((cohort) => cohort.members));
  const alone = report.actors.filter(({ actor, signals }) => !members.has(actor) || signals.some(({ rule }) => !rule.startsWith("cohort")));
  for (const actor of alone.slice(0, view.limit)) out.push(...actorText(actor, report, view), "");
  const hidden = alone.length - view.limit;
  if (hidden > 0) out.push(say("cli.scan.hidden", { n: hidden }), "");
  if (blocked > 0) out.push(say("cli.scan.next"));
  return `${out.join("\n")}\n`;
}

function actorText(actor: ScanActor, report: ScanReport, { language, colours }: ScanView): string[] {
  const say = (key: TextKey, params = {}): string => text(language, key, params);
  const first = actor.signals.reduce((early, signal) => Math.min(early, Date.parse(signal.first)), Number.POSITIVE_INFINITY);
  const out = [
    `${levelText(actor.level, language, colours)}  ${colours.bold(sanitize(actor.actor, 100))}  ${say("cli.scan.counts", { events: number(actor.events), failures: number(actor.failures), since: clockTime(first) })}`,
  ];
  for (const signal of actor.signals) {
    out.push(
      `    ${colours.yellow(signal.rule)}  ${sanitize(signal.title, 120)} ×${number(signal.count)}`,
      `      ${colours.dim(whyText(signal.why, signal.score, language))}`,
    );
  }
  if (actor.users.length > 0) out.push(`    ${say("cli.scan.users", { users: listText(actor.users) })}`);
  if (actor.paths.length > 0) out.push(`    ${say("cli.scan.paths", { paths: listText(actor.paths) })}`);
  for (const { file, line, message } of actor.evidence.slice(0, evidenceShown))
    out.push(`      ${colours.dim(`${sanitize(report.files[file]?.path ?? "?", 80)}:${line}`)}  ${sanitize(message, 180)}`);
  if (actor.evidence.length > evidenceShown) out.push(`      ${colours.dim(say("cli.more", { n: actor.evidence.length - evidenceShown }))}`);
  const { proposal } = actor;
  if (proposal === null) out.push(`    ${colours.dim(say("cli.scan.tell-only"))}`);
  else if (proposal.allowed)
    out.push(`    ${colours.red(say("cli.scan.would-block", { target: proposal.target, time: spanText(proposal.ttl * 1_000, language) }))}`);
  else {
    out.push(`    ${colours.green(say("cli.scan.would-not", { target: proposal.target }))}`);
    for (const check of proposal.checks) if (!check.ok) out.push(`      ✗ ${sanitize(check.why, 300)}`);
  }
  return out;
}

/** `+4.2 = base −3.0, failures 9 (usual 1) +7.2`: the computation itself. */
export function whyText(why: readonly Contribution[], score: number, language: Language): string {
  const parts = why.map(({ feature, value, baseline, contribution }) => {
    const usual =
      baseline === undefined ? "" : ` (${text(language, "cli.usual", { baseline: typeof baseline === "number" ? round(baseline) : sanitize(baseline, 60) })})`;
    return `${featureText(feature, language)} ${typeof value === "number" ? round(value) : sanitize(value, 60)}${usual} ${signed(contribution)}`;
  });
  return `${text(language, "cli.score")} ${signed(score)} = ${parts.join(", ")}`;
}

function featureText(feature: string, language: Language): string {
  const key = `feature.${feature}`;
  return key in en ? text(language, key as TextKey) : feature.replaceAll("_", " ");
}

function fileText(file: ScanReport["files"][number], say: (key: TextKey, params?: Record<string, string | number>) => string): string {
  if (file.lines === 0) return say("cli.scan.file-empty");
  if (file.parser === null) return say("cli.scan.file-unknown", { lines: number(file.lines) });
  return say("cli.scan.file", { lines: number(file.lines), parser: file.parser, unparsed: number(file.unparsed) });
}

function listText(values: readonly string[]): string {
  const shown = values.slice(0, 8).map((value) => sanitize(value, 60));
  return `${shown.join(", ")}${values.length > shown.length ? ", …" : ""}`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function round(value: number): string {
  return Number.isInteger(value) ? number(value) : value.toPrecision(3);
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}
