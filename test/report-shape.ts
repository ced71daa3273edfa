import { z } from "zod";

const time = z.iso.datetime();
const level = z.enum(["normal", "caution", "danger"]);
const count = z.number().int().nonnegative();

const contribution = z.strictObject({
  feature: z.string().min(1),
  value: z.union([z.string(), z.number()]),
  baseline: z.union([z.string(), z.number()]).optional(),
  contribution: z.number(),
});

const why = z.array(contribution).min(1);

const signal = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  rule: z.string().min(1),
  title: z.string().min(1),
  level: z.enum(["informational", "low", "medium", "high", "critical"]),
  count: count.min(1),
  first: time,
  last: time,
  score: z.number(),
  why,
});

const proposal = z.strictObject({
  action: z.literal("ban"),
  target: z.string(),
  ttl: count.min(1),
  allowed: z.boolean(),
  checks: z.array(z.strictObject({ check: z.string(), ok: z.boolean(), why: z.string().min(1), overridable: z.boolean() })).min(1),
});

/** The object of `scan --json` (the specification's, and what was added: `proposal` may be null; a signal's level; a cohort's title). */
export const reportShape = z.strictObject({
  version: z.literal(1),
  files: z.array(z.strictObject({ path: z.string(), bytes: count, lines: count, parsed: count, unparsed: count, parser: z.string().nullable() })),
  from: time.nullable(),
  to: time.nullable(),
  seconds: z.number().positive(),
  linesPerSecond: count,
  level,
  actors: z.array(
    z.strictObject({
      actor: z.string().min(1),
      kind: z.enum(["ip", "network", "cohort", "user", "device", "site"]),
      level,
      events: count,
      failures: count,
      users: z.array(z.string()).max(20),
      paths: z.array(z.string()).max(20),
      signals: z.array(signal).min(1),
      evidence: z.array(z.strictObject({ file: count, line: count, message: z.string() })).max(20),
      proposal: proposal.nullable(),
    }),
  ),
  cohorts: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      level,
      by: z.record(z.string(), z.string()),
      members: z.array(z.string()).min(2),
      score: z.number(),
      why,
    }),
  ),
});

export type Report = z.output<typeof reportShape>;

/** A report without what depends on the machine's speed. */
export function timeless(report: Report): Omit<Report, "seconds" | "linesPerSecond"> {
  const { seconds: _seconds, linesPerSecond: _rate, ...rest } = report;
  return rest;
}
