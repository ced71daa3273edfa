import { HaechiError } from "#core/error.ts";
import type { TextKey } from "#core/text/en.ts";

/** What went wrong with the state store, stable for programs. */
export type StateErrorCode = "busy" | "corrupt" | "newer" | "older" | "full" | "missing" | "unreadable" | "read-only" | "closed" | "failed";

const keys: Readonly<Record<StateErrorCode, TextKey>> = {
  busy: "state.busy",
  corrupt: "state.corrupt",
  newer: "state.newer",
  older: "state.older",
  full: "state.full",
  missing: "state.missing",
  unreadable: "state.unreadable",
  "read-only": "state.read_only",
  closed: "state.closed",
  failed: "state.failed",
};

/** An error of the state store: says the file, what is wrong with it and the next step. */
export class StateError extends HaechiError {
  constructor(code: StateErrorCode, path: string, params: Readonly<Record<string, string | number>> = {}, cause?: unknown) {
    super(`state-${code}`, keys[code], { path, ...params }, cause === undefined ? undefined : { cause });
  }
}

// Primary result codes of SQLite: https://www.sqlite.org/rescode.html
const codes: Readonly<Record<number, StateErrorCode>> = { 5: "busy", 6: "busy", 8: "read-only", 11: "corrupt", 13: "full", 14: "unreadable", 26: "corrupt" };

/** An error of `node:sqlite` as one a person can act on; a StateError stays as it is. */
export function stateError(path: string, error: unknown): StateError {
  if (error instanceof StateError) return error;
  const { errcode, code, message } = error as { errcode?: number; code?: string; message?: string };
  if (code === "ERR_INVALID_STATE") return new StateError("closed", path, {}, error);
  const known = typeof errcode === "number" ? codes[errcode & 0xff] : undefined;
  return new StateError(known ?? "failed", path, { detail: message ?? String(error) }, error);
}
