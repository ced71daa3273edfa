import { parseAllDocuments, type Document } from "yaml";
import { compileDetection, compileRule, type CompiledDetection, type CompiledRule, type CompileOptions } from "./compile.ts";
import { compileCorrelation, type CompiledCorrelation, type Reference } from "./correlation.ts";
import { fieldReaders, scalarText } from "./fields.ts";
import { filterApplies, parseFilter, type SigmaFilter } from "./filter.ts";
import type { Placeholders } from "./modifiers.ts";
import { parseCorrelation, type SigmaCorrelation } from "./parse-correlation.ts";
import { isMap, parseRule, type SigmaRule } from "./parse-rule.ts";
import { SigmaError } from "./sigma-error.ts";
import { fieldMapping } from "./taxonomy.ts";
import { plainDocument } from "./yaml-value.ts";

/** A rule file's path (for messages) and content. */
export interface RuleFile {
  readonly path: string;
  readonly text: string;
}

/** A document that was refused. */
export interface RuleFault {
  readonly path: string;
  readonly id: string | undefined;
  readonly title: string | undefined;
  /** Where in the document: `detection.selection.CommandLine|foo`, `correlation.rules`, `yaml`, … */
  readonly field: string;
  /** In English. */
  readonly reason: string;
  /** The same with its key, so that it can be shown in another language. */
  readonly error: SigmaError;
}

/** What became of one document. */
export interface RuleEntry {
  readonly path: string;
  readonly id: string | undefined;
  readonly title: string | undefined;
  readonly kind: "rule" | "correlation" | "filter" | "unknown";
  readonly ok: boolean;
  readonly error?: { readonly field: string; readonly reason: string };
}

/** Rules ready to run. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[];
  /** Referred correlations before those that refer to them. */
  readonly correlations: readonly CompiledCorrelation[];
  readonly faults: readonly RuleFault[];
  /** One a document, in order. */
  readonly entries: readonly RuleEntry[];
  /** Keys of rules and correlations that only feed correlations (`generate: false`) and give no signals of their own. */
  readonly silent: ReadonlySet<string>;
}

export interface LoadOptions {
  /** Names of Sigma's taxonomy become ECS names by `logsource` (taxonomy.ts). Default false: names as written. */
  readonly mapFields?: boolean;
  /** Values for `%name%` under the `expand` modifier. */
  readonly placeholders?: Placeholders;
}

/** Largest rule file, in characters. */
const maxFile = 4 * 1024 * 1024;
const maxDocuments = 10_000;

/** A document on its way. */
interface Draft {
  readonly path: string;
  readonly id: string | undefined;
  readonly title: string | undefined;
  kind: RuleEntry["kind"];
  key: string;
  error: SigmaError | undefined;
  rule?: SigmaRule;
  correlation?: SigmaCorrelation;
  filter?: SigmaFilter;
}

const identity = (field: string): readonly string[] => [field];

/**
 * Loads rule files: several documents a file, legacy collections (`action: global`, `reset`, `repeat`), global filters,
 * correlations resolved by id or name across all files. Never throws: whatever cannot be used is among `faults`.
 */
export function loadRules(files: readonly RuleFile[], options: LoadOptions = {}): RuleSet {
  // The same file by two ways in (two folders that overlap) is one file.
  const texts = new Map<string, string>();
  const once = files.filter(({ path, text }) => texts.get(path) !== text && texts.set(path, text));
  const drafts = once.flatMap(readFile);
  refuseDuplicates(drafts);
  const shared: CompileOptions = { readers: fieldReaders(), placeholders: options.placeholders ?? {} };
  const mappingOf = (rule: { readonly logsource: SigmaRule["logsource"] }) => (options.mapFields ? fieldMapping(rule.logsource) : identity);

  const filters: { readonly filter: SigmaFilter; readonly compile: (mapField: (field: string) => readonly string[]) => CompiledDetection }[] = [];
  for (const draft of drafts) {
    const { filter } = draft;
    if (!filter) continue;
    const compile = (mapField: (field: string) => readonly string[]): CompiledDetection =>
      compileDetection(filter.detection, filter.conditions, "filter", { ...shared, mapField });
    // Once for its own faults; each rule gets it with the rule's own field mapping.
    if (attempt(draft, () => compile(mappingOf(filter)))) filters.push({ filter, compile });
  }

  const rules = new Map<string, CompiledRule>();
  for (const draft of drafts) {
    const { rule } = draft;
    if (!rule || draft.error) continue;
    const mapField = mappingOf(rule);
    const compiled = attempt(draft, () => {
      const own = filters.filter(({ filter }) => filterApplies(filter, rule)).map(({ compile }) => compile(mapField));
      return compileRule(rule, { ...shared, mapField }, own);
    });
    if (compiled) rules.set(draft.key, compiled);
  }

  const correlations = resolveCorrelations(drafts, rules, mappingOf, shared);
  const silent = new Set(correlations.filter(({ rule }) => !rule.generate).flatMap(({ references }) => references));
  const entries = drafts.map(({ path, id, title, kind, error }): RuleEntry => {
    const entry = { path, id, title, kind, ok: error === undefined };
    return error ? { ...entry, error: { field: error.field, reason: error.reason } } : entry;
  });
  const faults = drafts.flatMap(({ path, id, title, error }) => (error ? [{ path, id, title, field: error.field, reason: error.reason, error }] : []));
  return { rules: [...rules.values()], correlations, faults, entries, silent };
}

