import type { cliEn } from "../en/cli.ts";

export const cliKo: Record<keyof typeof cliEn, string> = {};
