import type { guardEn } from "../en/guard.ts";

export const guardKo: Record<keyof typeof guardEn, string> = {};
