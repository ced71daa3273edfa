/** English texts of this area. Every key stands in ../ko/state.ts too: the type there demands it. */
export const stateEn = {} as const satisfies Record<string, string>;
