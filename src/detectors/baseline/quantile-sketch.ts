/**
 * Quantile sketch with a relative error of 5 % over logarithmic bins (DDSketch: Masson, Rim, Lee, 2019), in 2 KB whatever
 * it is fed. Values from 0 to about 10^10; counts are halved past `memory`, so that it follows a site that changes.
 */
export interface QuantileSketch {
  add(value: number): void;
  /** P(a value of the sketch is at least `value`), never 0: half an observation stands for what has not been seen. */
  tail(value: number): number;
  quantile(q: number): number;
  readonly size: number;
  snapshot(): QuantileState;
  restore(state: QuantileState): void;
}
export type QuantileState = { readonly bins: Float64Array<ArrayBuffer>; readonly size: number };

const bins = 256;
const growth = Math.log(1.1);
const memory = 20_000;

export function quantileSketch(): QuantileSketch {
  let counts = new Float64Array(bins);
  let size = 0;
  const binOf = (value: number): number => (value >= 1 ? Math.min(bins - 1, 1 + Math.floor(Math.log(value) / growth)) : 0);
  return {
    add(value) {
      const bin = binOf(value);
      counts[bin] = (counts[bin] as number) + 1;
      size++;
      if (size < memory) return;
      size = 0;
      for (let i = 0; i < bins; i++) size += counts[i] = (counts[i] as number) / 2;
    },
    tail(value) {
      let above = 0;
      for (let i = binOf(value); i < bins; i++) above += counts[i] as number;
      return (above + 0.5) / (size + 1);
    },
    quantile(q) {
      let below = 0;
      for (let i = 0; i < bins; i++) {
        below += counts[i] as number;
        if (below >= q * size && below > 0) return i === 0 ? 0 : Math.exp((i - 0.5) * growth);
      }
      return 0;
    },
    get size() {
      return size;
    },
    snapshot: () => ({ bins: counts.slice(), size }),
    restore(state) {
      counts = state.bins.slice();
      size = state.size;
    },
  };
}
