import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import type { Episode } from "../episodes.ts";
import type { Trail } from "./trail.ts";
import type { WindowState } from "./window-counts.ts";

/** All that is kept of one group: an address, a user, or whatever correlations count by. Lists are made when first needed. */
export interface Cell {
  readonly key: string;
  /** Event time of its newest line. */
  newest: number;
  /** Windows by the correlation's place in the table. */
  windows: (WindowState | undefined)[] | undefined;
  /** Lines kept by the slot's place in the table. */
  trails: (Trail | undefined)[] | undefined;
  /** Open episode by the correlation's place. One that is over is an empty husk. */
  episodes: (Episode | undefined)[] | undefined;
}

/** Cells of one list of group-by fields, shared by every correlation that counts by it: an event is looked up once for all of them. */
export interface Cells {
  /** The cell of the event's group, made where there is none; undefined where a field is absent: such an event belongs to no group. */
  of(event: LogEvent, time: number): Cell | undefined;
  /** The cell of a group whose key is known. */
  ofKey(key: string, time: number): Cell;
  /** The cell's list, made where there is none. */
  windowsOf(cell: Cell): (WindowState | undefined)[];
  trailsOf(cell: Cell): (Trail | undefined)[];
  episodesOf(cell: Cell): (Episode | undefined)[];
  /** Tells of words that a cell took or gave back: what counts against the memory bound. */
  grew(by: number): void;
  /** Lets go of what can no longer matter at `time`. */
  expire(time: number): void;
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
  readonly budget: Budget;
}

/** Memory that tables share. Words are of eight bytes, counted roughly. */
export interface Budget {
  readonly most: number;
  held: number;
  /** Lets go of the older half of the table that holds most. */
  relieve(time: number): void;
  join(table: { readonly held: number; drop(time: number): void }): void;
}

export function budget(most: number): Budget {
  const tables: { readonly held: number; drop(time: number): void }[] = [];
  return {
    most,
    held: 0,
    join: (table) => void tables.push(table),
    relieve: (time) => tables.reduce((a, b) => (b.held > a.held ? b : a)).drop(time),
  };
}

interface Generation {
  readonly cells: Map<string, Cell>;
  /** Words in the cells, roughly. */
  held: number;
}

interface CellsState {
  readonly young: Generation;
  readonly old: Generation;
  readonly since: number;
  readonly evictions: number;
}

const separator = "\u001F";
/** Words of a cell without its lists, with its place in the map. */
const cellPlaces = 24;

/**
 * Cells in two generations: when the younger is older than `span`, holds `maxKeys / 2` cells, or all tables together hold more than
 * their budget and this one most of it, it becomes the older one, which is dropped. What is seen again moves to the younger one, and
 * nothing that still matters is dropped for its age. A cell that a budget drops early counts as an eviction, and its group starts anew.
 */
export function makeCells({ fields, correlations, slots, span, maxKeys, budget }: CellsOptions): Cells {
  let young: Generation = { cells: new Map(), held: 0 };
  let old: Generation = { cells: new Map(), held: 0 };
  /** Event time at which the younger generation began. */
  let since = Number.NEGATIVE_INFINITY;
  let evictions = 0;
  let latest: Cell | undefined;
  const mostCells = Math.max(1, Math.floor(maxKeys / 2));
  const [only] = fields;
  const isSingle = fields.length === 1 && only !== undefined;
  const empty = <T>(length: number): (T | undefined)[] => Array.from<T | undefined>({ length }).fill(undefined);
  const noWindows = empty<WindowState>(correlations);
  const noTrails = empty<Trail>(slots);
  const noEpisodes = empty<Episode>(correlations);
  const grew = (by: number): void => {
    young.held += by;
    budget.held += by;
  };
  const put = (cell: Cell): void => {
    young.cells.set(cell.key, cell);
    grew(heldBy(cell));
  };
  const rotate = (time: number, isForced: boolean): void => {
    const gone = old;
    budget.held -= gone.held;
    old = young;
    young = { cells: new Map(), held: 0 };
    since = time;
    latest = undefined;
    for (const cell of gone.cells.values()) {
      if (cell.newest + span < time) continue;
      if (isForced) evictions++;
      else put(cell);
    }
  };
  const find = (key: string, time: number): Cell => {
    let cell = young.cells.get(key);
    if (cell) return cell;
    if (time - since > span) rotate(time, false);
    if (young.cells.size >= mostCells) rotate(time, true);
    else if (budget.held >= budget.most) budget.relieve(time);
    cell = old.cells.get(key);
    if (cell) old.cells.delete(cell.key);
    else cell = { key: ownString(key), newest: Number.NEGATIVE_INFINITY, windows: undefined, trails: undefined, episodes: undefined };
    put(cell);
    return cell;
  };
  const ofKey = (key: string, time: number): Cell => {
    if (latest?.key !== key) latest = find(key, time);
    if (time > latest.newest) latest.newest = time;
    return latest;
  };
  budget.join({
    get held() {
      return young.held + old.held;
    },
    drop: (time) => rotate(time, true),
  });
  return {
    of: (event, time) => {
      const value = isSingle ? event[only] : undefined;
      const key = typeof value === "string" ? value : groupKey(fields, event);
      if (key === undefined) return undefined;
      return ofKey(key, time);
    },
    ofKey,
    windowsOf: (cell) => (cell.windows ??= noWindows.slice()),
    trailsOf: (cell) => (cell.trails ??= noTrails.slice()),
    episodesOf: (cell) => (cell.episodes ??= noEpisodes.slice()),
    grew,
    expire: (time) => {
      if (time - since > span && young.cells.size + old.cells.size > 0) rotate(time, false);
    },
    snapshot: (): CellsState => ({ young, old, since, evictions }),
    restore: (state) => {
      budget.held -= young.held + old.held;
      ({ young, old, since, evictions } = state as CellsState);
      budget.held += young.held + old.held;
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

function heldBy({ windows, trails, episodes }: Cell): number {
  let held = cellPlaces;
  if (windows) for (const window of windows) if (window) held += window.places;
  if (trails) for (const trail of trails) if (trail) held += trail.places;
  return held + (windows?.length ?? 0) + (trails?.length ?? 0) + (episodes?.length ?? 0);
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
