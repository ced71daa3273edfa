/** English texts of this area. Every key stands in ../ko/guard.ts too: the type there demands it. */
export const guardEn = {} as const satisfies Record<string, string>;
