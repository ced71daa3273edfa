/**
 * A small registry in the Prometheus text exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Label values are escaped: they may come from logs.
 */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  /** `buckets` are upper bounds in ascending order, without +Inf. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
  /** Every metric as text. */
  render(): string;
}

export interface Counter {
  add(amount: number, ...labels: readonly string[]): void;
}

export interface Gauge {
  set(value: number, ...labels: readonly string[]): void;
}

export interface Histogram {
  observe(value: number): void;
  /** Upper bound of the bucket in which the quantile lies; 0 without observations. */
  quantile(share: number): number;
}

/** At most this many label combinations a metric: what attackers write must not grow the page without bound. */
const seriesCap = 1_000;

/** An empty registry. Names and labels are literals of the program, so a wrong one throws. */
export function metricsRegistry(): Metrics {
  const sections = new Map<string, () => string>();
  const register = (name: string, type: string, help: string, body: () => string): void => {
    if (!/^[a-z][a-z0-9_]*$/.test(name) || sections.has(name)) throw new TypeError(`metric name: ${name}`);
    sections.set(name, () => `# HELP ${name} ${help.replace(/[\\\n]/g, " ")}\n# TYPE ${name} ${type}\n${body()}`);
  };
  const series = (name: string, type: string, help: string, labels: readonly string[]): Map<string, number> => {
    const values = new Map<string, number>(labels.length === 0 ? [["", 0]] : []);
    register(name, type, help, () => [...values].map(([key, value]) => `${name}${key} ${value}\n`).join(""));
    return values;
  };
  const key = (labels: readonly string[], values: readonly string[]): string =>
    labels.length === 0 ? "" : `{${labels.map((label, index) => `${label}="${escapeLabel(values[index] ?? "")}"`).join(",")}}`;
  const room = (values: Map<string, number>, at: string): boolean => values.has(at) || values.size < seriesCap;
  return {
    counter(name, help, labels = []) {
      const values = series(name, "counter", help, labels);
      return {
        add(amount, ...given) {
          const at = key(labels, given);
          if (room(values, at)) values.set(at, (values.get(at) ?? 0) + amount);
        },
      };
    },
    gauge(name, help, labels = []) {
      const values = series(name, "gauge", help, labels);
      return {
        set(value, ...given) {
          const at = key(labels, given);
          if (room(values, at)) values.set(at, value);
        },
      };
    },
    histogram(name, help, buckets) {
      const counts = new Float64Array(buckets.length + 1);
      let sum = 0;
      let total = 0;
      register(name, "histogram", help, () => {
        let upTo = 0;
        const rows = buckets.map((bound, index) => `${name}_bucket{le="${bound}"} ${(upTo += counts[index] ?? 0)}\n`);
        return `${rows.join("")}${name}_bucket{le="+Inf"} ${total}\n${name}_sum ${sum}\n${name}_count ${total}\n`;
      });
      return {
        observe(value) {
          let index = buckets.findIndex((bound) => value <= bound);
          if (index < 0) index = buckets.length;
          counts[index] = (counts[index] ?? 0) + 1;
          sum += value;
          total += 1;
        },
        quantile(share) {
          let upTo = 0;
          for (let index = 0; index < buckets.length; index++) {
            upTo += counts[index] ?? 0;
            if (total > 0 && upTo >= share * total) return buckets[index] as number;
          }
          return total > 0 ? Number.POSITIVE_INFINITY : 0;
        },
      };
    },
    render: () => [...sections.values()].map((section) => section()).join(""),
  };
}

function escapeLabel(value: string): string {
  return value.slice(0, 200).replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
