import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Parser, ParserContext, ParserPlugin } from "#contracts/parser.ts";
import { eventToJson } from "#core/event.ts";
import { accessLog } from "./access-log/access-log.ts";
import { apacheError } from "./apache-error/apache-error.ts";
import { caddy } from "./caddy/caddy.ts";
import { customParser } from "./custom/custom.ts";
import { jsonLinesParser } from "./json-lines/json-lines.ts";
import { nginxError } from "./nginx-error/nginx-error.ts";
import { traefik } from "./traefik/traefik.ts";

const context: ParserContext = { timeZone: "Asia/Seoul", year: undefined, trustedProxies: ["10.0.0.0/8"] };
const plugins: readonly ParserPlugin[] = [caddy, traefik, accessLog, nginxError, apacheError, jsonLinesParser];
const custom = (): Parser =>
  customParser(
    {
      name: "custom",
      pattern: "^(?<timestamp>\\S+ \\S+) myapp login failed for '(?<user__name>[^']*)' from (?<source__ip>\\S+) port (?<source__port>\\d+)$",
      timeFormat: "%Y-%m-%d %H:%M:%S",
      category: "authentication",
      action: "login",
      outcome: "failure",
    },
    context,
  );

/** What `haechi parse` prints for each line of a sample. `UPDATE_SAMPLES=1` writes it down, to be read by a person. */
function parsed(parser: Parser, path: string): string[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((text, index) => {
    const event = parser.parse({ source: path, text, line: index + 1, offset: -1, writtenBy: Date.UTC(2025, 10, 1) });
    return JSON.stringify({ line: index + 1, parser: event ? event["event.module"] : null, ...(event && { event: eventToJson(event) }) });
  });
}

describe("samples", () => {
  for (const [folder, parser] of [...plugins.map((plugin) => [plugin.name, plugin.build(context)] as const), ["custom", custom()] as const]) {
    const directory = new URL(`./${folder}/samples/`, import.meta.url).pathname;
    for (const name of readdirSync(directory).filter((file) => file.endsWith(".log"))) {
      it(`${folder}/${name} gives the expected events`, () => {
        const expected = `${directory}${name.replace(/\.log$/, "")}.expected.ndjson`;
        const lines = parsed(parser, `${directory}${name}`);
        if (process.env["UPDATE_SAMPLES"]) writeFileSync(expected, `${lines.join("\n")}\n`);
        const wanted = readFileSync(expected, "utf8").trimEnd().split("\n");
        expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(wanted.map((line) => JSON.parse(line) as unknown));
      });
    }
  }

  it.each(plugins.map((plugin) => [plugin.name, plugin] as const))("the lines of %s are recognized by it alone, json-lines apart", (name, plugin) => {
    const directory = new URL(`./${name}/samples/`, import.meta.url).pathname;
    const file = readdirSync(directory).find((entry) => entry.endsWith(".log")) as string;
    const first = readFileSync(`${directory}${file}`, "utf8").split("\n")[0] as string;
    expect(plugin.recognizes(first)).toBe(true);
    // The order of `plugins` is the order in which they are asked: Traefik's lines are access log lines too.
    expect(plugins.find((other) => other.recognizes(first))?.name).toBe(name);
  });
});
