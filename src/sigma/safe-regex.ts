import { buildAutomaton } from "./regex-automaton.ts";
import { RegexFault } from "./regex-class.ts";
import { parseRegex, type RegexFlags } from "./regex-parse.ts";
import { caseModeOf, regexLiterals, regexSource, walkRegex, type RegexNode } from "./regex-tree.ts";

/** A regular expression that no text can make run long. */
export interface SafeRegex {
  readonly test: (text: string) => boolean;
  /** Folded literals of which every matching text contains at least one. */
  readonly literals: readonly string[] | undefined;
}

/** Longest source that is read, in characters. */
const maxSource = 8_192;
/** Steps that one test may take in JavaScript's engine, by estimate: some ten milliseconds at worst. */
const backtrackBudget = 10_000_000;
/** Steps (states × characters) that one test may take in the automaton. */
const automatonBudget = 5_000_000;
/** A linear search whose steps a character are fewer than this is not watched. */
const cheap = 64;

/**
 * Compiles a PCRE regular expression of a rule (rules come from third parties, texts from attackers).
 *
 * The tree is checked for how its backtracking can grow: each unbounded repetition on a path adds a degree, an unanchored
 * search one more; the ways through its bounded parts are a factor; repetitions of what can match in several ways are
 * exponential. Texts short enough for that growth go to JavaScript's engine; longer ones, and every text of an exponential
 * expression, go to an automaton that takes time states × length. Look-around and references cannot go there: then texts
 * are cut to the length the growth allows (some 3,000 characters for a quadratic one) and exponential ones are refused.
 * The automaton reads the first 5,000,000 / states characters (at least 8,192) of a text.
 * @throws RegexFault
 */
export function safeRegex(source: string, flags: RegexFlags): SafeRegex {
  if (source.length > maxSource) throw new RegexFault(`it is longer than ${maxSource} characters`);
  const tree = trimOpenEnds(parseRegex(source, flags));
  checkReferences(tree);
  const mode = caseModeOf(tree);
  let native: RegExp;
  try {
    native = new RegExp(regexSource(tree, mode), mode === "all" ? "ui" : "u");
  } catch (error) {
    throw new RegexFault((error as Error).message.replace(/^Invalid regular expression: /, ""));
  }
  const literals = regexLiterals(tree);
  const growth = growthOf(tree);
  const degree = Math.max(1, growth.loops + (isAnchored(tree) ? 0 : 1));
  const factor = growth.ways * growth.length;
  if (!growth.exponential && degree === 1 && factor <= cheap) return { test: (text) => native.test(text), literals };
  const nativeLimit = growth.exponential ? 0 : Math.floor((backtrackBudget / factor) ** (1 / degree));
  // Built when first needed: most expressions never meet a text that long.
  const automaton = growth.exponential ? buildAutomaton(tree) : undefined;
  if (growth.exponential && !automaton) throw new UnsafeRegex("repetitions inside repetitions together with look-around or back references");
  let linear = automaton;
  let tried = growth.exponential;
  const test = (text: string): boolean => {
    if (literals && !containsAny(text.toLowerCase(), literals)) return false;
    if (text.length <= nativeLimit) return native.test(text);
    if (!tried) {
      tried = true;
      try {
        linear = buildAutomaton(tree);
      } catch {
        linear = undefined;
      }
    }
    if (!linear) return native.test(text.slice(0, nativeLimit));
    const limit = Math.max(8_192, Math.floor(automatonBudget / linear.states));
    return linear.test(text.length > limit ? text.slice(0, limit) : text);
  };
  return { test, literals };
}

/** The expression is exponential and cannot be run another way. */
export class UnsafeRegex extends RegexFault {}

function containsAny(folded: string, literals: readonly string[]): boolean {
  for (const literal of literals) if (folded.includes(literal)) return true;
  return false;
}

