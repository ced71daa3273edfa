import { statSync } from "node:fs";
import { join } from "node:path";
import type { StateStore } from "#contracts/state-store.ts";
import { overallLevel } from "#respond/cases.ts";
import { sqliteState } from "#statestores/sqlite/sqlite.ts";
import { StateError } from "#statestores/sqlite/state-error.ts";
import type { Config } from "./config/schema.ts";
import type { ControlMethods } from "./control-server.ts";
import { lookMethods } from "./guard-methods.ts";

/** The state of a guard that does not run, to be read and nothing else: no enforcer, no warden, no write. */
export interface Look {
  readonly methods: ControlMethods;
  close(): Promise<void>;
}

const looks: ReadonlySet<string> = new Set(["status", "cases", "case", "bans", "allow"]);

/** True for a method that `openLook` can answer. */
export function isLook(method: string): boolean {
  return looks.has(method);
}

/** Opens the state in `directory` for looking; a guard that never ran has an empty one. Throws StateError where it cannot be read. */
export async function openLook(config: Config, directory: string): Promise<Look> {
  const store = openStore(join(directory, "haechi.db"));
  const status = async () => {
    const open = await store.cases({ state: "open", limit: 10_000 });
    return {
      mode: config.mode,
      level: overallLevel(open),
      bans: (await store.decisions({ active: true, at: Date.now(), limit: 200_000 })).length,
      pending: (await store.proposals({ state: "pending", limit: 10_000 })).length,
      openCases: open.length,
      // Nobody holds them to account while no guard runs.
      enforcers: [],
      running: false,
      started: null,
      sources: [],
    };
  };
  return { methods: lookMethods(store, status), close: () => store.close() };
}

function openStore(path: string): StateStore {
  try {
    return sqliteState(path, { readOnly: true });
  } catch (error) {
    if (error instanceof StateError && error.code === "state-missing" && isAbsent(path)) return sqliteState(":memory:");
    // Left by an older version: brought up to date first, which only the writer may do.
    if (error instanceof StateError && error.code === "state-older") return sqliteState(path);
    throw error;
  }
}

/** True where there is no such file; throws StateError where this user may not know. */
function isAbsent(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    throw new StateError("unreadable", path, { detail: (error as Error).message }, error);
  }
}
