/** English texts of this area. Every key stands in ../ko/cli.ts too: the type there demands it. */
export const cliEn = {} as const satisfies Record<string, string>;
