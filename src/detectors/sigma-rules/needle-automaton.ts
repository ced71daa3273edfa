/** A literal in lower case that a value must contain, and the number that its finding reports. */
export interface Needle {
  readonly text: string;
  readonly id: number;
}

/** Finds which needles a text contains. */
export interface NeedleAutomaton {
  /** Ids of needles that `text`, in lower case, may contain: none is missed, and each is given once; `noIds` where there are none. */
  scan(text: string): readonly number[];
  /** Whether a glance tells that no needle is in `text`. */
  isOutOfQuestion(text: string): boolean;
}

/** The empty answer of `scan`: compare by identity. */
export const noIds: readonly number[] = Object.freeze([]);

/** Longest tail of a needle that is looked for, so that long lists of long needles stay small. */
const tailLength = 24;
/** Over this many characters of needles the tails are shortened: big public rule sets must fit too. */
const shortenOver = 60_000;

/**
 * Aho and Corasick's automaton (Efficient string matching, 1975) over all needles of a field, as one dense table: a step
 * a character, whatever the number of needles. Only the tail of a needle is looked for, which may report one too many and
 * never one too few; the rule itself decides.
 */
export function needleAutomaton(needles: readonly Needle[]): NeedleAutomaton {
  let characters = 0;
  for (const needle of needles) characters += Math.min(needle.text.length, tailLength);
  const limit = characters > shortenOver ? 8 : tailLength;
  const classes = new Uint16Array(65_536);
  let classCount = 1;
  const tails = needles.map(({ text, id }) => ({ tail: text.slice(-limit), id }));
  for (const { tail } of tails) {
    for (let i = 0; i < tail.length; i++) {
      const code = tail.charCodeAt(i);
      if (classes[code] === 0) classes[code] = classCount++;
    }
  }
  const trie: Map<number, number>[] = [new Map()];
  const found: Set<number>[] = [new Set()];
  for (const { tail, id } of tails) {
    let state = 0;
    for (let i = 0; i < tail.length; i++) {
      const letter = classes[tail.charCodeAt(i)] as number;
      const edges = trie[state] as Map<number, number>;
      let next = edges.get(letter);
      if (next === undefined) {
        next = trie.push(new Map()) - 1;
        found.push(new Set());
        edges.set(letter, next);
      }
      state = next;
    }
    (found[state] as Set<number>).add(id);
  }
  // Breadth first, so that the shorter suffix a state falls back to is complete before the state is.
  const table = new Int32Array(trie.length * classCount);
  const fallback = new Int32Array(trie.length);
  const queue: number[] = [...(trie[0] as Map<number, number>).values()];
  for (const [letter, next] of trie[0] as Map<number, number>) table[letter] = next;
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] as number;
    const back = fallback[state] as number;
    for (const id of found[back] as Set<number>) (found[state] as Set<number>).add(id);
    table.copyWithin(state * classCount, back * classCount, (back + 1) * classCount);
    for (const [letter, next] of trie[state] as Map<number, number>) {
      fallback[next] = table[back * classCount + letter] as number;
      table[state * classCount + letter] = next;
      queue.push(next);
    }
  }
  const outputs = found.map((ids) => (ids.size === 0 ? undefined : [...ids]));
  // A step then is one addition and one look: entries are the places of rows, and below zero where something is found.
  for (let i = 0; i < table.length; i++) {
    const state = table[i] as number;
    table[i] = outputs[state] ? ~(state * classCount) : state * classCount;
  }
  const always = outputs[0] ?? noIds;
  // Capital letters take the steps of small ones, so that ordinary text need not be folded first.
  for (let code = 65; code <= 90; code++) classes[code] = classes[code + 32] as number;
  const gate = rarestCommonCharacter(tails.map(({ tail }) => tail));
  const search = (text: string): readonly number[] | undefined => {
    let state = 0;
    let codes = 0;
    let hits: Set<number> | undefined;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      codes |= code;
      state = table[state + (classes[code] as number)] as number;
      if (state < 0) {
        state = ~state;
        hits ??= new Set(always);
        for (const id of outputs[state / classCount] as number[]) hits.add(id);
      }
    }
    // Beyond ASCII, case is more than a letter for a letter.
    if (codes > 127) return undefined;
    return hits ? [...hits].toSorted((a, b) => a - b) : always;
  };
  const searchFolded = (text: string): readonly number[] => {
    const hits = new Set(always);
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      state = table[state + (classes[text.charCodeAt(i)] as number)] as number;
      if (state >= 0) continue;
      state = ~state;
      for (const id of outputs[state / classCount] as number[]) hits.add(id);
    }
    return hits.size > 0 ? [...hits].toSorted((a, b) => a - b) : noIds;
  };
  const isOutOfQuestion = (text: string): boolean => gate !== undefined && !text.includes(gate);
  return { scan: (text) => (isOutOfQuestion(text) ? noIds : (search(text) ?? searchFolded(text.toLowerCase()))), isOutOfQuestion };
}

/** A character that every needle has and ordinary text hardly: where it is missing nothing need be searched. */
function rarestCommonCharacter(needles: readonly string[]): string | undefined {
  return "${}<>`|\\^~\"'()*;!@#".split("").find((character) => needles.length > 0 && needles.every((needle) => needle.includes(character)));
}
