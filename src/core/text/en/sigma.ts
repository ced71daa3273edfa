/** English texts of this area. Every key stands in ../ko/sigma.ts too: the type there demands it. */
export const sigmaEn = {} as const satisfies Record<string, string>;
