import type { parsersEn } from "../en/parsers.ts";

export const parsersKo: Record<keyof typeof parsersEn, string> = {};
