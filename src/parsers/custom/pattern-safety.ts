import { everything, patternTree, type CharSet, type PatternNode, type PatternTree, type Unsupported } from "./pattern-tree.ts";

/** Why a pattern is refused; positions count from 1. */
export type UnsafePattern =
  | { readonly kind: "unsupported"; readonly construct: string; readonly position: number }
  | { readonly kind: "ambiguous"; readonly position: number }
  | { readonly kind: "large"; readonly size: number; readonly limit: number };

/** In how many ways at once any text may be read: the bound of what a backtracking matcher does a character. */
const mostReadings = 16;
const mostPositions = 400;
const mostStates = 4_000;

/**
 * Whether a regular expression matches in time linear in the text, whatever the text; undefined where it does.
 *
 * A backtracking matcher does at most as many steps on a prefix as there are paths that read it. The pattern is made a position
 * automaton (Glushkov 1961) whose edges carry the number of ways the matcher can take them, so that nested repetitions
 * show as double edges. All sets of states with their number of paths are then walked (subset construction with multiplicities):
 * where every reachable total stays under a small constant, every prefix has that few paths. Patterns with infinite
 * ambiguity, exponential or polynomial (Weber, Seidl 1991), grow past any constant and are refused; so are those that
 * cannot be shown safe within the limits. States from which a match can no longer fail are not counted: there the
 * matcher never comes back.
 */
export function findUnsafe(source: string, ignoreCase: boolean): UnsafePattern | undefined {
  const tree = patternTree(source, ignoreCase);
  if (isUnsupported(tree)) return { kind: "unsupported", ...tree };
  const size = sizeOf(tree.root);
  if (size > mostPositions) return { kind: "large", size, limit: mostPositions };
  const automaton = positionAutomaton(isStartAnchored(tree.root) ? tree.root : searching(tree.root));
  return findAmbiguity(automaton, tree);
}

function isUnsupported(tree: PatternTree | Unsupported): tree is Unsupported {
  return "construct" in tree;
}

function isStartAnchored(root: PatternNode): boolean {
  // `^` inside a pattern marks `asserts`; only the one at index 0 is an assertion that is first of the sequence.
  return root.kind === "sequence" && root.parts[0]?.kind === "assertion";
}

/** A search tries every start: the same as anything before the pattern. */
function searching(root: PatternNode): PatternNode {
  const anything: PatternNode = { kind: "set", set: everything, position: 0 };
  return { kind: "sequence", parts: [{ kind: "repeat", part: anything, minimum: 0, maximum: Number.POSITIVE_INFINITY, position: 0 }, root] };
}

/** Positions of the automaton, counted repetitions written out. */
function sizeOf(node: PatternNode): number {
  switch (node.kind) {
    case "set":
      return 1;
    case "assertion":
      return 0;
    case "repeat":
      return sizeOf(node.part) * Math.max(1, node.maximum === Number.POSITIVE_INFINITY ? node.minimum : node.maximum);
    case "sequence":
    case "choice":
      return node.parts.reduce((sum, part) => sum + sizeOf(part), 0);
  }
}

type Weights = Map<number, number>;
interface Part {
  /** Ways to read nothing. */
  readonly empty: number;
  readonly first: Weights;
  readonly last: Weights;
}
interface Automaton {
  readonly sets: readonly CharSet[];
  /** Where each position stands in the source, counted from 0. */
  readonly places: readonly number[];
  readonly follow: readonly Weights[];
  readonly first: Weights;
  readonly last: Weights;
  readonly empty: number;
}

const cap = (weight: number): number => Math.min(weight, mostReadings + 1);

function add(to: Weights, from: ReadonlyMap<number, number>, times: number): void {
  if (times === 0) return;
  for (const [position, weight] of from) to.set(position, cap((to.get(position) ?? 0) + weight * times));
}

