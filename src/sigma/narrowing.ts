import type { Condition } from "./condition.ts";
import type { DetectionItem, ItemValue } from "./modifiers.ts";
import { fold, longestLiteral, plainText } from "./value.ts";

/**
 * One way a rule can match, as far as it can be said in lower-cased literals: every `equals` holds (the field's value, or
 * one of its values, lower-cased, is among `values`) and every `contains` holds (at least one of `anyOf` occurs in the
 * field's lower-cased value, or with `field` undefined in any value of the event).
 */
export interface Narrowing {
  readonly equals: readonly { readonly field: string; readonly values: readonly string[] }[];
  readonly contains: readonly { readonly field: string | undefined; readonly anyOf: readonly string[] }[];
}

/** Alternatives of which one holds whenever the rule matches; undefined = nothing can be said. */
export type Alternatives = readonly Narrowing[] | undefined;

const maxAlternatives = 64;
const maxLiterals = 512;

/** What a condition's truth says, given what each search identifier says. `not` says nothing. */
export function narrowCondition(condition: Condition, of: (name: string) => Alternatives): Alternatives {
  switch (condition.kind) {
    case "name":
      return of(condition.name);
    case "not":
      return undefined;
    case "and":
      return condition.items.map((item) => narrowCondition(item, of)).reduce(both);
    case "or":
      return condition.items.map((item) => narrowCondition(item, of)).reduce(either);
  }
}

/** Both hold. Where the product would be large, the shorter list alone is kept: it still is necessary. */
export function both(a: Alternatives, b: Alternatives): Alternatives {
  if (!a || !b) return a ?? b;
  if (a.length * b.length > maxAlternatives) return a.length <= b.length ? a : b;
  return a.flatMap((one) => b.map((two) => ({ equals: [...one.equals, ...two.equals], contains: [...one.contains, ...two.contains] })));
}

/** One of them holds. */
export function either(a: Alternatives, b: Alternatives): Alternatives {
  if (!a || !b || a.length + b.length > maxAlternatives) return undefined;
  return [...a, ...b];
}

/** What an item's truth says. */
export function narrowItem(item: DetectionItem, mapField: (field: string) => readonly string[]): Alternatives {
  if (item.negated) return undefined;
  const fields = item.field === undefined ? undefined : mapField(item.field);
  // Of several event fields any may match.
  const narrow = (values: readonly ItemValue[]): Alternatives => (fields ?? [undefined]).map((field) => narrowValues(values, field)).reduce(either);
  const parts = item.all ? item.groups.map(narrow) : [narrow(item.groups.flat())];
  return parts.reduce(both, undefined);
}

function narrowValues(values: readonly ItemValue[], field: string | undefined): Alternatives {
  const whole = values.map(wholeValue);
  if (field !== undefined && whole.every((value) => value !== undefined))
    return [{ equals: [{ field, values: [...new Set(whole as string[])] }], contains: [] }];
  const anyOf = new Set<string>();
  for (const value of values) {
    const literals = valueLiterals(value);
    if (!literals) return undefined;
    for (const literal of literals) anyOf.add(literal);
  }
  return anyOf.size > 0 && anyOf.size <= maxLiterals ? [{ equals: [], contains: [{ field, anyOf: [...anyOf] }] }] : undefined;
}

function wholeValue(value: ItemValue): string | undefined {
  if (value.kind === "number" || value.kind === "boolean") return String(value.value);
  const plain = value.kind === "text" ? plainText(value.text) : undefined;
  return plain === undefined ? undefined : fold(plain);
}

function valueLiterals(value: ItemValue): readonly string[] | undefined {
  if (value.kind === "number" || value.kind === "boolean") return [String(value.value)];
  if (value.kind === "regex") return value.regex?.literals;
  const literal = value.kind === "text" ? longestLiteral(value.text) : "";
  return literal === "" ? undefined : [fold(literal)];
}
