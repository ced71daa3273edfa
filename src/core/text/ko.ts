import type { TextKey } from "./en.ts";
import { parsersKo } from "./ko/parsers.ts";
import { sourcesKo } from "./ko/sources.ts";
import { sigmaKo } from "./ko/sigma.ts";
import { detectKo } from "./ko/detect.ts";
import { guardKo } from "./ko/guard.ts";
import { enforceKo } from "./ko/enforce.ts";
import { stateKo } from "./ko/state.ts";
import { cliKo } from "./ko/cli.ts";
import { configKo } from "./ko/config.ts";

/** Every Korean text by key; the type holds it equal in keys to the English. */
export const ko: Record<TextKey, string> = {
  ...parsersKo,
  ...sourcesKo,
  ...sigmaKo,
  ...detectKo,
  ...guardKo,
  ...enforceKo,
  ...stateKo,
  ...cliKo,
  ...configKo,
};
