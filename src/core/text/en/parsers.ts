/** English texts of this area. Every key stands in ../ko/parsers.ts too: the type there demands it. */
export const parsersEn = {} as const satisfies Record<string, string>;
