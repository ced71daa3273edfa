import { type FSWatcher, watch } from "node:fs";

/** Waits for changes in directories: inotify for speed, a poll for what inotify misses. */
export interface Waker {
  /** Makes exactly these directories watched. */
  directories(paths: ReadonlySet<string>): void;
  /** Waits for a change, the signal, or the next poll. Gives true for a change. */
  wait(longest: number): Promise<boolean>;
  /** Told whether a poll found what no change had announced: then watches are made anew, and after that polls go faster. */
  polled(foundSomething: boolean): void;
  /** Milliseconds to the next poll. */
  readonly interval: number;
  close(): void;
}

export interface WakerOptions {
  readonly signal: AbortSignal;
  /** Poll interval while watches work, milliseconds. */
  readonly slow: number;
  /** Poll interval where they do not. */
  readonly fast: number;
  /** Told each change; `name` is null where the system does not say. Gives false where it is of no concern. */
  readonly onChange: (directory: string, kind: string, name: string | null) => boolean;
}

export function createWaker(options: WakerOptions): Waker {
  const watchers = new Map<string, FSWatcher>();
  let wanted: ReadonlySet<string> = new Set();
  let changed = false;
  let missed = 0;
  let wake: (() => void) | undefined;
  const onAbort = (): void => wake?.();
  options.signal.addEventListener("abort", onAbort);

  function open(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: true }, (kind, name) => {
        if (!options.onChange(directory, kind, name)) return;
        changed = true;
        wake?.();
      });
      watcher.on("error", () => shut(directory));
      watchers.set(directory, watcher);
    } catch {
      // Not there yet, or no watches left (ENOSPC): polls find the changes.
    }
  }

  function shut(directory: string): void {
    watchers.get(directory)?.close();
    watchers.delete(directory);
  }

  function shutAll(): void {
    for (const directory of watchers.keys()) shut(directory);
  }

  return {
    get interval() {
      return missed < 3 && watchers.size === wanted.size ? options.slow : options.fast;
    },

    directories(paths) {
      wanted = paths;
      for (const directory of watchers.keys()) if (!paths.has(directory)) shut(directory);
      for (const directory of paths) if (!watchers.has(directory)) open(directory);
    },

    async wait(longest) {
      if (!changed && !options.signal.aborted) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, longest);
        });
        clearTimeout(timer);
        wake = undefined;
      }
      const was = changed;
      changed = false;
      if (was) missed = 0;
      return was;
    },

    polled(foundSomething) {
      if (!foundSomething) return;
      // A directory that was replaced, or a file system that tells nothing of others' writes.
      missed++;
      shutAll();
      for (const directory of wanted) open(directory);
    },

    close() {
      options.signal.removeEventListener("abort", onAbort);
      shutAll();
    },
  };
}