function positionAutomaton(root: PatternNode): Automaton {
  const sets: CharSet[] = [];
  const places: number[] = [];
  const follow: Weights[] = [];
  const nothing: Part = { empty: 1, first: new Map(), last: new Map() };
  const link = (last: Weights, first: Weights): void => {
    for (const [position, weight] of last) add(follow[position] as Weights, first, weight);
  };
  const join = (a: Part, b: Part): Part => {
    link(a.last, b.first);
    const first = new Map(a.first);
    add(first, b.first, a.empty);
    const last = new Map(b.last);
    add(last, a.last, b.empty);
    return { empty: cap(a.empty * b.empty), first, last };
  };
  const optional = (part: Part): Part => ({ ...part, empty: cap(part.empty + 1) });

  const repeat = (node: PatternNode & { kind: "repeat" }): Part => {
    let whole = nothing;
    const endless = node.maximum === Number.POSITIVE_INFINITY;
    const copies = endless ? Math.max(0, node.minimum - 1) : node.minimum;
    for (let i = 0; i < copies; i++) whole = join(whole, build(node.part));
    if (endless) {
      const part = build(node.part);
      link(part.last, part.first);
      return join(whole, node.minimum === 0 ? optional(part) : part);
    }
    // x{2,4} = x x (x (x)?)?: one way to read each number of copies.
    let rest = nothing;
    for (let i = node.minimum; i < node.maximum; i++) rest = optional(join(build(node.part), rest));
    return join(whole, rest);
  };
  const build = (node: PatternNode): Part => {
    switch (node.kind) {
      case "assertion":
        return nothing;
      case "set": {
        const position = sets.push(node.set) - 1;
        places.push(node.position);
        follow.push(new Map());
        return { empty: 0, first: new Map([[position, 1]]), last: new Map([[position, 1]]) };
      }
      case "sequence":
        return node.parts.reduce((whole, part) => join(whole, build(part)), nothing);
      case "choice": {
        const first: Weights = new Map();
        const last: Weights = new Map();
        let empty = 0;
        for (const part of node.parts.map(build)) {
          add(first, part.first, 1);
          add(last, part.last, 1);
          empty = cap(empty + part.empty);
        }
        return { empty, first, last };
      }
      case "repeat":
        return repeat(node);
    }
  };
  const { empty, first, last } = build(root);
  return { sets, places, follow, first, last, empty };
}

/** One code unit for each class of code units that no set of the pattern tells apart. */
function representatives(sets: readonly CharSet[]): readonly number[] {
  const edges = new Set([0]);
  for (const set of sets) {
    for (const [first, last] of set) {
      edges.add(first);
      if (last < 0xffff) edges.add(last + 1);
    }
  }
  const byMembers = new Map<string, number>();
  for (const code of edges) byMembers.set(sets.map((set) => (contains(set, code) ? "1" : "0")).join(""), code);
  return [...byMembers.values()];
}

function contains(set: CharSet, code: number): boolean {
  return set.some(([first, last]) => code >= first && code <= last);
}

/** Positions behind which the match can no longer fail, however the text goes on. */
function surePositions(automaton: Automaton, tree: PatternTree): ReadonlySet<number> {
  const { sets, follow, last } = automaton;
  if (tree.asserts) return new Set();
  if (tree.endAnchored) {
    const isLoop = (position: number): boolean => follow[position]?.size === 1 && follow[position].get(position) === 1;
    return new Set(
      [...last.keys()].filter(
        (position) => isLoop(position) && sets[position]?.length === 1 && sets[position][0]?.[0] === 0 && sets[position][0][1] === 0xffff,
      ),
    );
  }
  const sure = new Set(last.keys());
  for (let before = -1; before !== sure.size;) {
    before = sure.size;
    for (const position of sure) if ([...(follow[position] as Weights).keys()].some((next) => !sure.has(next))) sure.delete(position);
  }
  return sure;
}

function findAmbiguity(automaton: Automaton, tree: PatternTree): UnsafePattern | undefined {
  const { sets, places, follow } = automaton;
  const sure = surePositions(automaton, tree);
  const classes = representatives(sets);
  const members = classes.map((code) => sets.map((set) => contains(set, code)));
  const ambiguous = (state: Weights): UnsafePattern => {
    let worst = 0;
    let place = 0;
    for (const [position, weight] of state) {
      if (weight < worst) continue;
      worst = weight;
      place = places[position] ?? 0;
    }
    return { kind: "ambiguous", position: place + 1 };
  };
  const queue: Weights[] = [];
  const seen = new Set<string>();
  /** Takes the edges `out` on each class of characters; gives the state that has too many paths. */
  const step = (out: ReadonlyMap<number, number>): Weights | undefined => {
    for (const member of members) {
      const state: Weights = new Map();
      let total = 0;
      for (const [position, weight] of out) {
        if (member[position] !== true || sure.has(position)) continue;
        state.set(position, weight);
        total += weight;
      }
      if (total > mostReadings) return state;
      if (state.size === 0) continue;
      const key = [...state].toSorted(([a], [b]) => a - b).join(";");
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push(state);
    }
    return undefined;
  };
  const start = step(automaton.first);
  if (start) return ambiguous(start);
  if (automaton.empty > mostReadings) return ambiguous(automaton.first);
  for (let state = queue.pop(); state; state = queue.pop()) {
    const out: Weights = new Map();
    for (const [position, weight] of state) add(out, follow[position] as Weights, weight);
    const worse = step(out);
    if (worse) return ambiguous(worse);
    if (seen.size > mostStates) return ambiguous(state);
  }
  return undefined;
}
