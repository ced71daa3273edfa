import type { enforceEn } from "../en/enforce.ts";

export const enforceKo: Record<keyof typeof enforceEn, string> = {};
