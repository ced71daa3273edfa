import { relative } from "node:path";
import type { Parser } from "#contracts/parser.ts";
import { HaechiError } from "#core/error.ts";
import { sanitize } from "#core/sanitize.ts";
import type { Language } from "#core/text/text.ts";
import { adaptiveParser } from "#pipeline/adaptive-parser.ts";
import type { ScanInput } from "#pipeline/event-reader.ts";
import { loadRules } from "#sigma/load.ts";
import { expandGlob, isGlob } from "#sources/glob.ts";
import { buildDetectors, detectorNames, loadRuleSet, parserContext, parserPlugins, refusalText, sourceParser, type DetectorName } from "./builtins.ts";
import { stateDirectory } from "./config/load-config.ts";
import type { Config } from "./config/schema.ts";
import { guardInputs, policyOf } from "./guard.ts";
import { scan } from "./scan.ts";
import type { ScanReport } from "./scan-report.ts";
import { startScanWorkers, type ScanWork } from "./scan-workers.ts";

export interface ScanFilesOptions {
  /** Paths and globs; `-` is standard input. */
  readonly patterns: readonly string[];
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly timeZone: string | undefined;
  readonly year: number | undefined;
  readonly rules: readonly string[];
  readonly allow: readonly string[];
  readonly threads: number;
  readonly now: number;
  readonly language: Language;
  readonly signal: AbortSignal;
  onFiles?(paths: readonly string[]): void;
  /** Told in words of rules that are refused and so not used. */
  onRefused?(words: string): void;
  onProgress?(bytes: number, lines: number): void;
}

/** `haechi scan` without its printing. Throws where a pattern names no file or a file cannot be read. */
export async function scanFiles(options: ScanFilesOptions): Promise<ScanReport> {
  const { config, language } = options;
  const paths = [...new Set(options.patterns.flatMap(expand))];
  options.onFiles?.(paths);
  const rules = loadRuleSet(config, options.rules);
  const refused = refusalText(rules, language);
  if (refused !== undefined) options.onRefused?.(refused);
  // Standard input can be read once only, so it stays in one thread.
  const threads = paths.includes("-") ? 1 : options.threads;
  const shares = shareDetectors(config, threads);
  const work = (names: readonly DetectorName[]): ScanWork => ({
    paths,
    config,
    names,
    since: options.since,
    until: options.until,
    timeZone: options.timeZone,
    year: options.year,
    rules: options.rules,
    now: options.now,
    language,
  });
  const [own = [], ...others] = shares;
  const workers = startScanWorkers(others.map(work), options.signal);
  try {
    return await scan({
      inputs: scanInputs(work(own)),
      detectors: buildDetectors(config, rules, language, own),
      since: options.since,
      until: options.until,
      now: options.now,
      language,
      policy: policyOf(config),
      guardInputs: guardInputs(config, stateDirectory(config, options.env, process.getuid?.())),
      allow: options.allow,
      signal: options.signal,
      others: workers.signals,
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    });
  } finally {
    await workers.close();
  }
}

/** Every thread reads the files for itself and runs its share of the detectors: nothing has to be passed between them but what they find. */
function shareDetectors(config: Config, threads: number): readonly (readonly DetectorName[])[] {
  const enabled = detectorNames.filter((name) => name === "sigma-rules" || config.detectors[name].enabled);
  if (threads <= 1) return [enabled];
  const shares: DetectorName[][] = Array.from({ length: Math.min(threads, enabled.length) }, () => []);
  // The rules are the heaviest share beside the tally; the others are spread over the rest.
  enabled.forEach((name, index) => (shares[index === 0 ? 0 : 1 + ((index - 1) % (shares.length - 1))] as DetectorName[]).push(name));
  return shares;
}

/** Files with their parsers, as each thread builds them for itself. */
export function scanInputs({ paths, config, timeZone, year }: ScanWork): readonly ScanInput[] {
  return paths.map((path) => ({ path, parser: parserOfFile(path, config, { timeZone, year }) }));
}

/** The parser of a file: as configured where a source names it, else chosen by content. */
export function parserOfFile(path: string, config: Config, given: { readonly timeZone: string | undefined; readonly year: number | undefined }): Parser {
  const configured = config.sources?.find(({ file }) => file !== undefined && expandGlob(file).includes(expandGlob(path)[0] ?? path));
  return configured ? sourceParser(config, configured) : adaptiveParser(parserPlugins(config), parserContext(config, given));
}

/** The detectors of a further thread's share; the catalogue is read only where the share needs it. */
export function detectorsOf({ config, rules, language, names }: ScanWork): ReturnType<typeof buildDetectors> {
  return buildDetectors(config, names.includes("sigma-rules") ? loadRuleSet(config, rules) : loadRules([]), language, names);
}

function expand(pattern: string): string[] {
  if (pattern === "-" || !isGlob(pattern)) return [pattern];
  const found = expandGlob(pattern).map((path) => (pattern.startsWith("/") ? path : relative(process.cwd(), path)));
  if (found.length === 0) throw new HaechiError("scan.no-files", "cli.scan.no-files", { pattern: sanitize(pattern, 200) });
  return found;
}
