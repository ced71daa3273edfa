import type { stateEn } from "../en/state.ts";

export const stateKo: Record<keyof typeof stateEn, string> = {};
