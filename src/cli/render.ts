import { sanitize } from "#core/sanitize.ts";
import type { TextKey } from "#core/text/en.ts";
import { text, type Language } from "#core/text/text.ts";
import type { CaseLevel } from "#core/decision.ts";

/** Colours of a terminal, or none. */
export interface Paint {
  bold(value: string): string;
  dim(value: string): string;
  red(value: string): string;
  yellow(value: string): string;
  green(value: string): string;
}

/** Colours where `on`; else the text as it is. */
export function paint(on: boolean): Paint {
  const style = (open: number, close: number) => (value: string) => (on ? `\u001b[${open}m${value}\u001b[${close}m` : value);
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39), yellow: style(33, 39), green: style(32, 39) };
}

/** Columns a terminal gives a text: East Asian wide characters take two (Unicode TR 11). */
export function width(value: string): number {
  let columns = 0;
  for (const character of value)
    columns +=
      /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{20000}-\u{3fffd}]/u.test(
        character,
      )
        ? 2
        : 1;
  return columns;
}

/** Rows with aligned columns; every cell is sanitised. Trailing spaces are cut. */
export function table(rows: readonly (readonly string[])[], indent = "  "): string {
  const clean = rows.map((row) => row.map((cell) => sanitize(cell, 240)));
  const widths: number[] = [];
  for (const row of clean) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, width(cell))));
  return clean
    .map((row) => `${indent}${row.map((cell, column) => cell + " ".repeat((widths[column] as number) - width(cell) + 2)).join("")}`.trimEnd() + "\n")
    .join("");
}

/** `2026-11-21 05:12:33` in this machine's zone. */
export function clockTime(time: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "-";
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A duration in words short enough for a table: `3 h 20 min`. */
export function spanText(milliseconds: number, language: Language): string {
  const units: readonly (readonly [number, TextKey])[] = [
    [86_400_000, "cli.unit.day"],
    [3_600_000, "cli.unit.hour"],
    [60_000, "cli.unit.minute"],
    [1_000, "cli.unit.second"],
  ];
  const parts: string[] = [];
  let rest = Math.max(0, milliseconds);
  for (const [size, key] of units) {
    const amount = Math.floor(rest / size);
    if (amount > 0) parts.push(text(language, key, { n: amount }));
    rest -= amount * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || text(language, "cli.unit.second", { n: 0 });
}

/** The level as people read it: 정상 / 주의 / 위험. */
export function levelText(level: CaseLevel, language: Language, colours: Paint): string {
  const word = text(language, `cli.level.${level}`);
  return level === "danger" ? colours.red(colours.bold(word)) : level === "caution" ? colours.yellow(word) : colours.green(word);
}
