import { watch as watchFile, type FSWatcher } from "node:fs";
import { basename, dirname, join } from "node:path";
import { deserialize } from "node:v8";
import type { Detector } from "#contracts/detector.ts";
import type { Enforcer } from "#contracts/enforcer.ts";
import type { Notice } from "#contracts/notice.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { formatDuration } from "#core/duration.ts";
import { HaechiError } from "#core/error.ts";
import { sanitize } from "#core/sanitize.ts";
import type { TextKey } from "#core/text/en.ts";
import { languageOf, text, type Language } from "#core/text/text.ts";
import { ingest, type IngestSource, type IngestWatch } from "#pipeline/ingest.ts";
import { buildDetectors, loadRuleSet } from "./builtins.ts";
import { ConfigError, faultText } from "./config/config-error.ts";
import { configuredLanguage, loadConfig, stateDirectory, type LoadedConfig } from "./config/load-config.ts";
import { serveControl } from "./control-server.ts";
import { followFeeds } from "./feeds.ts";
import { openGuard, type Guard } from "./guard.ts";
import { guardMethods, type GuardStatus } from "./guard-methods.ts";
import { guardMetrics } from "./guard-metrics.ts";
import { serveMetrics } from "./metrics-server.ts";
import { findSources, type FoundSources } from "./sources.ts";

export interface UpOptions {
  readonly configPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Wins over the configuration's. */
  readonly language: Language | undefined;
  readonly version: string;
  readonly signal: AbortSignal;
  /** A line for the operator, already in their language and safe to print. */
  say(line: string): void;
  onNotice?(notice: Notice): void;
  /** Instead of the configured ones (the demo enforces nothing). */
  readonly enforcers?: readonly Enforcer[];
  /** Called once everything runs. */
  onReady?(guard: Guard): void;
}

const tickInterval = 2_000;

/** Runs the guard until the signal aborts; SIGHUP or a changed configuration file starts it anew where it was. */
export async function up(options: UpOptions): Promise<void> {
  let loaded = loadConfig(options.configPath, options.env, options.cwd, options.language ?? languageOf(options.env));
  let first = true;
  while (!options.signal.aborted) {
    const reload = new AbortController();
    const language = options.language ?? configuredLanguage(loaded.config, options.env);
    let next: LoadedConfig | undefined;
    const stopWatching = watchConfig(loaded.path, () => {
      try {
        const fresh = loadConfig(loaded.path, options.env, options.cwd, language);
        if (JSON.stringify(fresh.config) === JSON.stringify(loaded.config)) return;
        next = fresh;
        reload.abort();
      } catch (error) {
        const faults =
          error instanceof ConfigError
            ? error.faults.map((fault) => `\n  ${faultText(fault, loaded.path ?? "", language)}`).join("")
            : `\n  ${error instanceof HaechiError ? text(language, error.key, error.params) : String(error)}`;
        options.say(text(language, "cli.up.reload-refused", { path: loaded.path ?? "", faults }));
      }
    });
    try {
      await runOnce(loaded, options, language, AbortSignal.any([options.signal, reload.signal]), first);
    } finally {
      stopWatching();
    }
    if (!next) return;
    loaded = next;
    first = false;
    options.say(text(language, "cli.up.reloaded", { path: loaded.path ?? "" }));
  }
}

async function runOnce({ config }: LoadedConfig, options: UpOptions, language: Language, signal: AbortSignal, first: boolean): Promise<void> {
  const { env, say } = options;
  const speak = (key: TextKey, params = {}): void => say(text(language, key, params));
  const directory = stateDirectory(config, env, process.getuid?.());
  const sources = await findSources(config, language);
  const rules = loadRuleSet(config, []);
  const metrics = guardMetrics();
  const guard = await openGuard(config, {
    directory,
    language,
    env,
    notice: say,
    onNotice: (notice) => {
      metrics.notice(notice);
      if (notice.kind !== "proved") say(`${new Date(notice.at).toISOString()} ${notice.text}`);
      options.onNotice?.(notice);
    },
    ...(options.enforcers ? { enforcers: options.enforcers } : {}),
  });
  const closers: (() => Promise<void>)[] = [() => guard.close()];
  try {
    const detectors = buildDetectors(config, rules, language);
    for (const detector of detectors) await restore(detector, guard.store, speak);
    const trouble = new Map<string, string>();
    const lags = new Map<string, number>();
    const started = Date.now();
    const watch = pipelineWatch({ speak, trouble, lags, metrics, language });
    const control = await serveControl(join(directory, "guard.sock"), guardMethods(guard));
    closers.unshift(() => control.close());
    if (config.metrics.listen !== "off") {
      const { host, port } = config.metrics.listen;
      try {
        const page = await serveMetrics(
          { host, port },
          () => metrics.render(detectors),
          () => true,
        );
        closers.unshift(() => page.close());
        if (first) speak("cli.up.metrics", { host, port: page.port });
      } catch (error) {
        speak("cli.up.metrics-failed", { reason: sanitize((error as Error).message) });
      }
    }
    const running = await ingest({
      sources: sources.sources.map(({ source, parser }): IngestSource => ({ source, parser })),
      detectors,
      store: guard.store,
      respond: async (signals) => void (await guard.responder.handle(signals)),
      clock: Date.now,
      signal,
      commitInterval: 250,
      watch,
    });
    guard.state = () => ({
      running: true,
      started,
      sources: [...running.counts].map(([id, count]): GuardStatus["sources"][number] => ({
        id,
        ...count,
        lag: lags.get(id) ?? null,
        trouble: trouble.get(id) ?? null,
      })),
    });
    const stopFeeds = new AbortController();
    const following = options.enforcers
      ? undefined
      : followFeeds(config, guard.responder, { language, notice: say, signal: AbortSignal.any([signal, stopFeeds.signal]) });
    closers.unshift(async () => {
      stopFeeds.abort();
      await following;
    });
    await running.placed;
    if (first) greet(options, guard, sources, text(language, `cli.mode.${config.mode}`), directory, rules, speak);
    const ticking = tickLoop(guard, { metrics, speak, language }, signal);
    options.onReady?.(guard);
    if (sources.sources.length === 0) await aborted(signal);
    await running.done;
    // Sources that end (standard input) leave the guard on watch: bans must still run out.
    await aborted(signal);
    await ticking;
    if (options.signal.aborted) speak("cli.up.stopped");
  } finally {
    for (const close of closers) await close();
  }
}

