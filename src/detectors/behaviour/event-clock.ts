const hour = 3_600_000;
/** Lines that must agree before a jump of over an hour is believed. */
const confirmations = 3;

/**
 * A clock made of event times that one wrong time stamp cannot move. Steps of up to an hour forward are followed, older
 * times within the hour are late lines. A larger jump, either way, is believed once three lines in a row agree with it;
 * until then time stands still. So a line from 2038 expires nothing, and a clock set back does not stop detection.
 */
export interface EventClock {
  /** Takes an event time and gives the time to reckon with, epoch milliseconds. */
  advance(time: number): number;
  readonly now: number;
  snapshot(): EventClockState;
  restore(state: EventClockState): void;
}
export type EventClockState = readonly [now: number, pending: number, agreed: number];

export function eventClock(): EventClock {
  let now = Number.NaN;
  let pending = Number.NaN;
  let agreed = 0;
  return {
    advance(time) {
      const step = time - now;
      if (step >= 0 ? step <= hour : step >= -hour) {
        if (step > 0) now = time;
        agreed = 0;
        return now;
      }
      if (!Number.isFinite(time)) return Number.isNaN(now) ? 0 : now;
      if (Number.isNaN(now)) return (now = time);
      // Time that goes on agrees, whatever the pace: a quiet site has hours between lines.
      agreed = agreed > 0 && time >= pending - hour && time > now === pending > now ? agreed + 1 : 1;
      pending = time;
      if (agreed >= confirmations) {
        now = time;
        agreed = 0;
      }
      return now;
    },
    get now() {
      return now;
    },
    snapshot: () => [now, pending, agreed],
    restore([a, b, c]) {
      now = a;
      pending = b;
      agreed = c;
    },
  };
}
