import { ownString } from "#core/own-string.ts";

const frontSize = 1_024;

/**
 * Memo of a pure function of a string, bounded to `2 × limit` entries: when the young generation is full it becomes the
 * old one and the old one is dropped, so what is used often stays and no entry needs bookkeeping of its own. Before it stands a
 * direct-mapped table by length and three characters: comparing a user agent is much cheaper than hashing it.
 */
export function generationCache<T>(limit: number, make: (key: string) => T): (key: string) => T {
  interface Entry {
    readonly key: string;
    readonly value: T;
  }
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  const front: (Entry | undefined)[] = Array.from({ length: frontSize });
  return (key) => {
    const length = key.length;
    const place =
      (length * 37 + key.charCodeAt(length - 1) * 131 + key.charCodeAt(length >> 1) * 1_031 + key.charCodeAt((length * 3) >> 2) * 61) & (frontSize - 1);
    const near = front[place];
    if (near !== undefined && near.key === key) return near.value;
    let entry = young.get(key);
    if (entry === undefined) {
      entry = old.get(key);
      if (entry === undefined) {
        const own = ownString(key);
        entry = { key: own, value: make(own) };
      }
      if (young.size >= limit) {
        old = young;
        young = new Map();
      }
      young.set(entry.key, entry);
    }
    front[place] = entry;
    return entry.value;
  };
}

/** FNV-1a in 30 bits of the UTF-16 code units, finished so that all bits depend on all units. Never 0, which marks empty places. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Finisher of MurmurHash3 (Appleby, 2011), cut to 30 bits: V8 keeps such numbers without a box, in maps too. Never 0. */
export function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 2 || 1;
}
