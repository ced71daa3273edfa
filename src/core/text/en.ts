import { parsersEn } from "./en/parsers.ts";
import { sourcesEn } from "./en/sources.ts";
import { sigmaEn } from "./en/sigma.ts";
import { detectEn } from "./en/detect.ts";
import { guardEn } from "./en/guard.ts";
import { enforceEn } from "./en/enforce.ts";
import { stateEn } from "./en/state.ts";
import { cliEn } from "./en/cli.ts";
import { configEn } from "./en/config.ts";

/** Every English text by key. */
export const en = {
  ...parsersEn,
  ...sourcesEn,
  ...sigmaEn,
  ...detectEn,
  ...guardEn,
  ...enforceEn,
  ...stateEn,
  ...cliEn,
  ...configEn,
};

/** Keys of the texts people read: `area.name`. */
export type TextKey = keyof typeof en;