/** Runs `action`; what it throws becomes the draft's error. */
function attempt<T>(draft: Draft, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    draft.error ??= error instanceof SigmaError ? error : new SigmaError("sigma.yaml", "document", { detail: String(error) }, { cause: error });
    return undefined;
  }
}

function textIn(document: unknown, key: string): string | undefined {
  const value = isMap(document) ? document[key] : undefined;
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function readFile(file: RuleFile): Draft[] {
  const { path } = file;
  const refused = (error: SigmaError): Draft => ({ path, id: undefined, title: undefined, kind: "unknown", key: path, error });
  if (file.text.length > maxFile) return [refused(new SigmaError("sigma.tooLarge", "yaml", { limit: maxFile }))];
  let documents: readonly Document[];
  try {
    const parsed = parseAllDocuments(file.text, { merge: true, intAsBigInt: true, logLevel: "silent", prettyErrors: true });
    documents = "empty" in parsed ? [] : parsed;
  } catch (error) {
    return [refused(new SigmaError("sigma.yaml", "yaml", { detail: firstLine(error) }))];
  }
  const drafts: Draft[] = [];
  let template: Readonly<Record<string, unknown>> = {};
  let previous: Readonly<Record<string, unknown>> | undefined;
  for (const document of documents.slice(0, maxDocuments)) {
    const [fault] = document.errors;
    let content: unknown;
    let error = fault && new SigmaError("sigma.yaml", "yaml", { detail: firstLine(fault) });
    try {
      content = error ? undefined : plainDocument(document.toJS({ maxAliasCount: 100 }));
    } catch (thrown) {
      error = thrown instanceof SigmaError ? thrown : new SigmaError("sigma.yaml", "yaml", { detail: firstLine(thrown) });
    }
    if (error) {
      drafts.push({ ...refused(error), id: /^id:\s*['"]?([\w-]+)/m.exec(sourceOf(file, document))?.[1], title: titleIn(sourceOf(file, document)) });
      continue;
    }
    if (content === null || content === undefined) continue;
    if (!isMap(content)) {
      drafts.push(refused(new SigmaError("sigma.notMap", "yaml")));
      continue;
    }
    const { action, ...rest } = content;
    let whole: Readonly<Record<string, unknown>>;
    if (action === undefined) whole = merge(template, rest);
    else if (action === "global") {
      template = rest;
      previous = rest;
      continue;
    } else if (action === "reset") {
      template = {};
      // A reset may carry a rule of its own.
      if (Object.keys(rest).length === 0) continue;
      whole = rest;
    } else if (action === "repeat") {
      if (!previous) {
        drafts.push(refused(new SigmaError("sigma.nothingToRepeat", "action")));
        continue;
      }
      whole = merge(previous, rest);
    } else {
      drafts.push(refused(new SigmaError("sigma.unknownAction", "action", { value: (scalarText(action) ?? "…").slice(0, 100) })));
      continue;
    }
    previous = whole;
    drafts.push(readDocument(whole, path));
  }
  return drafts;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]?.slice(0, 300) ?? "";
}

function sourceOf(file: RuleFile, document: Document): string {
  return document.range ? file.text.slice(document.range[0], document.range[2]) : "";
}

function titleIn(source: string): string | undefined {
  return /^title:\s*['"]?([^\r\n]+?)['"]?\s*$/m.exec(source)?.[1]?.slice(0, 256);
}

/** `above` laid over `below`, maps merged key by key. */
function merge(below: Readonly<Record<string, unknown>>, above: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const merged: Record<string, unknown> = Object.assign(Object.create(null), below);
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key];
    merged[key] = isMap(under) && isMap(value) ? merge(under, value) : value;
  }
  return merged;
}

function readDocument(document: Readonly<Record<string, unknown>>, path: string): Draft {
  const draft: Draft = { path, id: textIn(document, "id"), title: textIn(document, "title"), kind: "unknown", key: "", error: undefined };
  if ("correlation" in document) draft.kind = "correlation";
  else if ("filter" in document) draft.kind = "filter";
  else if ("detection" in document) draft.kind = "rule";
  attempt(draft, () => {
    if (draft.kind === "correlation") draft.correlation = parseCorrelation(document, path);
    else if (draft.kind === "filter") draft.filter = parseFilter(document, path);
    // A document with a log source is meant to be a rule: then it is the detection that is missing.
    else if (draft.kind === "rule" || "logsource" in document) draft.rule = parseRule(document, path);
    else throw new SigmaError("sigma.notRule", "detection");
  });
  draft.key = (draft.rule ?? draft.correlation ?? draft.filter)?.key ?? "";
  return draft;
}

/** An id stands for one rule. Rules of one file may share the id of a collection's global part; they are told apart. */
function refuseDuplicates(drafts: readonly Draft[]): void {
  const taken = new Map<string, Draft>();
  for (const draft of drafts) {
    if (draft.error || draft.key === "") continue;
    const other = taken.get(draft.key);
    if (other && draft.id !== undefined && other.id === draft.id && other.path !== draft.path) {
      draft.error = new SigmaError("sigma.duplicateId", "id", { other: other.path });
      continue;
    }
    for (let count = 2, { key } = draft; taken.has(draft.key); count++) draft.key = `${key}#${count}`;
    taken.set(draft.key, draft);
    if (draft.rule && draft.rule.key !== draft.key) draft.rule = { ...draft.rule, key: draft.key };
    if (draft.correlation && draft.correlation.key !== draft.key) draft.correlation = { ...draft.correlation, key: draft.key };
  }
}

/** Resolves references, refuses what refers to nothing, to something refused, or to itself; referred ones come first. */
function resolveCorrelations(
  drafts: readonly Draft[],
  rules: ReadonlyMap<string, CompiledRule>,
  mappingOf: (rule: SigmaRule) => (field: string) => readonly string[],
  shared: CompileOptions,
): readonly CompiledCorrelation[] {
  const byName = new Map<string, Draft[]>();
  for (const draft of drafts) {
    const meta = draft.rule ?? draft.correlation;
    for (const name of new Set([draft.key, draft.id, meta?.name]))
      if (name !== undefined && name !== "" && !draft.filter) byName.set(name, [...(byName.get(name) ?? []), draft]);
  }
  /** A name is looked for in the same file first. */
  const find = (name: string, path: string): Draft | undefined => {
    const found = byName.get(name) ?? [];
    return found.find((draft) => draft.path === path && !draft.error) ?? found.find((draft) => !draft.error) ?? found[0];
  };
  const compiled = new Map<Draft, CompiledCorrelation>();
  const open: Draft[] = [];
  const resolve = (draft: Draft): void => {
    const { correlation } = draft;
    if (!correlation || draft.error || compiled.has(draft)) return;
    if (open.includes(draft) || open.length > 64) {
      const names = open.slice(Math.max(0, open.indexOf(draft))).map((one) => one.key);
      throw new SigmaError("sigma.ruleCycle", "correlation.rules", { names: names.join(", ") });
    }
    open.push(draft);
    try {
      const references = correlation.rules.map((name): Reference => {
        const target = find(name, draft.path);
        if (!target) throw new SigmaError("sigma.ruleUnknown", "correlation.rules", { name });
        resolve(target);
        if (target.error || (!rules.has(target.key) && !compiled.has(target))) throw new SigmaError("sigma.ruleRefused", "correlation.rules", { name });
        const names = [name, target.id, (target.rule ?? target.correlation)?.name].filter((one) => one !== undefined);
        return { key: target.key, names, mapField: mappingFor(target) };
      });
      compiled.set(draft, compileCorrelation(correlation, references, shared.readers));
    } catch (error) {
      attempt(draft, () => {
        throw error;
      });
      throw error;
    } finally {
      open.pop();
    }
  };
  /** A chained correlation's event is an event of its first rule. */
  const mappingFor = (draft: Draft, depth = 0): ((field: string) => readonly string[]) => {
    if (draft.rule) return mappingOf(draft.rule);
    const first = draft.correlation?.rules[0];
    const target = first === undefined || depth > 64 ? undefined : find(first, draft.path);
    return target ? mappingFor(target, depth + 1) : identity;
  };
  for (const draft of drafts) attempt(draft, () => resolve(draft));
  return [...compiled.values()];
}
