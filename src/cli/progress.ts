import type { Paint } from "./render.ts";

/** A line on a terminal that is drawn again and again. */
export interface Progress {
  update(bytes: number, lines: number): void;
  /** Takes the line away. */
  clear(): void;
}

/** Words around the figures, already in the reader's language. */
export interface ProgressTexts {
  readonly rate: (lines: string) => string;
  readonly left: (seconds: number) => string;
}

/** A bar with bytes, lines a second and time left; draws ten times a second at most. `total` 0 = unknown. */
export function progressBar(total: number, columns: number, write: (text: string) => void, texts: ProgressTexts, colours: Paint): Progress {
  const started = performance.now();
  let drawn = 0;
  let shown = false;
  return {
    update(bytes, lines) {
      const now = performance.now();
      if (now - drawn < 100) return;
      drawn = now;
      shown = true;
      const seconds = (now - started) / 1_000;
      const share = total > 0 ? Math.min(1, bytes / total) : 0;
      const size = Math.max(10, Math.min(30, columns - 60));
      const full = Math.round(share * size);
      const bar = total > 0 ? `${"█".repeat(full)}${"░".repeat(size - full)} ${String(Math.floor(share * 100)).padStart(3)}%  ` : "";
      const left = share > 0.01 ? `  ${texts.left(Math.ceil((seconds * (1 - share)) / share))}` : "";
      write(
        `\r\u001b[K${bar}${colours.dim(`${byteText(bytes)}${total > 0 ? ` / ${byteText(total)}` : ""}  ${texts.rate(Math.round(lines / Math.max(0.001, seconds)).toLocaleString("en-US"))}${left}`)}`,
      );
    },
    clear() {
      if (shown) write("\r\u001b[K");
    },
  };
}

function byteText(bytes: number): string {
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(0)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(2)} GB`;
}
