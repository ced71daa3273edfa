/** English texts of this area. Every key stands in ../ko/enforce.ts too: the type there demands it. */
export const enforceEn = {} as const satisfies Record<string, string>;
