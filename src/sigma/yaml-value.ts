import { SigmaError } from "./sigma-error.ts";

const maxDepth = 32;
const maxNodes = 200_000;

/**
 * A YAML value as plain data: integers that a number holds exactly become numbers, larger ones keep their digits as text;
 * maps get no prototype, so that keys such as `__proto__` are just keys. Depth and size are bounded.
 * @throws SigmaError
 */
export function plainDocument(value: unknown): unknown {
  let nodes = 0;
  const plain = (part: unknown, depth: number): unknown => {
    if (depth > maxDepth) throw new SigmaError("sigma.tooDeep", "yaml", { limit: maxDepth });
    if (++nodes > maxNodes) throw new SigmaError("sigma.tooLarge", "yaml", { limit: maxNodes });
    if (typeof part === "bigint") return Number.isSafeInteger(Number(part)) ? Number(part) : String(part);
    if (part instanceof Date) return part.toISOString();
    if (Array.isArray(part)) return part.map((one) => plain(one, depth + 1));
    if (typeof part !== "object" || part === null) return part;
    const map: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [key, one] of part instanceof Map ? part : Object.entries(part)) map[String(key)] = plain(one, depth + 1);
    return map;
  };
  return plain(value, 0);
}
