import type { Detector } from "#contracts/detector.ts";
import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import { HaechiError } from "#core/error.ts";
import { text, type Language } from "#core/text/text.ts";
import { behaviourDetectors } from "#detectors/behaviour-detectors.ts";
import { sigmaRules } from "#detectors/sigma-rules/sigma-rules.ts";
import { accessLog } from "#parsers/access-log/access-log.ts";
import { logFormat } from "#parsers/access-log/log-format.ts";
import { apacheError } from "#parsers/apache-error/apache-error.ts";
import { caddy } from "#parsers/caddy/caddy.ts";
import { customParser } from "#parsers/custom/custom.ts";
import { dovecot } from "#parsers/dovecot/dovecot.ts";
import { jsonLines, jsonLinesParser } from "#parsers/json-lines/json-lines.ts";
import { login } from "#parsers/login/login.ts";
import { netfilter } from "#parsers/netfilter/netfilter.ts";
import { nginxError } from "#parsers/nginx-error/nginx-error.ts";
import { pam } from "#parsers/pam/pam.ts";
import { postfix } from "#parsers/postfix/postfix.ts";
import { sshd } from "#parsers/sshd/sshd.ts";
import { su } from "#parsers/su/su.ts";
import { sudo } from "#parsers/sudo/sudo.ts";
import { syslogPlugin } from "#parsers/syslog/syslog.ts";
import { traefik } from "#parsers/traefik/traefik.ts";
import { vsftpd, vsftpdLog } from "#parsers/vsftpd/vsftpd.ts";
import { adaptiveParser } from "#pipeline/adaptive-parser.ts";
import { loadRules, type RuleSet } from "#sigma/load.ts";
import type { Config, SourceConfig } from "./config/schema.ts";
import { builtinRules, readRuleFiles } from "./rule-files.ts";

/** The one list of log formats, specific ones first: the first that recognizes a line is asked first. */
const formats: readonly ParserPlugin[] = [
  caddy,
  traefik,
  syslogPlugin([sshd, sudo, su, login, vsftpd, dovecot, postfix, netfilter, pam]),
  vsftpdLog,
  nginxError,
  apacheError,
  accessLog,
  jsonLinesParser,
];

/** Log formats in force: one that is given as a format string alone, else custom ones and then all others. */
export function parserPlugins(config: Config, format?: string): readonly ParserPlugin[] {
  if (format !== undefined) return [{ name: "access-log", recognizes: () => true, build: (context) => logFormat(format, context) }];
  const custom = config.parsers.map((definition): ParserPlugin => ({
    name: definition.name,
    recognizes: () => true,
    build: (context) => customParser(definition, context),
  }));
  return [...custom, ...formats];
}

/** What parsers are told of this installation. */
export function parserContext(config: Config, given: { readonly timeZone?: string | undefined; readonly year?: number | undefined } = {}): ParserContext {
  return { timeZone: given.timeZone ?? config.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone, year: given.year, trustedProxies: config.proxies };
}

/** The parser of a configured source: fixed by name, format or field map, else chosen by content. */
export function sourceParser(config: Config, source: SourceConfig): Parser {
  const context = parserContext(config, { timeZone: source.timezone });
  if (source.fields) return jsonLines(source.fields, context);
  const plugins = parserPlugins(config, source.format);
  if (source.parser === undefined) return adaptiveParser(plugins, context);
  const plugin = plugins.find(({ name }) => name === source.parser);
  if (!plugin)
    throw new HaechiError("config.parser", "cli.up.unknown-parser", { name: source.parser.slice(0, 60), known: plugins.map(({ name }) => name).join(", ") });
  return plugin.build(context);
}

/** The rules in force: built-in, configured folders, and `more`; without the disabled ones, with the configured levels. */
export function loadRuleSet(config: Config, more: readonly string[]): RuleSet {
  const set = loadRules([builtinRules, ...config.rules.directories, ...more].flatMap(readRuleFiles));
  const disabled = new Set(config.rules.disable);
  const named = ({ id, name }: { readonly id?: string | undefined; readonly name?: string | undefined }): string[] =>
    [id, name].filter((key) => key !== undefined);
  const kept = <T extends { readonly rule: { readonly id?: string | undefined; readonly name?: string | undefined } }>(rules: readonly T[]): T[] =>
    rules
      .filter(({ rule }) => !named(rule).some((key) => disabled.has(key)))
      .map((compiled) => {
        const level = named(compiled.rule)
          .map((key) => config.rules.levels[key])
          .find((found) => found !== undefined);
        return level === undefined ? compiled : { ...compiled, rule: { ...compiled.rule, level } };
      });
  return { ...set, rules: kept(set.rules), correlations: kept(set.correlations) };
}

/** Names of the detectors, in the order in which they see an event. */
export const detectorNames = ["sigma-rules", "slow", "cohort", "baseline"] as const;
export type DetectorName = (typeof detectorNames)[number];

/** Detectors in force; with `only` those of that list. */
export function buildDetectors(config: Config, rules: RuleSet, language: Language, only: readonly DetectorName[] = detectorNames): Detector[] {
  const [slow, cohort, baseline] = behaviourDetectors({ language });
  const all: readonly (readonly [DetectorName, boolean, () => Detector])[] = [
    ["sigma-rules", true, () => sigmaRules(rules, { maxKeys: 100_000, lateTolerance: config.lateTolerance, language })],
    ["slow", config.detectors.slow.enabled, () => slow],
    ["cohort", config.detectors.cohort.enabled, () => cohort],
    ["baseline", config.detectors.baseline.enabled, () => baseline],
  ];
  return all.filter(([name, enabled]) => enabled && only.includes(name)).map(([, , build]) => build());
}

/** Words for a rule set's refusals, for whoever runs it. */
export function refusalText(rules: RuleSet, language: Language): string | undefined {
  const [first] = rules.faults;
  return first && text(language, "cli.scan.rules-refused", { n: rules.faults.length, path: first.path, field: first.field, reason: first.reason });
}
