import { mix } from "./generation-cache.ts";

type ColumnType = "f64" | "f32" | "u32" | "u16" | "u8";
interface ColumnArrays {
  f64: Float64Array;
  f32: Float32Array;
  u32: Uint32Array;
  u16: Uint16Array;
  u8: Uint8Array;
}
const arrays = { f64: Float64Array, f32: Float32Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array };

/** One number (or `width` numbers) of every source, at `slot * width`. `data` is replaced as the table grows: never keep it. */
export interface Column<T extends ColumnType> {
  data: ColumnArrays[T];
}

/** Columns of one owner, kept and restored together. */
export interface ColumnGroup {
  column<T extends ColumnType>(type: T, width?: number): Column<T>;
  /** The keys and the columns of this group. */
  snapshot(): TableState;
  /** Takes keys and columns. Groups of one table are restored one after another from snapshots of the same moment; throws a RangeError else. */
  restore(state: TableState): void;
}

/**
 * Sources by a 64-bit key in open addressing, with columns of numbers, and exact least-recently-seen eviction at the cap. A slot
 * number is stable until its source is evicted. Several owners share one table, so that a source is looked up once an event. Memory: 24
 * bytes a source and the columns; it grows by doubling as sources come.
 */
export interface SourceTable {
  /** Slot of the source, made if new (columns zero); it becomes the most recently seen. `fresh` tells whether it was new. */
  touch(high: number, low: number): number;
  readonly fresh: boolean;
  readonly size: number;
  readonly evictions: number;
  /** @param onEvict Told of a slot before its source is forgotten, for state kept outside the columns. */
  group(onEvict?: (slot: number) => void): ColumnGroup;
  high(slot: number): number;
  low(slot: number): number;
}

export interface TableState {
  readonly evictions: number;
  readonly highs: Uint32Array;
  readonly lows: Uint32Array;
  /** Slots, the most recently seen first. */
  readonly order: Uint32Array;
  readonly columns: readonly (Float64Array | Float32Array | Uint32Array | Uint16Array | Uint8Array)[];
}

const none = 0xffffffff;

interface Group {
  readonly onEvict: ((slot: number) => void) | undefined;
  readonly columns: { type: ColumnType; width: number; column: Column<ColumnType> }[];
}

