import type { FieldValue, LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import type { CompiledRule } from "#sigma/compile.ts";
import { generationCache } from "../behaviour/generation-cache.ts";
import { needleAutomaton, noIds, type Needle } from "./needle-automaton.ts";

/** Finds the few rules an event could match. */
export interface Dispatch {
  /**
   * Writes the indexes of rules that may match `event` into `out` (as long as there are rules), each once, lowest first where
   * none needs a needle. Gives how many. Every rule left out surely does not match.
   */
  candidates(event: LogEvent, out: Int32Array): number;
}

/** One way a rule can match: every `equals` holds, and some text of `needles` is contained, where there are such. */
interface Way {
  readonly rule: number;
  readonly equals: ReadonlyMap<string, ReadonlySet<string>>;
  /** Field that is searched, or undefined where the way has no needle. */
  readonly field: string | undefined;
}

interface Leaf {
  /** Rules to be tried without more ado. */
  readonly always: Int32Array;
  readonly searched: readonly { readonly field: string; readonly find: (value: string) => readonly number[]; readonly isTarget: boolean }[];
  /** Searched ways that belong to this leaf. */
  readonly member: ReadonlySet<number>;
}

/** A question to the event, or its end. Built when an event first gets there. */
interface Node {
  readonly ways: readonly number[];
  readonly asked: readonly string[];
  field: string | undefined;
  leaf: Leaf | undefined;
  /** Next node by raw value, for at most `rememberedValues` values. */
  readonly next: Map<FieldValue, Node>;
  /** Next node by folded value that some way names. */
  readonly named: Map<string, Node>;
  other: Node | undefined;
  /** The latest value asked about and where it led: a stream's values are often the same. */
  lastValue: FieldValue;
  lastNext: Node | undefined;
}

const rememberedValues = 256;
/** Questions asked in a row at most, and nodes at most: past that the rules are simply tried. */
const deepest = 8;
const mostNodes = 5_000;
/** Values remembered in each of two generations for a searched field: at 200 bytes a value about 6 MB a field. */
const remembered = 16_384;
const longestRemembered = 512;

/**
 * Orders the rules as a decision tree over the fields that they compare with fixed values (`event.action` above all) and
 * puts the texts that they look for into one automaton a field, whose answers are remembered by value. What is remembered
 * never changes an answer, so nothing here needs a snapshot.
 */
export function dispatch(rules: readonly CompiledRule[]): Dispatch {
  const ways: Way[] = [];
  const needles = new Map<string, Needle[]>();
  rules.forEach((rule, index) => {
    const narrowing = rule.narrowing ?? [{ equals: [], contains: [] }];
    for (const way of narrowing) {
      const equals = new Map<string, ReadonlySet<string>>();
      for (const { field, values } of way.equals) if (!equals.has(field)) equals.set(field, new Set(values.map(foldValue)));
      const searched = pickNeedles(way.contains);
      const id = ways.push({ rule: index, equals, field: searched?.field }) - 1;
      if (!searched) continue;
      const list = needles.get(searched.field) ?? [];
      needles.set(searched.field, list);
      for (const text of searched.anyOf) list.push({ text: text.toLowerCase(), id });
    }
  });
  const finders = new Map<string, (value: string) => readonly number[]>();
  // Targets of requests are ever new, so they are searched each time, all their fields for the needles of all of them.
  const ofTargets = needleAutomaton([...needles].flatMap(([field, list]) => (isTarget(field) ? list : [])));
  for (const [field, list] of needles) {
    const automaton = isTarget(field) ? ofTargets : needleAutomaton(list);
    const recall = generationCache(remembered, (value) => automaton.scan(value));
    if (isTarget(field)) finders.set(field, automaton.scan);
    else finders.set(field, (value) => (automaton.isOutOfQuestion(value) ? noIds : value.length > longestRemembered ? automaton.scan(value) : recall(value)));
  }
  let nodes = 0;
  const makeNode = (members: readonly number[], asked: readonly string[]): Node => {
    nodes++;
    const field = asked.length < deepest && nodes < mostNodes ? nextQuestion(ways, members, asked) : undefined;
    return {
      ways: members,
      asked,
      field,
      leaf: field === undefined ? makeLeaf(members) : undefined,
      next: new Map(),
      named: new Map(),
      other: undefined,
      lastValue: undefined,
      lastNext: undefined,
    };
  };
  const makeLeaf = (members: readonly number[]): Leaf => {
    const always = new Set<number>();
    for (const id of members) if ((ways[id] as Way).field === undefined) always.add((ways[id] as Way).rule);
    const fields = new Set<string>();
    const member = new Set<number>();
    for (const id of members) {
      const way = ways[id] as Way;
      if (way.field === undefined || always.has(way.rule)) continue;
      fields.add(way.field);
      member.add(id);
    }
    const searched = [...fields]
      .toSorted()
      .map((field) => ({ field, find: finders.get(field) as (value: string) => readonly number[], isTarget: isTarget(field) }));
    return { always: Int32Array.from([...always].toSorted((a, b) => a - b)), searched, member };
  };
  /** The node after `node` for a value; a list could match any value, so all ways stay open. */
  const advance = (node: Node, value: FieldValue): Node => {
    const field = node.field as string;
    const asked = [...node.asked, field];
    if (typeof value === "object" && value !== null) {
      // Never remembered by the list's identity.
      let open = node.named.get("\0list");
      if (!open) node.named.set("\0list", (open = makeNode(node.ways, asked)));
      return open;
    }
    const folded = foldValue(value);
    const fits = node.ways.filter((id) => (ways[id] as Way).equals.get(field)?.has(folded) ?? true);
    const isNamed = node.ways.some((id) => (ways[id] as Way).equals.get(field)?.has(folded));
    let next: Node | undefined;
    if (isNamed) {
      next = node.named.get(folded);
      if (!next) node.named.set(folded, (next = makeNode(fits, asked)));
    } else next = node.other ??= makeNode(fits, asked);
    if (node.next.size < rememberedValues && (typeof value !== "string" || value.length <= 64))
      node.next.set(typeof value === "string" ? ownString(value) : value, next);
    return next;
  };
  const root = makeNode(
    ways.map((_, id) => id),
    [],
  );
  const seen = new Uint32Array(rules.length);
  let stamp = 0;
  return {
    candidates: (event, out) => {
      let node = root;
      while (node.field !== undefined) {
        const value = event[node.field];
        if (value === node.lastValue && node.lastNext !== undefined) {
          node = node.lastNext;
          continue;
        }
        const known = node.next.get(value);
        // Strings of 13 characters and more may be slices that would keep their chunk alive.
        if (known !== undefined && (typeof value !== "string" || value.length < 13)) {
          node.lastValue = value;
          node.lastNext = known;
        }
        node = known ?? advance(node, value);
      }
      const leaf = node.leaf as Leaf;
      let count = leaf.always.length;
      for (let i = 0; i < count; i++) out[i] = leaf.always[i] as number;
      if (leaf.searched.length === 0) return count;
      stamp = (stamp + 1) >>> 0;
      if (stamp === 0) {
        seen.fill(0);
        stamp = 1;
      }
      let target = "";
      let targetIds: readonly number[] = noIds;
      for (let f = 0; f < leaf.searched.length; f++) {
        const { field, find, isTarget } = leaf.searched[f] as Leaf["searched"][number];
        const value = event[field];
        if (value === undefined || value === null) continue;
        if (typeof value === "object") {
          // Events are flat: anything else that is no list has no text to search.
          if (Array.isArray(value))
            for (const part of value as unknown[])
              if (typeof part === "string" || typeof part === "number" || typeof part === "boolean") count = add(find(String(part)), field, leaf, out, count);
          continue;
        }
        const text = typeof value === "string" ? value : String(value);
        // The path and the query are parts of the target, which comes first: what is found in a part is found in the whole.
        const isPart = isTarget && text.length <= target.length && (text === target || target.startsWith(text) || target.endsWith(text));
        const ids = isPart ? targetIds : find(text);
        if (isTarget && !isPart) {
          target = text;
          targetIds = ids;
        }
        if (ids !== noIds) count = add(ids, field, leaf, out, count);
      }
      return count;
    },
  };

  function add(ids: readonly number[], field: string, leaf: Leaf, out: Int32Array, start: number): number {
    let count = start;
    for (const id of ids) {
      const { rule, field: searched } = ways[id] as Way;
      if (searched !== field || !leaf.member.has(id) || seen[rule] === stamp) continue;
      seen[rule] = stamp;
      out[count++] = rule;
    }
    return count;
  }
}

/** Fields of a request's target, of which some are often the same text. */
function isTarget(field: string): boolean {
  return field.startsWith("url.") || field.startsWith("haechi.url.");
}

/** Values compare in Sigma without case, and a number equals its text. */
function foldValue(value: FieldValue): string {
  return value === undefined || value === null ? "\0none" : String(value).toLowerCase();
}

/** The field whose value decides most of the ways, or undefined where no way asks for one that was not asked yet. */
function nextQuestion(ways: readonly Way[], members: readonly number[], asked: readonly string[]): string | undefined {
  const votes = new Map<string, number>();
  for (const id of members) for (const field of (ways[id] as Way).equals.keys()) if (!asked.includes(field)) votes.set(field, (votes.get(field) ?? 0) + 1);
  let best: string | undefined;
  for (const [field, count] of votes) if (best === undefined || count > (votes.get(best) as number)) best = field;
  return best;
}

/** The group of needles that is searched for: all must be found, so one that is rarest found suffices; longest shortest needle first. */
function pickNeedles(
  groups: readonly { readonly field: string | undefined; readonly anyOf: readonly string[] }[],
): { field: string; anyOf: readonly string[] } | undefined {
  let best: { field: string; anyOf: readonly string[] } | undefined;
  let bestLength = 0;
  for (const { field, anyOf } of groups) {
    if (field === undefined) continue;
    const shortest = Math.min(...anyOf.map((text) => text.length));
    if (anyOf.length > 0 && shortest > bestLength) {
      best = { field, anyOf };
      bestLength = shortest;
    }
  }
  return best;
}
