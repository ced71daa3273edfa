/** A regular expression as a tree, PCRE in, so that it can be checked, written for JavaScript, or run in linear time. */
export type RegexNode =
  /** One character. `source` is the JavaScript (`u` flag) form; `literal` is there where it is one fixed character. */
  | { readonly kind: "chars"; readonly source: string; readonly ignoreCase: boolean; readonly literal: string | undefined; readonly any: boolean }
  | { readonly kind: "sequence"; readonly items: readonly RegexNode[] }
  | { readonly kind: "alternatives"; readonly items: readonly RegexNode[] }
  | { readonly kind: "repeat"; readonly item: RegexNode; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: "group"; readonly item: RegexNode; readonly name: string | undefined }
  | { readonly kind: "assertion"; readonly type: AssertionType }
  | { readonly kind: "look"; readonly behind: boolean; readonly negative: boolean; readonly item: RegexNode }
  | { readonly kind: "reference"; readonly to: number | string };

/** `final-end` is PCRE's `$` and `\Z`: the end, or before a newline that ends the text. */
export type AssertionType = "start" | "end" | "final-end" | "line-start" | "line-end" | "word" | "no-word";

/** JavaScript source (flag `u`, and `i` where `ignoreCase` is "all") of a tree. */
export function regexSource(node: RegexNode, caseMode: "all" | "none" | "mixed"): string {
  switch (node.kind) {
    case "chars":
      return caseMode === "mixed" && node.ignoreCase ? `(?i:${node.source})` : node.source;
    case "sequence":
      return node.items.map((item) => (item.kind === "alternatives" ? `(?:${regexSource(item, caseMode)})` : regexSource(item, caseMode))).join("");
    case "alternatives":
      return node.items.map((item) => regexSource(item, caseMode)).join("|");
    case "repeat":
      return `(?:${regexSource(node.item, caseMode)})${quantifier(node.min, node.max)}${node.lazy ? "?" : ""}`;
    case "group":
      return `(${node.name === undefined ? "" : `?<${node.name}>`}${regexSource(node.item, caseMode)})`;
    case "assertion":
      return assertions[node.type];
    case "look":
      return `(?${node.behind ? "<" : ""}${node.negative ? "!" : "="}${regexSource(node.item, caseMode)})`;
    case "reference":
      return typeof node.to === "number" ? `(?:\\${node.to})` : `\\k<${node.to}>`;
  }
}

const assertions: Readonly<Record<AssertionType, string>> = {
  start: "^",
  end: "$",
  "final-end": "(?=\\n?$)",
  "line-start": "(?<=^|\\n)",
  "line-end": "(?=\\n|$)",
  word: "\\b",
  "no-word": "\\B",
};

function quantifier(min: number, max: number): string {
  if (min === 0 && max === Infinity) return "*";
  if (min === 1 && max === Infinity) return "+";
  if (min === 0 && max === 1) return "?";
  return max === Infinity ? `{${min},}` : min === max ? `{${min}}` : `{${min},${max}}`;
}

/** Whether case is ignored by all, none or some of the characters. */
export function caseModeOf(node: RegexNode): "all" | "none" | "mixed" {
  let some = false;
  let all = true;
  walkRegex(node, (part) => {
    if (part.kind !== "chars") return;
    some ||= part.ignoreCase;
    all &&= part.ignoreCase;
  });
  return !some ? "none" : all ? "all" : "mixed";
}

/** Calls `visit` for every node, parents first. */
export function walkRegex(node: RegexNode, visit: (node: RegexNode) => void): void {
  visit(node);
  if (node.kind === "sequence" || node.kind === "alternatives") for (const item of node.items) walkRegex(item, visit);
  else if (node.kind === "repeat" || node.kind === "group" || node.kind === "look") walkRegex(node.item, visit);
}

/**
 * Literals (folded) of which at least one occurs in every text that matches, the most telling such set; undefined where
 * nothing is sure. Shorter than two characters counts as nothing.
 */
export function regexLiterals(node: RegexNode): readonly string[] | undefined {
  switch (node.kind) {
    case "chars":
    case "assertion":
    case "look":
    case "reference":
      return undefined;
    case "group":
      return regexLiterals(node.item);
    case "repeat":
      return node.min > 0 ? regexLiterals(node.item) : undefined;
    case "alternatives": {
      const union: string[] = [];
      for (const item of node.items) {
        const literals = regexLiterals(item.kind === "chars" ? { kind: "sequence", items: [item] } : item);
        if (!literals) return undefined;
        union.push(...literals);
      }
      return union.length > 0 && union.length <= 32 ? union : undefined;
    }
    case "sequence": {
      let best: readonly string[] | undefined;
      const weigh = (set: readonly string[]): number => Math.min(...set.map((literal) => literal.length)) - Math.log2(set.length);
      const offer = (set: readonly string[] | undefined): void => {
        if (set && set.every((literal) => literal.length >= 2) && (!best || weigh(set) > weigh(best))) best = set;
      };
      let run = "";
      for (const item of node.items) {
        if (item.kind === "chars" && item.literal !== undefined) run += item.literal;
        else {
          offer(run === "" ? undefined : [run.toLowerCase()]);
          run = "";
          offer(regexLiterals(item));
        }
      }
      offer(run === "" ? undefined : [run.toLowerCase()]);
      return best;
    }
  }
}
