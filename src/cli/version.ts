import { readFileSync } from "node:fs";

/** Version of this package, read from its package.json (two folders up from here, in the sources and in the build). */
export function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return text;
}
