import { SigmaError } from "./sigma-error.ts";

/** A condition over names of search identifiers (or, in a correlation, of rules). */
export type Condition =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "not"; readonly item: Condition }
  | { readonly kind: "and" | "or"; readonly items: readonly Condition[] };

const maxDepth = 64;
const maxLength = 16_384;

/**
 * Reads a condition. Precedence, least binding first: `or`, `and`, `not`, `x of`, brackets (specification, "Condition").
 * `1 of`/`any of` and `all of` take `them` or a pattern with `*`, which must fit a whole name. Names beginning with `_`
 * are left out unless the pattern begins with `_` too. Operators are read in any case.
 * @throws SigmaError with `field`.
 */
export function parseCondition(source: string, names: readonly string[], field: string): Condition {
  if (source.length > maxLength) throw new SigmaError("sigma.tooLarge", field, { limit: maxLength });
  if (source.includes("|")) throw new SigmaError("sigma.conditionPipe", field);
  const tokens = source.match(/[()]|[^\s()]+/g) ?? [];
  if (tokens.length === 0) throw new SigmaError("sigma.empty", field);
  let at = 0;
  const known = new Set(names);
  const peek = (offset = 0): string => (tokens[at + offset] ?? "").toLowerCase();

  const chain = (operator: "and" | "or", depth: number, next: (depth: number) => Condition): Condition => {
    const items = [next(depth)];
    while (peek() === operator) {
      at++;
      items.push(next(depth));
    }
    return items.length === 1 ? (items[0] as Condition) : { kind: operator, items };
  };
  const either = (depth: number): Condition => chain("or", depth, (inner) => chain("and", inner, negation));
  const negation = (depth: number): Condition => {
    if (depth > maxDepth) throw new SigmaError("sigma.tooDeep", field, { limit: maxDepth });
    if (peek() !== "not") return primary(depth);
    at++;
    return { kind: "not", item: negation(depth + 1) };
  };
  const primary = (depth: number): Condition => {
    const token = tokens[at];
    if (token === undefined) throw new SigmaError("sigma.conditionEnd", field);
    if (token === "(") {
      at++;
      const inner = either(depth + 1);
      if (tokens[at] === undefined) throw new SigmaError("sigma.conditionEnd", field);
      if (tokens[at] !== ")") throw new SigmaError("sigma.condition", field, { at: tokens[at] as string });
      at++;
      return inner;
    }
    if (peek(1) === "of") return quantified(token);
    if (token === ")" || ["and", "or", "of"].includes(peek())) throw new SigmaError("sigma.condition", field, { at: token });
    at++;
    if (!known.has(token)) throw new SigmaError("sigma.conditionUnknown", field, { name: token });
    return { kind: "name", name: token };
  };
  const quantified = (token: string): Condition => {
    const word = token.toLowerCase();
    if (word !== "1" && word !== "any" && word !== "all") throw new SigmaError("sigma.conditionQuantifier", field, { name: token });
    const pattern = tokens[at + 2];
    if (pattern === undefined) throw new SigmaError("sigma.conditionEnd", field);
    at += 3;
    const found = select(pattern, names);
    if (found.length === 0) throw new SigmaError("sigma.conditionNone", field, { name: pattern });
    const items = found.map((name): Condition => ({ kind: "name", name }));
    return items.length === 1 ? (items[0] as Condition) : { kind: word === "all" ? "and" : "or", items };
  };

  const condition = either(0);
  if (at < tokens.length) throw new SigmaError("sigma.condition", field, { at: tokens[at] as string });
  return condition;
}

function select(pattern: string, names: readonly string[]): readonly string[] {
  if (pattern.toLowerCase() === "them") return names.filter((name) => !name.startsWith("_"));
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const fits = new RegExp(`^${parts.join("[^]*?")}$`);
  return names.filter((name) => fits.test(name) && (!name.startsWith("_") || pattern.startsWith("_")));
}

/** Names that hold positively somewhere (under an even number of `not`). */
export function positiveNames(condition: Condition, negated = false, into = new Set<string>()): ReadonlySet<string> {
  if (condition.kind === "name") {
    if (!negated) into.add(condition.name);
  } else if (condition.kind === "not") positiveNames(condition.item, !negated, into);
  else for (const item of condition.items) positiveNames(item, negated, into);
  return into;
}

/** Every name of the condition, in order of appearance. */
export function conditionNames(condition: Condition, into: string[] = []): readonly string[] {
  if (condition.kind === "name") {
    if (!into.includes(condition.name)) into.push(condition.name);
  } else if (condition.kind === "not") conditionNames(condition.item, into);
  else for (const item of condition.items) conditionNames(item, into);
  return into;
}
