/** English texts of this area. Every key stands in ../ko/config.ts too: the type there demands it. */
export const configEn = {} as const satisfies Record<string, string>;
