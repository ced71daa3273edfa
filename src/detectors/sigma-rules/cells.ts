import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import type { Episode } from "../episodes.ts";
import type { Trail } from "./trail.ts";
import type { WindowState } from "./window-counts.ts";

/** All that is kept of one group: an address, a user, or whatever correlations count by. */
export interface Cell {
  readonly key: string;
  /** Event time of its newest line. */
  newest: number;
  /** Windows by the correlation's place in the table. */
  readonly windows: (WindowState | undefined)[];
  /** Lines kept by the slot's place in the table. */
  readonly trails: (Trail | undefined)[];
  /** Open episode, or one that is over, by the correlation's place. */
  readonly episodes: (Episode | undefined)[];
}

/** Cells of one list of group-by fields, shared by every correlation that counts by it: an event is looked up once for all of them. */
export interface Cells {
  /** The cell of the event's group, made where there is none; undefined where a field is absent: such an event belongs to no group. */
  of(event: LogEvent, time: number): Cell | undefined;
  /** Tells of numbers or characters that a cell took or gave back: what counts against the memory bound. */
  grew(by: number): void;
  snapshot(): unknown;
  restore(state: unknown): void;
  readonly size: number;
  readonly evictions: number;
}

export interface CellsOptions {
  readonly fields: readonly string[];
  readonly correlations: number;
  readonly slots: number;
  /** Longest time that a cell without new lines still matters, milliseconds. */
  readonly span: number;
  readonly maxKeys: number;
}

interface Generation {
  readonly cells: Map<string, Cell>;
  /** Numbers and characters in the cells, roughly. */
  held: number;
}

/** Numbers and characters kept for each cell on average, before the oldest are dropped. */
const heldPerKey = 400;
const separator = "\u001F";

/**
 * Cells in two generations: when the younger holds `maxKeys / 2` cells, or on average 400 numbers and characters for each of
 * `maxKeys`, it becomes the older one, which is dropped. What is seen again moves to the younger one. Memory: at most about
 * `maxKeys × 4 KB`; a cell seen once costs about 1 KB.
 */
export function makeCells({ fields, correlations, slots, span, maxKeys }: CellsOptions): Cells {
  let young: Generation = { cells: new Map(), held: 0 };
  let old: Generation = { cells: new Map(), held: 0 };
  let evictions = 0;
  let latest: Cell | undefined;
  const mostCells = Math.max(1, Math.floor(maxKeys / 2));
  const mostHeld = Math.max(4_096, (maxKeys / 2) * heldPerKey);
  const [only] = fields;
  const isSingle = fields.length === 1 && only !== undefined;
  const rotate = (time: number): void => {
    for (const cell of old.cells.values()) if (cell.newest + span >= time) evictions++;
    old = young;
    young = { cells: new Map(), held: 0 };
  };
  const find = (key: string, time: number): Cell => {
    let cell = young.cells.get(key);
    if (cell) return cell;
    if (young.cells.size >= mostCells || young.held >= mostHeld) rotate(time);
    cell = old.cells.get(key);
    if (cell) old.cells.delete(cell.key);
    else {
      const empty = <T>(length: number): (T | undefined)[] => Array.from<T | undefined>({ length }).fill(undefined);
      cell = { key: ownString(key), newest: Number.NEGATIVE_INFINITY, windows: empty(correlations), trails: empty(slots), episodes: empty(correlations) };
    }
    young.cells.set(cell.key, cell);
    young.held += heldBy(cell);
    return cell;
  };
  return {
    of: (event, time) => {
      const value = isSingle ? event[only] : undefined;
      const key = typeof value === "string" ? value : groupKey(fields, event);
      if (key === undefined) return undefined;
      if (latest?.key !== key) latest = find(key, time);
      if (time > latest.newest) latest.newest = time;
      return latest;
    },
    grew: (by) => {
      young.held += by;
    },
    snapshot: () => ({ young, old, evictions }),
    restore: (state) => {
      ({ young, old, evictions } = state as { young: Generation; old: Generation; evictions: number });
      latest = undefined;
    },
    get size() {
      return young.cells.size + old.cells.size;
    },
    get evictions() {
      return evictions;
    },
  };
}

function heldBy(cell: Cell): number {
  let held = 16;
  for (const window of cell.windows) if (window) held += window.places;
  for (const trail of cell.trails) if (trail) held += trail.characters;
  return held;
}

/** Texts of the fields, joined as the general correlator joins them; undefined where one is absent. */
export function groupKey(fields: readonly string[], event: LogEvent): string | undefined {
  let key = "";
  for (let i = 0; i < fields.length; i++) {
    const part = textOf(event[fields[i] as string]);
    if (part === undefined) return undefined;
    key = i === 0 ? part : key + separator + part;
  }
  return key;
}

/** Text of a single value, of a list the first. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) && value.length > 0 && !Array.isArray(value[0]) ? textOf(value[0]) : undefined;
}