/** Whether something matches somewhere: repetitions at the ends need no more than their minimum. */
function trimOpenEnds(tree: RegexNode): RegexNode {
  let refers = false;
  walkRegex(tree, (node) => {
    refers ||= node.kind === "reference";
  });
  if (refers) return tree;
  const items = tree.kind === "sequence" ? [...tree.items] : [tree];
  const least = (node: RegexNode | undefined): RegexNode | undefined =>
    node?.kind === "repeat" ? (node.min === 0 ? undefined : { ...node, max: node.min }) : node;
  for (let first = least(items[0]); items.length > 0; first = least(items[0])) {
    if (!first) items.shift();
    else {
      items[0] = first;
      break;
    }
  }
  for (let last = least(items.at(-1)); items.length > 0; last = least(items.at(-1))) {
    if (!last) items.pop();
    else {
      items[items.length - 1] = last;
      break;
    }
  }
  return { kind: "sequence", items };
}

function isAnchored(node: RegexNode): boolean {
  if (node.kind === "assertion") return node.type === "start";
  if (node.kind === "sequence") return node.items.length > 0 && isAnchored(node.items[0] as RegexNode);
  if (node.kind === "alternatives") return node.items.every(isAnchored);
  return node.kind === "group" && isAnchored(node.item);
}

function checkReferences(tree: RegexNode): void {
  let groups = 0;
  const names = new Set<string>();
  walkRegex(tree, (node) => {
    if (node.kind !== "group") return;
    groups++;
    if (node.name !== undefined) names.add(node.name);
  });
  walkRegex(tree, (node) => {
    if (node.kind === "reference" && (typeof node.to === "number" ? node.to > groups : !names.has(node.to)))
      throw new RegexFault(`it refers to group ${node.to}, which is not there`);
  });
}

interface Growth {
  /** Unbounded repetitions one after another on the worst path: the degree of the polynomial. */
  readonly loops: number;
  /** Ways to match the bounded parts, a product; very many count as exponential. */
  readonly ways: number;
  /** Characters of long repetitions of a fixed count: each start may read that many. */
  readonly length: number;
  readonly exponential: boolean;
}

const fixed: Growth = { loops: 0, ways: 1, length: 1, exponential: false };

const maxWays = 2_000;
/** A bounded repetition over this many counts as unbounded. */
const longRepeat = 16;

function growthOf(node: RegexNode): Growth {
  switch (node.kind) {
    case "chars":
    case "assertion":
      return fixed;
    case "reference":
      return { ...fixed, loops: 1 };
    case "group":
    case "look":
      return growthOf(node.item);
    case "sequence":
      return node.items.map(growthOf).reduce((a, b) => {
        const ways = a.ways * b.ways;
        return { loops: a.loops + b.loops, ways, length: Math.max(a.length, b.length), exponential: a.exponential || b.exponential || ways > maxWays };
      }, fixed);
    case "alternatives":
      return node.items.map(growthOf).reduce((a, b) => ({
        loops: Math.max(a.loops, b.loops),
        ways: a.ways + b.ways,
        length: Math.max(a.length, b.length),
        exponential: a.exponential || b.exponential,
      }));
    case "repeat":
      return growthOfRepeat(node.min, node.max, growthOf(node.item));
  }
}

function growthOfRepeat(min: number, max: number, inner: Growth): Growth {
  if (max === 0) return fixed;
  if (min === max && inner.ways === 1 && inner.loops === 0) return { ...inner, length: Math.max(inner.length, inner.length * max) };
  if (max <= longRepeat && inner.loops === 0) {
    let ways = 0;
    for (let count = min; count <= max; count++) ways += inner.ways ** count;
    return { ...inner, ways, exponential: inner.exponential || ways > maxWays };
  }
  // A body of one fixed shape repeats in one way only; any choice inside may be ambiguous.
  return { ...inner, loops: max === 1 ? inner.loops : 1, exponential: inner.exponential || (max > 1 && (inner.ways > 1 || inner.loops > 0)) };
}
