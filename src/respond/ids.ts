import { createHash } from "node:crypto";

const letters = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * A name short enough to type: `prefix` and 8 characters (40 bits of a SHA-256 over the parts, in Crockford's base 32).
 * The same parts give the same name, which is what makes a replayed signal change nothing.
 */
export function shortId(prefix: string, ...parts: readonly (string | number)[]): string {
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
  let id = prefix;
  for (let i = 0; i < 8; i++) id += letters[(digest[i] as number) & 31];
  return id;
}
