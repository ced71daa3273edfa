import { ownString } from "#core/own-string.ts";

const ways = 4;

/**
 * Memo of a pure function of a string, with `sets × 4` places: 4-way set-associative. The set
 * is told from the length and some characters, mostly of the end, and the key is compared: for a string that was just sliced out of a log
 * that is a third of the cost of a Map, which hashes all of it.
 *
 * @param sets A power of two.
 */
export function memo<T>(sets: number, make: (key: string) => T): (key: string) => T {
  // Hashes before keys: a string is looked at only where it is nearly certain to be the one.
  const tags = new Int32Array(sets * ways);
  const keys: (string | undefined)[] = Array.from({ length: sets * ways });
  const values: (T | undefined)[] = Array.from({ length: sets * ways });
  return (key) => {
    const tag = tagOf(key);
    const first = (tag & (sets - 1)) * ways;
    if (tags[first] === tag && keys[first] === key) return values[first] as T;
    for (let i = first + 1; i < first + ways; i++) {
      if (tags[i] !== tag || keys[i] !== key) continue;
      const value = values[i] as T;
      const own = keys[i];
      // One step forward at each use: cheaper than an exact order, and what is used often comes to stand first.
      tags[i] = tags[i - 1] as number;
      keys[i] = keys[i - 1];
      values[i] = values[i - 1];
      tags[i - 1] = tag;
      keys[i - 1] = own;
      values[i - 1] = value;
      return value;
    }
    const own = ownString(key);
    const value = make(own);
    // The last place is the newcomer's: it moves on as it is asked for again, so a flood of new keys displaces nothing that is used.
    let place = first;
    while (place < first + ways - 1 && keys[place] !== undefined) place++;
    tags[place] = tag;
    keys[place] = own;
    values[place] = value;
    return value;
  };
}

function tagOf(key: string): number {
  const length = key.length;
  let hash = Math.imul(length, 0x9e3779b1);
  for (let i = length > 8 ? length - 8 : 0; i < length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  if (length > 8) {
    hash = Math.imul(hash ^ key.charCodeAt(length >> 1), 0x01000193);
    hash = Math.imul(hash ^ key.charCodeAt(length >> 2), 0x01000193);
    hash = Math.imul(hash ^ key.charCodeAt((length * 5) >> 3), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
