/**
 * Observations of one group in order of event time; equal times keep their order of arrival. Numbers lie in typed arrays
 * that grow by doubling; the front is dropped without moving the rest.
 */
export interface SlidingWindow {
  readonly size: number;
  /** Places allocated: what counts against the memory bound. */
  readonly capacity: number;
  time(index: number): number;
  weight(index: number): number;
  tag(index: number): Tag;
  insert(time: number, weight: number, tag: Tag): void;
  /** Drops the `count` oldest. */
  dropFront(count: number): void;
  /** Keeps those that pass; asked from the newest to the oldest. */
  keep(test: (index: number) => boolean): void;
  /** Index of the first observation after `time`. */
  after(time: number): number;
}

/** What an observation carries: a value (text or number), or the index of a rule. */
export type Tag = string | number;

/** An empty window, with tags only where asked for. */
export function slidingWindow(tagged: boolean): SlidingWindow {
  let times = new Float64Array(4);
  let weights = new Float64Array(4);
  let tags: Tag[] = [];
  let head = 0;
  let end = 0;

  const makeRoom = (): void => {
    if (end < times.length) return;
    const size = end - head;
    if (head > 0 && head >= times.length >> 1) {
      times.copyWithin(0, head, end);
      weights.copyWithin(0, head, end);
    } else {
      const wider = new Float64Array(times.length * 2);
      wider.set(times.subarray(head, end));
      const heavier = new Float64Array(times.length * 2);
      heavier.set(weights.subarray(head, end));
      times = wider;
      weights = heavier;
    }
    if (tagged) tags = tags.slice(head, end);
    head = 0;
    end = size;
  };
  const after = (time: number): number => {
    // Most questions are about the end or the start.
    if (end === head || (times[end - 1] as number) <= time) return end - head;
    let low = head;
    let high = end - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((times[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return low - head;
  };
  return {
    get size() {
      return end - head;
    },
    get capacity() {
      return times.length;
    },
    time: (index) => times[head + index] as number,
    weight: (index) => weights[head + index] as number,
    tag: (index) => (tagged ? (tags[head + index] as Tag) : 0),
    insert(time, weight, tag) {
      makeRoom();
      const place = head + after(time);
      if (place < end) {
        times.copyWithin(place + 1, place, end);
        weights.copyWithin(place + 1, place, end);
        if (tagged) tags.splice(place, 0, tag);
      } else if (tagged) tags[end] = tag;
      times[place] = time;
      weights[place] = weight;
      end++;
    },
    dropFront(count) {
      if (count <= 0) return;
      const dropped = Math.min(count, end - head);
      if (tagged) tags.fill(0, head, head + dropped);
      head += dropped;
      if (head === end) {
        head = 0;
        end = 0;
        tags = [];
      }
    },
    keep(test) {
      let write = end;
      for (let read = end - 1; read >= head; read--) {
        if (!test(read - head)) continue;
        write--;
        times[write] = times[read] as number;
        weights[write] = weights[read] as number;
        if (tagged) tags[write] = tags[read] as Tag;
      }
      if (tagged) tags.fill(0, head, write);
      head = write;
    },
    after,
  };
}
