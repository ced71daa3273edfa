import { buildItem, type DetectionItem, type Placeholders } from "./modifiers.ts";
import { isMap } from "./parse-rule.ts";
import { SigmaError } from "./sigma-error.ts";

/** A search identifier's definition: an item, or items joined by "and" (a map) or "or" (a list). */
export type Selection = { readonly kind: "item"; readonly item: DetectionItem } | { readonly kind: "and" | "or"; readonly items: readonly Selection[] };

const maxDepth = 8;

/**
 * Reads a search identifier (specification, "Search-Identifier"): a map's lines are joined by "and", a list's maps by "or",
 * plain values are keywords.
 * @throws SigmaError naming `at` and the line.
 */
export function parseSelection(definition: unknown, at: string, placeholders: Placeholders, depth = 0): Selection {
  if (depth > maxDepth) throw new SigmaError("sigma.tooDeep", at, { limit: maxDepth });
  if (isMap(definition)) {
    const lines = Object.entries(definition);
    if (lines.length === 0) throw new SigmaError("sigma.empty", at);
    return join(
      "and",
      lines.map(([key, value]): Selection => ({ kind: "item", item: buildItem(key, value, at, placeholders) })),
    );
  }
  if (!Array.isArray(definition)) return { kind: "item", item: buildItem(undefined, definition, at, placeholders) };
  const list = definition as unknown[];
  if (list.length === 0) throw new SigmaError("sigma.empty", at);
  if (list.every((one) => typeof one !== "object" || one === null)) return { kind: "item", item: buildItem(undefined, list, at, placeholders) };
  return join(
    "or",
    list.map((one) => parseSelection(one, at, placeholders, depth + 1)),
  );
}

function join(kind: "and" | "or", items: readonly Selection[]): Selection {
  return items.length === 1 ? (items[0] as Selection) : { kind, items };
}

/** Every item of a selection. */
export function selectionItems(selection: Selection): readonly DetectionItem[] {
  return selection.kind === "item" ? [selection.item] : selection.items.flatMap(selectionItems);
}
