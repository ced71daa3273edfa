import type { sigmaEn } from "../en/sigma.ts";

export const sigmaKo: Record<keyof typeof sigmaEn, string> = {};
