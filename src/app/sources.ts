import type { Parser } from "#contracts/parser.ts";
import type { Source } from "#contracts/source.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import type { Language } from "#core/text/text.ts";
import { discoverSources } from "#sources/discover.ts";
import { fileSource } from "#sources/file/file.ts";
import { journaldSource } from "#sources/journald/journald.ts";
import { stdinSource } from "#sources/stdin/stdin.ts";
import { syslogSource } from "#sources/syslog/syslog.ts";
import { sourceParser } from "./builtins.ts";
import type { Config, SourceConfig } from "./config/schema.ts";

/** What will be read, and what cannot be and why. */
export interface FoundSources {
  readonly sources: readonly { readonly source: Source; readonly parser: Parser; readonly why: string }[];
  readonly problems: readonly { readonly key: TextKey; readonly params: TextParams }[];
}

/** The configured sources, or those found on this machine and why, in `language`. */
export async function findSources(config: Config, language: Language = "en"): Promise<FoundSources> {
  if (config.sources)
    return { sources: config.sources.map((entry) => ({ source: openSource(entry), parser: sourceParser(config, entry), why: "" })), problems: [] };
  const found = await discoverSources({ language });
  return {
    sources: found.sources.map(({ kind, pattern, why }) => {
      const entry: SourceConfig = kind === "journald" ? { journald: { units: [] } } : { file: pattern };
      return { source: openSource(entry), parser: sourceParser(config, entry), why };
    }),
    problems: found.problems,
  };
}

function openSource(entry: SourceConfig): Source {
  if (entry.journald) return journaldSource({ units: entry.journald.units });
  if (entry.syslog) return syslogSource(entry.syslog);
  if (entry.stdin) return stdinSource();
  return fileSource({ pattern: entry.file as string });
}
