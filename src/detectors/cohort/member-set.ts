import { mix } from "../behaviour/generation-cache.ts";

/** Slots of sources with the second of their latest event, in order of their first: 16 to 24 bytes each. */
export interface MemberSet {
  readonly size: number;
  /** Notes the event; true where the source is new here. */
  set(slot: number, second: number): boolean;
  has(slot: number): boolean;
  /** The `i`-th member, below `size`, and its latest second. */
  slotAt(i: number): number;
  secondAt(i: number): number;
  /** Forgets whose latest event is earlier. */
  keepSince(second: number): void;
  snapshot(): MemberSetState;
}
export type MemberSetState = { readonly slots: Uint32Array; readonly seconds: Uint32Array };

export function memberSet(state?: MemberSetState): MemberSet {
  let size = state?.slots.length ?? 0;
  let slots = new Uint32Array(Math.max(4, size));
  let seconds = new Uint32Array(Math.max(4, size));
  if (state) {
    slots.set(state.slots);
    seconds.set(state.seconds);
  }
  // Index + 1 of a member by its slot, open addressing, at most half used; made when there are too many to look through.
  let places: Uint32Array | undefined;
  const put = (into: Uint32Array, i: number): void => {
    let place = mix(slots[i] as number) & (into.length - 1);
    while (into[place] !== 0) place = (place + 1) & (into.length - 1);
    into[place] = i + 1;
  };
  const index = (): void => {
    places = undefined;
    if (slots.length <= few) return;
    places = new Uint32Array(2 ** Math.ceil(Math.log2(slots.length * 2)));
    for (let i = 0; i < size; i++) put(places, i);
  };
  const find = (slot: number): number => {
    if (places === undefined) {
      for (let i = 0; i < size; i++) if (slots[i] === slot) return i;
      return -1;
    }
    let place = mix(slot) & (places.length - 1);
    for (;;) {
      const found = places[place] as number;
      if (found === 0) return -1;
      if (slots[found - 1] === slot) return found - 1;
      place = (place + 1) & (places.length - 1);
    }
  };
  const grow = (): void => {
    const old = [slots, seconds] as const;
    slots = new Uint32Array(size * 2);
    seconds = new Uint32Array(size * 2);
    slots.set(old[0]);
    seconds.set(old[1]);
    index();
  };
  index();
  return {
    get size() {
      return size;
    },
    set(slot, second) {
      const at = find(slot);
      if (at >= 0) {
        seconds[at] = second;
        return false;
      }
      if (size === slots.length) grow();
      slots[size] = slot;
      seconds[size] = second;
      size++;
      if (places !== undefined) put(places, size - 1);
      return true;
    },
    has: (slot) => find(slot) >= 0,
    slotAt: (i) => slots[i] as number,
    secondAt: (i) => seconds[i] as number,
    keepSince(second) {
      let kept = 0;
      for (let i = 0; i < size; i++) {
        if ((seconds[i] as number) < second) continue;
        slots[kept] = slots[i] as number;
        seconds[kept] = seconds[i] as number;
        kept++;
      }
      if (kept === size) return;
      size = kept;
      index();
    },
    snapshot: () => ({ slots: slots.slice(0, size), seconds: seconds.slice(0, size) }),
  };
}

const few = 16;
