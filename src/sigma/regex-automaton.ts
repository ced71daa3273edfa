import { RegexFault } from "./regex-class.ts";
import type { AssertionType, RegexNode } from "./regex-tree.ts";

const maxStates = 4_000;

interface State {
  /** Takes a character where set; else the state is free. */
  chars: Uint8Array | undefined;
  slow: RegExp | undefined;
  assertion: AssertionType | undefined;
  next: number;
  /** Second way out, or -1. */
  other: number;
}

/** A regular expression that runs in time states × text length, whatever the text (Thompson's construction). */
export interface Automaton {
  readonly states: number;
  test(text: string): boolean;
}

/** Builds the automaton; undefined where the tree has look-around or references, which are not regular. @throws RegexFault where it is too large. */
export function buildAutomaton(tree: RegexNode): Automaton | undefined {
  const states: State[] = [];
  const add = (state: Partial<State>): number => {
    if (states.length >= maxStates) throw new RegexFault(`it needs more than ${maxStates} states`);
    states.push({ chars: undefined, slow: undefined, assertion: undefined, next: -1, other: -1, ...state });
    return states.length - 1;
  };
  let regular = true;
  const tables = new Map<string, { chars: Uint8Array; slow: RegExp }>();
  /** Builds `node` so that it leads to `next`; gives its first state. */
  const build = (node: RegexNode, next: number): number => {
    switch (node.kind) {
      case "chars": {
        const key = `${node.ignoreCase}${node.source}`;
        let table = tables.get(key);
        if (!table) tables.set(key, (table = charTable(node.source, node.ignoreCase)));
        return add({ ...table, next });
      }
      case "sequence":
        return node.items.reduceRight((after, item) => build(item, after), next);
      case "alternatives":
        return node.items.map((item) => build(item, next)).reduceRight((other, first) => add({ next: first, other }));
      case "group":
        return build(node.item, next);
      case "assertion":
        return add({ assertion: node.type, next });
      case "repeat": {
        let start = next;
        if (node.max === Infinity) {
          const split = add({ other: next });
          (states[split] as State).next = build(node.item, split);
          start = split;
        } else for (let i = node.min; i < node.max; i++) start = add({ next: build(node.item, start), other: next });
        for (let i = 0; i < node.min; i++) start = build(node.item, start);
        return start;
      }
      case "look":
      case "reference":
        regular = false;
        return next;
    }
  };
  const accept = add({});
  const start = build(tree, accept);
  return regular ? { states: states.length, test: runner(states, start, accept) } : undefined;
}

function charTable(source: string, ignoreCase: boolean): { chars: Uint8Array; slow: RegExp } {
  const slow = new RegExp(`^${source}$`, ignoreCase ? "ui" : "u");
  const chars = new Uint8Array(128);
  for (let i = 0; i < 128; i++) chars[i] = slow.test(String.fromCharCode(i)) ? 1 : 0;
  return { chars, slow };
}

function runner(states: readonly State[], start: number, accept: number): (text: string) => boolean {
  const marks = new Int32Array(states.length);
  let mark = 0;
  let current = new Int32Array(states.length);
  let following = new Int32Array(states.length);
  const stack = new Int32Array(states.length * 2 + 2);
  return (text) => {
    if (mark > 2_000_000_000) {
      marks.fill(0);
      mark = 0;
    }
    let size = 0;
    /** Adds a state and all that is free to reach; true where that accepts. */
    const reach = (list: Int32Array, first: number, at: number): boolean => {
      let depth = 0;
      stack[depth++] = first;
      while (depth > 0) {
        const index = stack[--depth] as number;
        if (marks[index] === mark) continue;
        marks[index] = mark;
        if (index === accept) return true;
        const state = states[index] as State;
        if (state.chars) list[size++] = index;
        else if (!state.assertion || holds(state.assertion, text, at)) {
          if (state.other >= 0) stack[depth++] = state.other;
          stack[depth++] = state.next;
        }
      }
      return false;
    };
    mark++;
    if (reach(current, start, 0)) return true;
    for (let at = 0; at < text.length;) {
      const point = text.codePointAt(at) as number;
      const end = at + (point > 0xffff ? 2 : 1);
      const char = point > 127 ? String.fromCodePoint(point) : "";
      const count = size;
      size = 0;
      mark++;
      for (let i = 0; i < count; i++) {
        const state = states[current[i] as number] as State;
        const takes = point > 127 ? (state.slow as RegExp).test(char) : (state.chars as Uint8Array)[point] === 1;
        if (takes && reach(following, state.next, end)) return true;
      }
      if (reach(following, start, end)) return true;
      [current, following] = [following, current];
      at = end;
    }
    return false;
  };
}

function holds(type: AssertionType, text: string, at: number): boolean {
  switch (type) {
    case "start":
      return at === 0;
    case "end":
      return at === text.length;
    case "final-end":
      return at === text.length || (at === text.length - 1 && text[at] === "\n");
    case "line-start":
      return at === 0 || text[at - 1] === "\n";
    case "line-end":
      return at === text.length || text[at] === "\n";
    case "word":
      return isWord(text, at - 1) !== isWord(text, at);
    case "no-word":
      return isWord(text, at - 1) === isWord(text, at);
  }
}

function isWord(text: string, at: number): boolean {
  return at >= 0 && at < text.length && /\w/.test(text[at] as string);
}