/** @param cap Sources kept at most. */
export function sourceTable(cap: number): SourceTable {
  let room = Math.min(cap, 1_024);
  let size = 0;
  let evictions = 0;
  let fresh = false;
  let head = none;
  let tail = none;
  let highs = new Uint32Array(room);
  let lows = new Uint32Array(room);
  let previous = new Uint32Array(room);
  let next = new Uint32Array(room);
  // Hash places hold slot + 1; at most half are used.
  let places = new Uint32Array(placesFor(room));
  const groups: Group[] = [];
  /** The group that loaded the keys, until a source is touched. */
  let loadedBy: Group | undefined;

  const home = (high: number, low: number): number => mix(Math.imul(high, 0x9e3779b1) ^ low) & (places.length - 1);
  const put = (slot: number): void => {
    const mask = places.length - 1;
    let place = home(highs[slot] as number, lows[slot] as number);
    while (places[place] !== 0) place = (place + 1) & mask;
    places[place] = slot + 1;
  };
  /** Backward-shift deletion (Knuth 6.4, algorithm R): no tombstones, so searches stay short for ever. */
  const remove = (slot: number): void => {
    const mask = places.length - 1;
    let place = home(highs[slot] as number, lows[slot] as number);
    while (places[place] !== slot + 1) place = (place + 1) & mask;
    let hole = place;
    for (;;) {
      place = (place + 1) & mask;
      const other = places[place] as number;
      if (other === 0) break;
      const wanted = home(highs[other - 1] as number, lows[other - 1] as number);
      if (((place - wanted) & mask) >= ((place - hole) & mask)) {
        places[hole] = other;
        hole = place;
      }
    }
    places[hole] = 0;
  };
  const resize = (wanted: number): void => {
    room = wanted;
    const longer = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const fresh = new Uint32Array(room);
      fresh.set(old.subarray(0, Math.min(old.length, room)));
      return fresh;
    };
    highs = longer(highs);
    lows = longer(lows);
    previous = longer(previous);
    next = longer(next);
    for (const { columns } of groups) {
      for (const { type, width, column } of columns) {
        const data = new arrays[type](room * width);
        data.set(column.data.subarray(0, Math.min(column.data.length, data.length)));
        column.data = data;
      }
    }
    places = new Uint32Array(placesFor(room));
    for (let slot = 0; slot < size; slot++) put(slot);
  };
  const unlink = (slot: number): void => {
    const before = previous[slot] as number;
    const after = next[slot] as number;
    if (before === none) head = after;
    else next[before] = after;
    if (after === none) tail = before;
    else previous[after] = before;
  };
  const linkFirst = (slot: number): void => {
    previous[slot] = none;
    next[slot] = head;
    if (head === none) tail = slot;
    else previous[head] = slot;
    head = slot;
  };
  const claim = (): number => {
    if (size < cap) {
      if (size === room) resize(Math.min(cap, room * 2));
      return size++;
    }
    const slot = tail;
    evictions++;
    unlink(slot);
    remove(slot);
    for (const { columns, onEvict } of groups) {
      onEvict?.(slot);
      for (const { width, column } of columns) column.data.fill(0, slot * width, (slot + 1) * width);
    }
    return slot;
  };

  const order = (): Uint32Array => {
    const out = new Uint32Array(size);
    let slot = head;
    for (let i = 0; i < size; i++) {
      out[i] = slot;
      slot = next[slot] as number;
    }
    return out;
  };
  /** Forgets all and takes the keys of a snapshot. */
  const load = (state: TableState): void => {
    for (const { columns, onEvict } of groups) {
      if (onEvict) for (let slot = 0; slot < size; slot++) onEvict(slot);
      for (const { column } of columns) column.data.fill(0);
    }
    evictions = state.evictions;
    head = none;
    tail = none;
    size = 0;
    resize(Math.min(cap, Math.max(1_024, 2 ** Math.ceil(Math.log2(state.lows.length + 1)))));
    size = state.lows.length;
    highs.set(state.highs);
    lows.set(state.lows);
    for (let slot = 0; slot < size; slot++) put(slot);
    for (let i = size - 1; i >= 0; i--) linkFirst(state.order[i] as number);
  };
  const holds = (state: TableState): boolean => {
    if (state.lows.length !== size || state.evictions !== evictions) return false;
    for (let slot = 0; slot < size; slot++) if (state.lows[slot] !== lows[slot] || state.highs[slot] !== highs[slot]) return false;
    const own = order();
    for (let i = 0; i < size; i++) if (state.order[i] !== own[i]) return false;
    return true;
  };

  return {
    touch(high, low) {
      loadedBy = undefined;
      const mask = places.length - 1;
      let place = home(high, low);
      for (;;) {
        const found = places[place] as number;
        if (found === 0) break;
        const slot = found - 1;
        if (lows[slot] === low && highs[slot] === high) {
          fresh = false;
          if (slot !== head) {
            unlink(slot);
            linkFirst(slot);
          }
          return slot;
        }
        place = (place + 1) & mask;
      }
      fresh = true;
      const slot = claim();
      highs[slot] = high;
      lows[slot] = low;
      put(slot);
      linkFirst(slot);
      return slot;
    },
    get fresh() {
      return fresh;
    },
    get size() {
      return size;
    },
    get evictions() {
      return evictions;
    },
    group(onEvict) {
      const group: Group = { onEvict, columns: [] };
      groups.push(group);
      return {
        column<T extends ColumnType>(type: T, width = 1): Column<T> {
          const column = { data: new arrays[type](room * width) } as unknown as Column<T>;
          group.columns.push({ type, width, column: column as unknown as Column<ColumnType> });
          return column;
        },
        snapshot: () => ({
          evictions,
          highs: highs.slice(0, size),
          lows: lows.slice(0, size),
          order: order(),
          columns: group.columns.map(({ width, column }) => column.data.slice(0, size * width)),
        }),
        restore(state) {
          if (state.lows.length > cap || state.columns.length !== group.columns.length) throw new RangeError("source table of another shape");
          if (loadedBy === undefined || loadedBy === group) load(state);
          else if (!holds(state)) throw new RangeError("source table of another moment");
          loadedBy ??= group;
          group.columns.forEach(({ column }, i) => column.data.set(state.columns[i] as Float64Array));
        },
      };
    },
    high: (slot) => highs[slot] as number,
    low: (slot) => lows[slot] as number,
  };
}

function placesFor(room: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, room * 2)));
}
