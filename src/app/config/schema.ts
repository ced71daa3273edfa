import { z } from "zod";
import { parseDuration } from "#core/duration.ts";
import { normalizeTarget } from "#core/ip.ts";
import { ruleLevels } from "#core/signal.ts";
import type { Secret } from "#core/secret.ts";
import type { TextKey } from "#core/text/en.ts";

/** A custom fault carries its text key, so that it can be told in the operator's language. */
function fault(context: z.RefinementCtx, key: TextKey, params: Record<string, string | number> = {}): typeof z.NEVER {
  context.addIssue({ code: "custom", params: { key, params } });
  return z.NEVER;
}

/** `90s`, `4h`, `1d`, or seconds as a number; milliseconds inside the program. */
const duration = z
  .union([z.string(), z.number()])
  .transform((value, context) => parseDuration(String(value)) ?? fault(context, "config.fault.duration", { value: String(value) }));

/** An address or network in canonical form. */
const target = z.string().transform((value, context) => normalizeTarget(value) ?? fault(context, "config.fault.address", { value }));

const timeZone = z.string().superRefine((value, context) => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
  } catch {
    fault(context, "config.fault.timezone", { value });
  }
});

/** `host:port`; an IPv6 host in brackets. */
const listen = z.string().transform((value, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) return fault(context, "config.fault.listen", { value });
  return { host: (match[1] ?? match[2]) as string, port };
});

const url = z.string().superRefine((value, context) => {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) fault(context, "config.fault.url", { value });
});

/** Secrets arrive already resolved and wrapped by `resolve-secrets.ts`. */
const secretValue = z.custom<Secret>((value) => typeof value === "object" && value !== null && "reveal" in value);

const count = (least: number, most: number) => z.number().int().min(least).max(most);

const customParser = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/),
  pattern: z.string().min(1),
  fields: z.record(z.string(), z.string()).optional(),
  ignoreCase: z.boolean().optional(),
  timeFormat: z.string().optional(),
  category: z.enum(["authentication", "web", "network", "session", "process", "host"]).optional(),
  action: z.string().optional(),
  outcome: z.enum(["success", "failure", "unknown"]).optional(),
});

const source = z
  .strictObject({
    file: z.string().min(1).optional(),
    journald: z.strictObject({ units: z.array(z.string()).default([]) }).optional(),
    syslog: z.strictObject({ udp: listen.optional(), tcp: listen.optional() }).optional(),
    stdin: z.literal(true).optional(),
    parser: z.string().optional(),
    timezone: timeZone.optional(),
    format: z.string().optional(),
    fields: z.record(z.string(), z.string()).optional(),
  })
  .superRefine((value, context) => {
    const kinds = [value.file, value.journald, value.syslog, value.stdin].filter((kind) => kind !== undefined).length;
    if (kinds !== 1) fault(context, "config.fault.source-kind");
    if (value.syslog && !value.syslog.udp && !value.syslog.tcp) fault(context, "config.fault.syslog-listen");
    if (value.format !== undefined && value.parser !== undefined) fault(context, "config.fault.format-and-parser");
  });

const toggle = z.strictObject({ enabled: z.boolean().default(true) }).prefault({});

const enforcer = z
  .strictObject({
    "dry-run": z.strictObject({}).optional(),
    nftables: z.strictObject({}).optional(),
    ufw: z.strictObject({}).optional(),
    crowdsec: z
      .strictObject({ url: url.default("http://127.0.0.1:8080"), machine: z.string().min(1), password: secretValue, bouncerKey: secretValue.optional() })
      .optional(),
    webhook: z.strictObject({ url, secret: secretValue }).optional(),
  })
  .superRefine((value, context) => {
    if (Object.values(value).filter((entry) => entry !== undefined).length !== 1) fault(context, "config.fault.enforcer-kind");
  });

/** The whole of `haechi.yaml`. Every key has a default: no file at all is a valid configuration. */
export const configSchema = z.strictObject({
  language: z.enum(["auto", "en", "ko"]).default("auto"),
  timezone: timeZone.optional(),
  mode: z.enum(["watch", "ask", "auto"]).default("ask"),
  /** Directory of everything that must survive a restart. */
  state: z.string().min(1).optional(),
  sources: z.array(source).optional(),
  parsers: z.array(customParser).default([]),
  rules: z
    .strictObject({
      directories: z.array(z.string()).default([]),
      disable: z.array(z.string()).default([]),
      levels: z.record(z.string(), z.enum(ruleLevels)).default({}),
    })
    .prefault({}),
  detectors: z.strictObject({ cohort: toggle, slow: toggle, baseline: toggle }).prefault({}),
  /** Proxies whose `X-Forwarded-For` is believed. */
  proxies: z.array(target).default([]),
  allow: z.array(target).default([]),
  infrastructure: z.array(target).default([]),
  guard: z
    .strictObject({
      maxPrefix4: count(8, 32).default(24),
      maxPrefix6: count(16, 128).default(48),
      ipv6Prefix: count(48, 128).default(64),
      bansPerMinute: count(1, 100_000).default(30),
      bansPerCycle: count(1, 100_000).default(500),
      trafficShare: z.number().gt(0).max(1).default(0.3),
    })
    .prefault({}),
  bans: z
    .strictObject({
      times: z.array(duration).min(1).default([14_400_000, 86_400_000, 604_800_000]),
      decay: duration.default(2_592_000_000),
      autoLevel: z.enum(ruleLevels).default("high"),
    })
    .prefault({}),
  enforcers: z.array(enforcer).optional(),
  warden: z.strictObject({ socket: z.string().min(1).default("/run/haechi-warden/warden.sock") }).prefault({}),
  metrics: z.strictObject({ listen: z.union([z.literal("off"), listen]).default({ host: "127.0.0.1", port: 7601 }) }).prefault({}),
  evidence: z.strictObject({ rows: count(1_000, 50_000_000).default(500_000), perAddress: count(100, 1_000_000).default(2_000) }).prefault({}),
  approvals: z.strictObject({ expire: duration.default(43_200_000) }).prefault({}),
  /** How late a line may come and still count at its own time. */
  lateTolerance: duration.default(10_000),
  /** Ports that may listen on this machine; `haechi doctor` tells of others. */
  ports: z.array(count(1, 65_535)).default([]),
});

/** A checked configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;
export type SourceConfig = NonNullable<Config["sources"]>[number];
export type EnforcerConfig = NonNullable<Config["enforcers"]>[number];

/** Paths whose values are secrets: only these may be read from `file:`; they are wrapped before validation. */
export const secretKeys: ReadonlySet<string> = new Set(["password", "bouncerKey", "secret", "token"]);
