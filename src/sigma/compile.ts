import { parseCondition, positiveNames, type Condition } from "./condition.ts";
import { parseSelection, selectionItems, type Selection } from "./detection.ts";
import { fieldReaders, textOf, type FieldReaders, type SigmaEvent } from "./fields.ts";
import { compileItem, describeValue, every, some, type EventTest } from "./match.ts";
import type { DetectionItem, Placeholders } from "./modifiers.ts";
import { both, either, narrowCondition, narrowItem, type Alternatives, type Narrowing } from "./narrowing.ts";
import type { SigmaRule } from "./parse-rule.ts";
import { formatText } from "./value.ts";

export type { SigmaEvent } from "./fields.ts";
export type { Narrowing } from "./narrowing.ts";
export type { SigmaRule } from "./parse-rule.ts";

/** Why a rule matched: one line of a search identifier and the value that fitted. Values are hostile text: sanitise before printing. */
export interface MatchReason {
  readonly selection: string;
  /** Event field; for keywords the field the keyword was found in. */
  readonly field: string;
  /** The field's value, cut to 256 characters; empty where it is absent. */
  readonly value: string;
  /** What it fitted, as the rule would write it. */
  readonly pattern: string;
}

/** A rule ready to match. */
export interface CompiledRule {
  readonly rule: SigmaRule;
  /** Never throws, whatever the event; allocates nothing for flat events of scalar fields. */
  matches(event: SigmaEvent): boolean;
  /** Lines of the search identifiers that hold and that the condition asks for; empty where the rule does not match. */
  explain(event: SigmaEvent): readonly MatchReason[];
  /**
   * Necessary condition in disjunctive form for dispatch: the rule can match only if for at least one element all of
   * `equals` and `contains` hold. Undefined = it cannot be narrowed.
   */
  readonly narrowing: readonly Narrowing[] | undefined;
}

/** What compiling depends on beside the rule. */
export interface CompileOptions {
  /** Shared by the rules of one set, so that a field's text is folded once an event. */
  readonly readers?: FieldReaders;
  readonly placeholders?: Placeholders;
  /** Event fields that a field of the rule stands for; default: itself. */
  readonly mapField?: (field: string) => readonly string[];
}

/** A detection with its conditions, ready to match; rules and filters have one. */
export interface CompiledDetection {
  readonly test: EventTest;
  readonly alternatives: Alternatives;
  explain(event: SigmaEvent): readonly MatchReason[];
}

/** Compiles search identifiers and conditions found under `at` (`detection`, `filter`). @throws SigmaError naming the field. */
export function compileDetection(
  detection: ReadonlyMap<string, unknown>,
  conditions: readonly string[],
  at: string,
  options: CompileOptions,
): CompiledDetection {
  const readers = options.readers ?? fieldReaders();
  const mapField = options.mapField ?? ((field: string) => [field]);
  const selections = new Map([...detection].map(([name, definition]) => [name, parseSelection(definition, `${at}.${name}`, options.placeholders ?? {})]));
  const names = [...selections.keys()];
  const parsed = conditions.map((condition) => parseCondition(condition, names, `${at}.condition`));
  const tests = new Map([...selections].map(([name, selection]) => [name, compileSelection(selection, readers, mapField)]));
  const test = some(parsed.map((condition) => compileCondition(condition, tests)));
  const narrowed = new Map([...selections].map(([name, selection]) => [name, narrowSelection(selection, mapField)]));
  const alternatives = parsed.map((condition) => narrowCondition(condition, (name) => narrowed.get(name))).reduce(either);
  const explain = (event: SigmaEvent): readonly MatchReason[] => {
    const wanted = new Set(parsed.flatMap((condition) => [...positiveNames(condition)]));
    const reasons: MatchReason[] = [];
    for (const [name, selection] of selections) {
      if (!wanted.has(name) || !tests.get(name)?.(event)) continue;
      for (const item of selectionItems(selection)) reasons.push(...itemReasons(name, item, event, readers, mapField));
    }
    return reasons;
  };
  return { test, alternatives, explain };
}

/** Compiles a rule; `filters` are conditions that must hold too (global filters). @throws SigmaError naming the field. */
export function compileRule(rule: SigmaRule, options: CompileOptions = {}, filters: readonly CompiledDetection[] = []): CompiledRule {
  const own = compileDetection(rule.detection, rule.conditions, "detection", options);
  const matches = every([own.test, ...filters.map((filter) => filter.test)]);
  const narrowing = filters.map((filter) => filter.alternatives).reduce(both, own.alternatives);
  return { rule, matches, explain: (event) => (matches(event) ? own.explain(event) : []), narrowing };
}

function compileSelection(selection: Selection, readers: FieldReaders, mapField: (field: string) => readonly string[]): EventTest {
  if (selection.kind === "item") return compileItem(selection.item, readers, mapField);
  const tests = selection.items.map((item) => compileSelection(item, readers, mapField));
  return selection.kind === "and" ? every(tests) : some(tests);
}

function compileCondition(condition: Condition, tests: ReadonlyMap<string, EventTest>): EventTest {
  switch (condition.kind) {
    case "name":
      return tests.get(condition.name) as EventTest;
    case "not": {
      const test = compileCondition(condition.item, tests);
      return (event) => !test(event);
    }
    case "and":
      return every(condition.items.map((item) => compileCondition(item, tests)));
    case "or":
      return some(condition.items.map((item) => compileCondition(item, tests)));
  }
}

function narrowSelection(selection: Selection, mapField: (field: string) => readonly string[]): Alternatives {
  if (selection.kind === "item") return narrowItem(selection.item, mapField);
  const parts = selection.items.map((item) => narrowSelection(item, mapField));
  return parts.reduce(selection.kind === "and" ? both : either);
}

const maxShown = 256;

function itemReasons(
  selection: string,
  item: DetectionItem,
  event: SigmaEvent,
  readers: FieldReaders,
  mapField: (field: string) => readonly string[],
): readonly MatchReason[] {
  const fits = (candidate: DetectionItem, fields: (field: string) => readonly string[]): boolean => compileItem(candidate, readers, fields)(event);
  const names = item.field === undefined ? [] : mapField(item.field);
  if (item.negated) {
    if (!fits(item, mapField)) return [];
    const written = item.groups
      .flat()
      .map((value) => describeValue(value, formatText))
      .join(", ");
    return [{ selection, field: names[0] ?? "", value: shown(event, names[0], readers), pattern: `not ${written}` }];
  }
  const reasons: MatchReason[] = [];
  for (const value of item.groups.flat()) {
    const alone: DetectionItem = { ...item, groups: [[value]], all: false };
    const pattern = describeValue(value, formatText);
    if (item.field === undefined) {
      const found = Object.keys(event).find((name) => compileItem(alone, readers, mapField)({ [name]: event[name] }));
      if (found !== undefined) reasons.push({ selection, field: found, value: cut(event[found]), pattern });
      continue;
    }
    const found = fits(alone, mapField) ? (names.find((name) => fits(alone, () => [name])) ?? names[0]) : undefined;
    if (found !== undefined) reasons.push({ selection, field: found, value: shown(event, found, readers), pattern });
  }
  return reasons;
}

function shown(event: SigmaEvent, field: string | undefined, readers: FieldReaders): string {
  return field === undefined ? "" : cut(readers.reader(field).value(event));
}

function cut(value: unknown): string {
  const text = textOf(value);
  return (typeof text === "string" ? text : (text ?? []).join(", ")).slice(0, maxShown);
}
