import type { sourcesEn } from "../en/sources.ts";

export const sourcesKo: Record<keyof typeof sourcesEn, string> = {};
