import { ownString } from "#core/own-string.ts";

/**
 * Memo of a pure function of a string, bounded to `2 × limit` entries: when the young generation is full it becomes the
 * old one and the old one is dropped, so what is used often stays and no entry needs bookkeeping of its own.
 */
export function generationCache<T>(limit: number, make: (key: string) => T): (key: string) => T {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  return (key) => {
    let value = young.get(key);
    if (value !== undefined) return value;
    const own = ownString(key);
    value = old.get(key) ?? make(own);
    if (young.size >= limit) {
      old = young;
      young = new Map();
    }
    young.set(own, value);
    return value;
  };
}

/** 32-bit FNV-1a of the UTF-16 code units, finished so that all bits depend on all units. Never 0, which marks empty places. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Finisher of MurmurHash3 (Appleby, 2011): a bijection of 32-bit numbers that spreads every bit. Never 0. */
export function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0 || 1;
}
