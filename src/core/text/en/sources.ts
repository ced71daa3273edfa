/** English texts of this area. Every key stands in ../ko/sources.ts too: the type there demands it. */
export const sourcesEn = {} as const satisfies Record<string, string>;
