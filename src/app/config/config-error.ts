import { HaechiError } from "#core/error.ts";
import type { TextKey } from "#core/text/en.ts";
import type { TextParams } from "#core/text/fill.ts";
import { text, type Language } from "#core/text/text.ts";

/** One thing wrong in a configuration file; lines and columns count from 1. */
export interface ConfigFault {
  readonly line: number;
  readonly column: number;
  /** `guard.maxPrefix4`, `sources[2].file`; empty for the whole file. */
  readonly field: string;
  readonly key: TextKey;
  readonly params: TextParams;
}

/** A configuration that cannot be used, with all of its faults. */
export class ConfigError extends HaechiError {
  readonly faults: readonly ConfigFault[];
  constructor(path: string, faults: readonly ConfigFault[], language: Language) {
    super("config.invalid", "config.invalid", {
      path,
      count: faults.length,
      faults: faults.map((fault) => `\n  ${faultText(fault, path, language)}`).join(""),
    });
    this.faults = faults;
  }
}

/** `haechi.yaml:12:3 guard.maxPrefix4: …` */
export function faultText(fault: ConfigFault, path: string, language: Language): string {
  const field = fault.field ? `${fault.field}: ` : "";
  return `${path}:${fault.line}:${fault.column} ${field}${text(language, fault.key, fault.params)}`;
}
