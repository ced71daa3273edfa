import type { LogEvent } from "#core/event.ts";
import { ownString } from "#core/own-string.ts";
import { scoreOf, type Contribution, type EvidenceReference, type Signal } from "#core/signal.ts";
import { text, type Language } from "#core/text/text.ts";
import { noSignals, type Detector } from "#contracts/detector.ts";
import type { LogRecord } from "#contracts/source.ts";
import { behaviourReader, noBehaviour, sourceText, webRequest, type Behaviour, type BehaviourReader } from "../behaviour/behaviour.ts";
import { eventClock, type EventClockState } from "../behaviour/event-clock.ts";
import type { TableState } from "../behaviour/source-table.ts";
import { countDistinct, evidenceOf, markDistinct } from "../behaviour/trail.ts";
import { signalId } from "../signal-id.ts";
import { quantileSketch, type QuantileState } from "./quantile-sketch.ts";
import { seasonal, type SeasonalState } from "./seasonal.ts";

export interface BaselineOptions {
  /** Share of source hours that deserve a word: the base of the score. */
  readonly prior?: number;
  /** Log-odds from which a deviation is told. */
  readonly report?: number;
  /** Language of titles. */
  readonly language?: Language;
  readonly reader?: BehaviourReader;
}

interface BaselineState {
  readonly version: 2;
  readonly clock: EventClockState;
  readonly table: TableState;
  readonly sketches: readonly QuantileState[];
  readonly seasons: readonly SeasonalState[];
  readonly site: readonly number[];
}

const hour = 3_600_000;
const words = 8;
const mostEach = 6;
/** Source hours from which the sketches weigh half. */
const shrinkage = 200;

/**
 * What is far from usual here: the hour of a source against all source hours of the site (tail probability in a quantile sketch) and against
 * its own hours, and the site's hour against the same hour of other days. Evidence is -ln(tail) - 1, of mean 0 where nothing is wrong
 * (-ln U has mean 1), shrunk by n / (n + 200), summed; later terms, which go with the rate, count half. Worth telling, never worth acting on:
 * no signal is actionable. Stated rate: odds of 9 : 1 from a prior of one source hour in 1,000, and only with errors or many paths in it.
 */
