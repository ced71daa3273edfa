import type { configEn } from "../en/config.ts";

export const configKo: Record<keyof typeof configEn, string> = {};
