/** English texts of this area. Every key stands in ../ko/detect.ts too: the type there demands it. */
export const detectEn = {} as const satisfies Record<string, string>;