function greet(
  options: UpOptions,
  guard: Guard,
  found: FoundSources,
  mode: string,
  directory: string,
  rules: ReturnType<typeof loadRuleSet>,
  speak: (key: TextKey, params?: Record<string, string | number>) => void,
): void {
  speak("cli.up.hello", { version: options.version, directory });
  if (found.sources.length > 0) speak("cli.up.watching");
  for (const { source, why } of found.sources) options.say(`  ${source.id}${why ? `  (${why})` : ""}`);
  if (found.problems.length > 0) speak("cli.up.trouble");
  for (const problem of found.problems) speak(problem.key, problem.params);
  if (found.sources.length === 0) speak("cli.up.nothing");
  speak("cli.up.rules", { rules: rules.rules.length + rules.correlations.length, refused: rules.faults.length });
  speak("cli.up.mode", { mode, enforcers: guard.enforcement.names.join(", ") });
  if (guard.enforcement.dryRunReason !== undefined) speak("cli.up.dry-run", { reason: guard.enforcement.dryRunReason });
  speak("cli.up.next");
}

/** Detectors go on where the last commit left them. */
async function restore(detector: Detector, store: StateStore, speak: (key: TextKey, params?: Record<string, string | number>) => void): Promise<void> {
  const saved = await store.checkpoint(detector.name);
  if (!saved) return;
  try {
    detector.restore(deserialize(saved));
  } catch (error) {
    speak("cli.up.restored-afresh", { detector: detector.name, reason: sanitize(error instanceof Error ? error.message : String(error), 200) });
  }
}

interface WatchParts {
  readonly speak: (key: TextKey, params?: Record<string, string | number>) => void;
  readonly trouble: Map<string, string>;
  readonly lags: Map<string, number>;
  readonly metrics: ReturnType<typeof guardMetrics>;
  readonly language: Language;
}

function pipelineWatch({ speak, trouble, lags, metrics, language }: WatchParts): IngestWatch {
  return {
    lines: (source, counts, lag) => {
      trouble.delete(source);
      if (lag !== undefined) lags.set(source, lag);
      metrics.lines(source, counts, lag);
    },
    signals: (signals, seconds) => metrics.signals(signals, seconds),
    note: (source, note) => speak(`cli.source.${note.kind}`, { source: sanitize(source, 200), detail: sanitize(note.detail, 300) }),
    drift: (source, { offset, zoneMinutes }) => {
      if (offset === 0) return;
      const sign = zoneMinutes !== undefined && zoneMinutes < 0 ? "-" : "+";
      const zone =
        zoneMinutes === undefined
          ? ""
          : `${sign}${String(Math.floor(Math.abs(zoneMinutes) / 60)).padStart(2, "0")}:${String(Math.abs(zoneMinutes) % 60).padStart(2, "0")}`;
      speak(zoneMinutes === undefined ? "cli.up.drift" : "cli.up.drift-zone", {
        source: sanitize(source, 200),
        offset: formatDuration(Math.round(Math.abs(offset) / 1_000) * 1_000),
        zone,
      });
    },
    failed: (source, error, retryIn) => {
      const reason =
        error instanceof HaechiError ? text(language, error.key, error.params) : sanitize(error instanceof Error ? error.message : String(error), 300);
      trouble.set(source, reason);
      if (source === "state") speak("cli.up.state-failed", { reason });
      else speak("cli.up.source-failed", { source: sanitize(source, 200), reason, seconds: Math.round(retryIn / 1_000) });
    },
  };
}

/** Expiry, healing and proof every two seconds, one after the other. */
async function tickLoop(guard: Guard, { metrics, speak, language }: Pick<WatchParts, "metrics" | "speak" | "language">, signal: AbortSignal): Promise<void> {
  let told = "";
  while (!signal.aborted) {
    try {
      await guard.responder.tick();
      metrics.status(await guard.responder.status());
      told = "";
    } catch (error) {
      // A full disk must not end the guard: the next round tries again.
      const reason =
        error instanceof HaechiError ? text(language, error.key, error.params) : sanitize(error instanceof Error ? error.message : String(error), 300);
      if (reason !== told) speak("cli.up.state-failed", { reason });
      told = reason;
    }
    await Promise.race([aborted(signal), new Promise((resolve) => setTimeout(resolve, tickInterval).unref())]);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Calls `changed` on SIGHUP and when the file was written or replaced (settled for 200 ms); gives a function that stops. */
function watchConfig(path: string | undefined, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, 200);
  };
  process.on("SIGHUP", soon);
  let watcher: FSWatcher | undefined;
  if (path !== undefined) {
    try {
      // The folder, since editors replace the file.
      watcher = watchFile(dirname(path), (_event, name) => name === basename(path) && soon());
      watcher.on("error", () => watcher?.close());
    } catch {
      // SIGHUP still works.
    }
  }
  return () => {
    clearTimeout(timer);
    process.off("SIGHUP", soon);
    watcher?.close();
  };
}
