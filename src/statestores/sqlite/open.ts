import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { migrations, schemaVersion } from "./schema.ts";
import { StateError, stateError } from "./state-error.ts";

/** Above this size the whole-file check at start would take seconds; SQLite still checks each page it reads. */
const quickCheckLimit = 128 * 1024 * 1024;

/** An open database and, for the writer, the lock that makes it the only one. */
export interface OpenDatabase {
  readonly db: DatabaseSync;
  readonly close: () => void;
}

/**
 * Opens (and creates, checks and migrates) the database of a state store. The writer holds `<path>.lock` for as long as
 * it lives: the kernel drops that lock with the process, so nothing is stale after a crash. Before a migration the
 * store is copied to `<path>.v<old>.bak`. Throws StateError.
 */
export function openDatabase(path: string, readOnly: boolean): OpenDatabase {
  const inMemory = path === ":memory:";
  if (readOnly && !inMemory && !existsSync(path)) throw new StateError("missing", path);
  let lock: DatabaseSync | undefined;
  let db: DatabaseSync | undefined;
  try {
    if (!inMemory && !readOnly) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      lock = takeLock(path);
    }
    db = new DatabaseSync(path, { readOnly: readOnly && !inMemory, timeout: 5_000 });
    if (!readOnly) db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY;");
    db.exec("PRAGMA cache_size = -16000;");
    check(db, path, inMemory);
    migrate(db, path, readOnly && !inMemory);
    const opened = db;
    const held = lock;
    return {
      db: opened,
      close: () => {
        opened.close();
        held?.close();
      },
    };
  } catch (error) {
    db?.close();
    lock?.close();
    throw stateError(path, error);
  }
}

function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

function check(db: DatabaseSync, path: string, inMemory: boolean): void {
  if (inMemory || statSync(path).size > quickCheckLimit) return;
  const [row] = db.prepare("PRAGMA quick_check(1)").all();
  const found = row?.["quick_check"];
  if (found !== "ok") throw new StateError("corrupt", path, { detail: String(found) });
}

function migrate(db: DatabaseSync, path: string, readOnly: boolean): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > schemaVersion) throw new StateError("newer", path, { found: version, known: schemaVersion });
  if (version === schemaVersion) return;
  if (readOnly) throw new StateError("older", path, { found: version, known: schemaVersion });
  if (version > 0 && path !== ":memory:") {
    const copy = `${path}.v${version}.bak`;
    rmSync(copy, { force: true });
    db.prepare("VACUUM INTO ?").run(copy);
  }
  for (let from = version; from < schemaVersion; from++) {
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(migrations[from] as string);
      db.exec(`PRAGMA user_version = ${from + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    }
  }
}