export function baselineDetector(options: BaselineOptions = {}): Detector {
  const language = options.language ?? "en";
  const { read, table } = options.reader ?? behaviourReader();
  const prior = options.prior ?? 0.001;
  const base = Math.log(prior / (1 - prior));
  const report = options.report ?? Math.log(9);
  const clock = eventClock();
  const group = table.group();
  const hours = group.column("u32");
  const firsts = group.column("f64");
  const counts = group.column("u32");
  const failures = group.column("u32");
  const bytes = group.column("f64");
  const paths = group.column("u32", words);
  const usual = group.column("f32");
  const known = group.column("u16");
  const rates = quantileSketch();
  const errors = quantileSketch();
  const distinct = quantileSketch();
  const volumes = quantileSketch();
  const siteRate = seasonal(0.7);
  const siteErrors = seasonal(0.8);
  let siteHour = Number.NaN;
  let siteCount = 0;
  let siteFailures = 0;
  let siteFirst = 0;

  /** Ends a source's hour: it becomes one observation of the site and of the source. */
  const close = (slot: number): void => {
    const count = counts.data[slot] as number;
    if (count > 0) {
      rates.add(count);
      errors.add(failures.data[slot] as number);
      distinct.add(countDistinct(paths.data, slot * words, words));
      volumes.add(bytes.data[slot] as number);
      const seen = known.data[slot] as number;
      const level = usual.data[slot] as number;
      usual.data[slot] = level + (Math.log1p(count) - level) * Math.max(0.1, 1 / (seen + 1));
      if (seen < 65_535) known.data[slot] = seen + 1;
    }
    counts.data[slot] = 0;
    failures.data[slot] = 0;
    bytes.data[slot] = 0;
    paths.data.fill(0, slot * words, (slot + 1) * words);
  };
  const term = (why: Contribution[], feature: string, value: number, sketch: typeof rates, weight: number): void => {
    const surprise = -Math.log(sketch.tail(value)) - 1;
    const contribution = Math.min(mostEach, surprise) * weight * (sketch.size / (sketch.size + shrinkage));
    if (contribution !== 0) why.push({ feature, value: Math.round(value), baseline: Math.round(sketch.quantile(0.5) * 10) / 10, contribution });
  };
  const explain = (slot: number): Contribution[] => {
    const count = counts.data[slot] as number;
    const why: Contribution[] = [{ feature: "base", value: prior, contribution: base }];
    term(why, "rate", count, rates, 1);
    term(why, "errors", failures.data[slot] as number, errors, 1);
    term(why, "distinct_paths", countDistinct(paths.data, slot * words, words), distinct, 0.5);
    term(why, "bytes", bytes.data[slot] as number, volumes, 0.5);
    const seen = known.data[slot] as number;
    const own = usual.data[slot] as number;
    // A source that is always like this is what it is.
    if (seen >= 3 && Math.log1p(count) < own + 1)
      why.push({ feature: "own_history", value: seen, baseline: Math.round(Math.expm1(own)), contribution: -Math.min(8, 1.5 * Math.sqrt(seen)) });
    return why;
  };
  const judge = (slot: number, b: Behaviour, evidence: EvidenceReference): readonly Signal[] => {
    if ((failures.data[slot] as number) < 20 && countDistinct(paths.data, slot * words, words) < 150) return noSignals;
    const why = explain(slot);
    const score = scoreOf(why);
    if (score < report) return noSignals;
    const four = b.high === 0xffffffff;
    const actor = { kind: four ? "ip" : "network", id: four ? ownString(b.address) : sourceText(b.high, b.low) } as const;
    const first = firsts.data[slot] as number;
    return [
      {
        id: signalId("baseline", "baseline-source", actor.id, first),
        detector: "baseline",
        rule: "baseline-source",
        title: text(language, "detect.baseline.source"),
        level: "low",
        actor,
        first,
        last: Math.max(first, b.time),
        count: counts.data[slot] as number,
        score,
        why,
        evidence: [evidence],
        actionable: false,
      },
    ];
  };
  const siteTerm = (why: Contribution[], feature: string, found: { z: number; usual: number } | undefined, value: number): void => {
    if (!found) return;
    // Tail of a Student t with four degrees of freedom: hours of a site have heavy tails.
    const contribution = 2.5 * Math.log1p((found.z * found.z) / 4) - 1;
    why.push({ feature, value: Math.round(value * 100) / 100, baseline: Math.round(found.usual * 100) / 100, contribution: Math.min(mostEach, contribution) });
  };
  const closeSite = (last: number, next: number): readonly Signal[] => {
    let out = noSignals;
    if (siteCount > 0) {
      const rate = Math.log1p(siteCount);
      const share = Math.log((siteFailures + 0.5) / (siteCount - siteFailures + 0.5));
      const why: Contribution[] = [{ feature: "base", value: prior, contribution: base }];
      siteTerm(why, "site_rate", siteRate.deviation(siteHour, rate), rate);
      siteTerm(why, "site_errors", siteErrors.deviation(siteHour, share), share);
      const score = scoreOf(why);
      if (score >= report) {
        out = [
          {
            id: signalId("baseline", "baseline-site", "site", siteFirst),
            detector: "baseline",
            rule: "baseline-site",
            title: text(language, "detect.baseline.site"),
            level: "informational",
            actor: { kind: "site", id: "site" },
            first: siteFirst,
            last,
            count: siteCount,
            score,
            why,
            evidence: [],
            actionable: false,
          },
        ];
      }
      siteRate.learn(siteHour, rate);
      siteErrors.learn(siteHour, share);
    }
    siteHour = next;
    siteCount = 0;
    siteFailures = 0;
    return out;
  };

  return {
    name: "baseline",
    observe(event: LogEvent, record: LogRecord) {
      const b = read(event);
      if (b.kind === noBehaviour) return noSignals;
      const now = clock.advance(b.time);
      const current = Math.floor(now / hour);
      let out = noSignals;
      if (current !== siteHour) {
        out = Number.isNaN(siteHour) ? noSignals : closeSite(now, current);
        siteHour = current;
        siteFirst = b.time;
      }
      siteCount += b.count;
      if (b.failure) siteFailures += b.count;
      const slot = b.slot;
      const stamp = current >>> 0;
      if (hours.data[slot] !== stamp) {
        close(slot);
        hours.data[slot] = stamp;
        firsts.data[slot] = b.time;
      }
      const count = (counts.data[slot] as number) + b.count;
      counts.data[slot] = count;
      if (b.failure) failures.data[slot] = (failures.data[slot] as number) + b.count;
      bytes.data[slot] = (bytes.data[slot] as number) + b.bytes;
      markDistinct(paths.data, slot * words, words, b.kind === webRequest ? b.path.pathHash : b.userHash);
      // Judged where the count doubles: a busy source is looked at a dozen times an hour, not at each line.
      if (count >= 32 && (count & (count - 1)) === 0) {
        const found = judge(slot, b, evidenceOf(b, event, record));
        if (found.length > 0) out = out.length === 0 ? found : [...out, ...found];
      }
      return out;
    },
    finish: () => (Number.isNaN(siteHour) ? noSignals : closeSite(clock.now, siteHour)),
    snapshot: (): BaselineState => ({
      version: 2,
      clock: clock.snapshot(),
      table: group.snapshot(),
      sketches: [rates, errors, distinct, volumes].map((sketch) => sketch.snapshot()),
      seasons: [siteRate.snapshot(), siteErrors.snapshot()],
      site: [siteHour, siteCount, siteFailures, siteFirst],
    }),
    restore(state) {
      const from = state as BaselineState;
      if (from.version !== 2) throw new RangeError("baseline: state of another version");
      clock.restore(from.clock);
      group.restore(from.table);
      [rates, errors, distinct, volumes].forEach((sketch, i) => sketch.restore(from.sketches[i] as QuantileState));
      siteRate.restore(from.seasons[0] as SeasonalState);
      siteErrors.restore(from.seasons[1] as SeasonalState);
      [siteHour, siteCount, siteFailures, siteFirst] = from.site as [number, number, number, number];
    },
    get evictions() {
      return table.evictions;
    },
  };
}
