import type { DatabaseSync } from "node:sqlite";
import type { AuditEntry, ListEntry, Release, SignIn, StateChange } from "#contracts/state-store.ts";
import { addressText, sortableAddress, sortableRange } from "./address.ts";
import { clampTime } from "./journal.ts";

/** Addresses with a history of success kept at most, and user names of each. */
const keptSignIns = 200_000;
const keptUsers = 20;
/** Rows of one network looked at for its user names. */
const rowsOfNetwork = 1_000;

/** What the guard remembers: sign-ins, releases, lists, audit. Its calls run inside the caller's transaction. */
export interface GuardMemory {
  addSignIns(signIns: NonNullable<StateChange["signIns"]>): void;
  signIn(target: string): SignIn | undefined;
  forgetSignIns(target: string): void;
  addRelease(release: Release): void;
  releases(target: string): readonly Release[];
  replaceList(name: string, entries: readonly ListEntry[]): void;
  list(name: string): readonly ListEntry[];
  addAudit(entry: AuditEntry): void;
  audit(limit: number): readonly AuditEntry[];
}

/** The memory of an open, migrated database. */
export function guardMemory(db: DatabaseSync): GuardMemory {
  const readSignIn = db.prepare("SELECT count, first, last, users FROM sign_ins WHERE address = ?");
  const writeSignIn = db.prepare("INSERT OR REPLACE INTO sign_ins (address, count, first, last, users) VALUES (?, ?, ?, ?, ?)");
  const pruneSignIns = db.prepare("DELETE FROM sign_ins WHERE address IN (SELECT address FROM sign_ins ORDER BY last DESC LIMIT -1 OFFSET ?)");
  const totals = db.prepare("SELECT count(*) AS n, sum(count) AS count, min(first) AS first, max(last) AS last FROM sign_ins WHERE address BETWEEN ? AND ?");
  const latest = db.prepare("SELECT address, users FROM sign_ins WHERE address BETWEEN ? AND ? ORDER BY last DESC LIMIT ?");
  const forget = db.prepare("DELETE FROM sign_ins WHERE address BETWEEN ? AND ?");
  const writeRelease = db.prepare("INSERT INTO releases (target, low, high, until, by, at) VALUES (?, ?, ?, ?, ?, ?)");
  const readReleases = db.prepare("SELECT target, until, by, at FROM releases WHERE low <= ? AND high >= ? ORDER BY row");
  const clearList = db.prepare("DELETE FROM lists WHERE name = ?");
  const writeList = db.prepare("INSERT INTO lists (name, place, target, note, by, at) VALUES (?, ?, ?, ?, ?, ?)");
  const readList = db.prepare("SELECT target, note, by, at FROM lists WHERE name = ? ORDER BY place");
  const writeAudit = db.prepare("INSERT INTO audit (at, who, what, detail) VALUES (?, ?, ?, ?)");
  const readAudit = db.prepare("SELECT at, who, what, detail FROM audit ORDER BY row DESC LIMIT ?");
  let writes = 0;

  return {
    addSignIns(signIns) {
      for (const { address, user, time } of signIns) {
        const key = sortableAddress(address);
        if (key === undefined) continue;
        const old = readSignIn.get(key);
        const users = old ? (JSON.parse(String(old["users"])) as string[]) : [];
        const known = users.indexOf(user);
        if (known >= 0) users.splice(known, 1);
        users.unshift(user);
        writeSignIn.run(
          key,
          Number(old?.["count"] ?? 0) + 1,
          Math.min(Number(old?.["first"] ?? time), time),
          Math.max(Number(old?.["last"] ?? time), time),
          JSON.stringify(users.slice(0, keptUsers)),
        );
        if (++writes % 1_024 === 0) pruneSignIns.run(keptSignIns);
      }
    },
    signIn(target) {
      const range = sortableRange(target);
      if (!range) return undefined;
      const sum = totals.get(range.low, range.high);
      if (!sum || Number(sum["n"]) === 0) return undefined;
      const rows = latest.all(range.low, range.high, rowsOfNetwork);
      const users = new Set(rows.flatMap((row) => JSON.parse(String(row["users"])) as string[]));
      return {
        address: addressText(rows[0]?.["address"]),
        count: Number(sum["count"]),
        first: Number(sum["first"]),
        last: Number(sum["last"]),
        users: [...users].slice(0, keptUsers),
      };
    },
    forgetSignIns(target) {
      const range = sortableRange(target);
      if (range) forget.run(range.low, range.high);
    },
    addRelease({ target, until, by, at }) {
      const range = sortableRange(target);
      if (range) writeRelease.run(target, range.low, range.high, clampTime(until), by, at);
    },
    releases(target) {
      const range = sortableRange(target);
      return range
        ? readReleases.all(range.high, range.low).map((row) => ({
            target: String(row["target"]),
            until: Number(row["until"]),
            by: String(row["by"]),
            at: Number(row["at"]),
          }))
        : [];
    },
    replaceList(name, entries) {
      clearList.run(name);
      entries.forEach((entry, place) => writeList.run(name, place, entry.target, entry.note, entry.by, entry.at));
    },
    list: (name) =>
      readList.all(name).map((row) => ({ target: String(row["target"]), note: String(row["note"]), by: String(row["by"]), at: Number(row["at"]) })),
    addAudit({ at, who, what, detail }) {
      writeAudit.run(at, who, what, detail);
    },
    audit: (limit) =>
      readAudit
        .all(Math.max(0, Math.floor(limit)))
        .map((row) => ({ at: Number(row["at"]), who: String(row["who"]), what: String(row["what"]), detail: String(row["detail"]) })),
  };
}
