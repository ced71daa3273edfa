import type { Detector } from "#contracts/detector.ts";
import type { Notice } from "#contracts/notice.ts";
import type { Signal } from "#core/signal.ts";
import { metricsRegistry } from "#core/metrics.ts";
import type { SourceCounts } from "#pipeline/ingest.ts";
import type { ResponderStatus } from "#respond/responder.ts";

/** The guard's figures as Prometheus reads them. */
export interface GuardMetrics {
  lines(source: string, counts: SourceCounts, lag: number | undefined): void;
  signals(signals: readonly Signal[], seconds: number): void;
  notice(notice: Notice): void;
  status(status: ResponderStatus): void;
  render(detectors: readonly Detector[]): string;
}

/** Every metric of the guard, at zero. */
export function guardMetrics(): GuardMetrics {
  const registry = metricsRegistry();
  const lines = registry.gauge("haechi_source_lines", "Lines read of a source since its state began.", ["source"]);
  const parsed = registry.gauge("haechi_source_lines_parsed", "Lines a parser understood.", ["source"]);
  const unparsed = registry.gauge("haechi_source_lines_unparsed", "Lines no parser understood.", ["source"]);
  const lag = registry.gauge("haechi_source_lag_bytes", "Bytes between what was read and the end of the source.", ["source"]);
  const signalCount = registry.counter("haechi_signals_total", "Signals, new or grown, by rule.", ["rule"]);
  const latency = registry.histogram(
    "haechi_detection_seconds",
    "From reading a line to its signal, response included.",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  const notices = registry.counter("haechi_notices_total", "What happened, by kind (enforced, failed, expired, released, drift, …).", ["kind"]);
  const bans = registry.gauge("haechi_bans", "Bans that should hold.");
  const pending = registry.gauge("haechi_proposals_pending", "Proposals that wait for a person.");
  const cases = registry.gauge("haechi_cases_open", "Open cases.");
  const enforcerUp = registry.gauge("haechi_enforcer_up", "1 while the enforcer can be reached.", ["enforcer"]);
  const held = registry.gauge("haechi_enforcer_bans", "Bans given to the enforcer.", ["enforcer"]);
  const healed = registry.gauge("haechi_enforcer_drift_healed", "Times the enforcer had lost bans and was made right again.", ["enforcer"]);
  const evictions = registry.gauge("haechi_detector_evictions", "Keys a detector forgot because a cap was reached.", ["detector"]);
  const memory = registry.gauge("process_resident_memory_bytes", "Resident memory.");
  const cpu = registry.gauge("process_cpu_seconds", "Processor time used.");
  return {
    lines(source, counts, bytes) {
      lines.set(counts.lines, source);
      parsed.set(counts.parsed, source);
      unparsed.set(counts.unparsed, source);
      if (bytes !== undefined) lag.set(bytes, source);
    },
    signals(signals, seconds) {
      for (const { rule } of signals) signalCount.add(1, rule);
      latency.observe(seconds);
    },
    notice: ({ kind }) => notices.add(1, kind),
    status(status) {
      bans.set(status.bans);
      pending.set(status.pending);
      cases.set(status.openCases);
      for (const enforcer of status.enforcers) {
        enforcerUp.set(enforcer.fault === undefined ? 1 : 0, enforcer.name);
        held.set(enforcer.held, enforcer.name);
        healed.set(enforcer.healed, enforcer.name);
      }
    },
    render(detectors) {
      for (const detector of detectors) evictions.set(detector.evictions, detector.name);
      memory.set(process.memoryUsage.rss());
      const { user, system } = process.cpuUsage();
      cpu.set((user + system) / 1e6);
      return registry.render();
    },
  };
}
