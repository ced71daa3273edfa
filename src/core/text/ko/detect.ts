import type { detectEn } from "../en/detect.ts";

export const detectKo: Record<keyof typeof detectEn, string> = {};
