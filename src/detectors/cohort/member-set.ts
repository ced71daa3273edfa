import { mix } from "../behaviour/generation-cache.ts";

/**
 * Slots of sources with the second of their latest event, in order of their first: 16 to 24 bytes each. A plain record: thousands
 * are made and dropped in a flood of probes. Read `slots` and `seconds` up to `size`.
 */
export interface MemberSet {
  size: number;
  slots: Uint32Array;
  seconds: Uint32Array;
  /** Index + 1 of a member by its slot, open addressing, at most half used; made when there are too many to look through. */
  places: Uint32Array | undefined;
}
export type MemberSetState = { readonly slots: Uint32Array; readonly seconds: Uint32Array };

const few = 16;
const noNumbers = new Uint32Array(0);

export function memberSet(): MemberSet {
  return { size: 0, slots: noNumbers, seconds: noNumbers, places: undefined };
}

/** Notes an event of a source; true where the source is new here. */
export function setMember(set: MemberSet, slot: number, second: number): boolean {
  const at = find(set, slot);
  if (at >= 0) {
    set.seconds[at] = second;
    return false;
  }
  if (set.size === set.slots.length) resize(set, Math.max(4, set.size * 2));
  set.slots[set.size] = slot;
  set.seconds[set.size] = second;
  set.size++;
  if (set.places !== undefined) put(set, set.places, set.size - 1);
  return true;
}

export function hasMember(set: MemberSet, slot: number): boolean {
  return find(set, slot) >= 0;
}

/** Forgets whose latest event is earlier. */
export function keepMembersSince(set: MemberSet, second: number): void {
  let kept = 0;
  for (let i = 0; i < set.size; i++) {
    if ((set.seconds[i] as number) < second) continue;
    set.slots[kept] = set.slots[i] as number;
    set.seconds[kept] = set.seconds[i] as number;
    kept++;
  }
  if (kept === set.size) return;
  set.size = kept;
  // Made anew only where much was freed: every hour some are forgotten.
  if (kept < set.slots.length / 4) resize(set, Math.max(4, kept));
  else if (set.places !== undefined) {
    set.places.fill(0);
    for (let i = 0; i < kept; i++) put(set, set.places, i);
  }
}

export function saveMembers(set: MemberSet): MemberSetState {
  return { slots: set.slots.slice(0, set.size), seconds: set.seconds.slice(0, set.size) };
}

export function loadMembers(state: MemberSetState): MemberSet {
  const set: MemberSet = { size: state.slots.length, slots: state.slots, seconds: state.seconds, places: undefined };
  resize(set, Math.max(4, set.size));
  return set;
}

function resize(set: MemberSet, room: number): void {
  const { slots, seconds, size } = set;
  set.slots = new Uint32Array(room);
  set.seconds = new Uint32Array(room);
  set.slots.set(slots.subarray(0, size));
  set.seconds.set(seconds.subarray(0, size));
  set.places = undefined;
  if (room <= few) return;
  const places = new Uint32Array(2 ** Math.ceil(Math.log2(room * 2)));
  for (let i = 0; i < size; i++) put(set, places, i);
  set.places = places;
}

function put(set: MemberSet, places: Uint32Array, i: number): void {
  let place = mix(set.slots[i] as number) & (places.length - 1);
  while (places[place] !== 0) place = (place + 1) & (places.length - 1);
  places[place] = i + 1;
}

function find(set: MemberSet, slot: number): number {
  const { slots, size, places } = set;
  if (places === undefined) {
    for (let i = 0; i < size; i++) if (slots[i] === slot) return i;
    return -1;
  }
  const mask = places.length - 1;
  let place = mix(slot) & mask;
  for (;;) {
    const found = places[place] as number;
    if (found === 0) return -1;
    if (slots[found - 1] === slot) return found - 1;
    place = (place + 1) & mask;
  }
}
