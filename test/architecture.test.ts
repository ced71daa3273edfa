import { execFile } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const files = globSync("src/**/*.ts", { cwd: root }).filter(
  (path) => !path.endsWith(".test.ts") && !path.endsWith("-bed.ts") && !path.includes("/conformance/"),
);
const source = (path: string): string =>
  readFileSync(join(root, path), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");

/** Rooms that implement enforcing; what they call `sync` or `kill` is their own part of it. */
const implementations = /^src\/(?:enforcers|warden)\//;

describe("only one place acts on the firewall", () => {
  const calls = /[\w\])?!]\s*\??\.\s*(?:sync|kill)\s*(?:\?\.)?\(/;

  it("calls Enforcer.sync and Enforcer.kill from respond/reconcile.ts alone", () => {
    const callers = files.filter((path) => !implementations.test(path) && calls.test(source(path)) && /#contracts\/enforcer\.ts|enforcer/i.test(source(path)));
    expect(callers).toEqual(["src/respond/reconcile.ts"]);
  });

  it("would see a call that was hidden a little", () => {
    for (const call of ["enforcer.sync(", "enforcer?.sync(", "state.enforcer . kill (", "enforcers[0]!.sync(", "enforcer.kill?.(", "all()[0].sync("])
      expect(calls.test(call), call).toBe(true);
  });

  it("knows the Enforcer contract only where enforcing is implemented, reconciled or wired", () => {
    const knowing = files.filter((path) => /from "#contracts\/enforcer\.ts"/.test(source(path)) && !implementations.test(path));
    const rooms = new Set(knowing.map((path) => (path.startsWith("src/respond/") ? path : path.split("/").slice(0, 2).join("/"))));
    rooms.delete("src/app");
    expect([...rooms].toSorted()).toEqual(["src/respond/reconcile.ts", "src/respond/responder.ts"]);
  });

  it("lets src/app hand enforcers to the responder and never import reconcile itself", () => {
    const wiring = files.filter((path) => !path.startsWith("src/respond/") && /#respond\/reconcile\.ts/.test(source(path)));
    expect(wiring.filter((path) => /import\s+(?!type)[^;]*#respond\/reconcile/.test(source(path)))).toEqual([]);
    const building = files.filter((path) => /from "#enforcers\//.test(source(path)) && !implementations.test(path));
    for (const path of building) expect(path).toMatch(/^src\/app\//);
  });
});

/** Rooms by floor; a file may import from lower floors and from its own room. */
const rooms: readonly (readonly string[])[] = [
  ["core"],
  ["contracts", "logsql", "sigma"],
  ["sources", "parsers", "detectors", "enforcers", "notifiers", "tools", "models", "logstores", "statestores", "limiters", "buses"],
  ["pipeline", "respond", "agent", "gateway", "devices", "chat", "inspect"],
  ["api"],
  ["app"],
  ["cli"],
];
const floors = new Map(rooms.flatMap((names, floor) => names.map((name) => [name, floor] as const)));

/** Why a file may not import `imported` (a room path like `respond/guard.ts`); undefined where it may. */
function forbidden(path: string, imported: string): string | undefined {
  const [, room = ""] = path.split("/");
  const [target = ""] = imported.split("/");
  if (room === "warden") return target === "core" || target === "warden" ? undefined : "warden imports core only";
  if (room === target) return undefined;
  // The command line starts the warden as a process of its own; nobody else may know it.
  if (target === "warden") return room === "cli" ? undefined : "the warden is nobody's room";
  const own = floors.get(room);
  const other = floors.get(target);
  if (own === undefined || other === undefined) return "a room without a floor";
  return other < own ? undefined : `${room} (floor ${own}) may not import ${target} (floor ${other})`;
}

describe("the floors hold", () => {
  it("in every import of the tree", () => {
    const wrong: string[] = [];
    for (const path of files) {
      for (const [, imported] of source(path).matchAll(/(?:from|import)\s*\(?\s*"#([^"]+)"/g)) {
        const why = forbidden(path, imported as string);
        if (why !== undefined) wrong.push(`${path}: #${imported}: ${why}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(forbidden("src/parsers/sshd/sshd.ts", "statestores/sqlite/sqlite.ts")).toBeDefined();
    expect(forbidden("src/core/ip.ts", "contracts/enforcer.ts")).toBeDefined();
    expect(forbidden("src/respond/guard.ts", "contracts/enforcer.ts")).toBeUndefined();
  });

  const planted = new Set<string>();
  afterEach(() => {
    for (const path of planted) rmSync(path, { force: true });
    planted.clear();
  });

  it.each([
    ["src/core", "#respond/guard.ts"],
    ["src/core", "#contracts/enforcer.ts"],
    ["src/detectors", "#respond/responder.ts"],
    ["src/parsers", "#respond/guard.ts"],
    ["src/sources", "#pipeline/pipeline.ts"],
    ["src/statestores", "#respond/guard.ts"],
    ["src/enforcers", "#respond/reconcile.ts"],
    ["src/respond", "#app/builtins.ts"],
    ["src/respond", "#pipeline/pipeline.ts"],
    ["src/warden", "#contracts/enforcer.ts"],
  ])("lint refuses %s importing %s", async (room, imported) => {
    const path = join(root, room, `planted-${process.pid}.ts`);
    planted.add(path);
    writeFileSync(path, `import * as planted from "${imported}";\nexport const seen = planted;\n`);
    const run = promisify(execFile)(join(root, "node_modules/.bin/oxlint"), ["--format", "unix", path], { cwd: root });
    await expect(run).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("no-restricted-imports") as string });
  });
});
