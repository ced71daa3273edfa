import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { EvidenceQuery, EvidenceRow } from "#contracts/evidence-store.ts";
import { addressText, sortableAddress, sortableRange, type SortableAddress } from "./address.ts";

/** How much evidence is kept. The oldest rows go first. */
export interface JournalBounds {
  /** Rows in all. */
  readonly rows: number;
  /** Rows of one address, so that a flood cannot push out the evidence against everybody else. */
  readonly rowsPerAddress: number;
}

/** The bounded evidence journal. Its calls run inside the caller's transaction. */
export interface Journal {
  append(rows: readonly (EvidenceRow & { readonly key: string })[]): void;
  find(query: EvidenceQuery): readonly EvidenceRow[];
  /** Forgets what it counted: to be called after a rollback. */
  recount(): void;
}

/** Addresses whose number of rows is remembered between batches; beyond, it is counted again. */
const rememberedAddresses = 50_000;
/** Longest text kept of a hostile field. */
const longest = 1_024;
const cut = (text: string): string => (text.length > longest ? text.slice(0, longest) : text);

const columns = "address, time, source, line, place, message, action, outcome, user, agent, status, count";

/** The journal of an open, migrated database. */
export function journal(db: DatabaseSync, bounds: JournalBounds): Journal {
  const insert = db.prepare(`INSERT OR IGNORE INTO evidence (key, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const countAddress = db.prepare("SELECT count(*) AS n FROM evidence WHERE address = ?");
  const dropOfAddress = db.prepare(
    "DELETE FROM evidence WHERE id IN (SELECT id FROM evidence WHERE address = ? ORDER BY time DESC, id DESC LIMIT -1 OFFSET ?)",
  );
  const dropOldest = db.prepare("DELETE FROM evidence WHERE id IN (SELECT id FROM evidence ORDER BY id LIMIT ?)");
  const countAll = db.prepare("SELECT count(*) AS n FROM evidence");
  const inRange = db.prepare(`SELECT ${columns} FROM evidence WHERE address BETWEEN ? AND ? AND time BETWEEN ? AND ? ORDER BY time DESC, id DESC LIMIT ?`);
  const ofAddress = db.prepare(`SELECT ${columns} FROM evidence WHERE address = ? AND time BETWEEN ? AND ? ORDER BY time DESC, id DESC LIMIT ?`);
  // For the whole address space the order of arrival stands in for the order of time: a walk from the newest row, no sort.
  const newest = db.prepare(`SELECT ${columns} FROM evidence WHERE +address BETWEEN ? AND ? AND time BETWEEN ? AND ? ORDER BY id DESC LIMIT ?`);
  const slack = Math.max(1, bounds.rowsPerAddress >> 3);
  let total = -1;
  const perAddress = new Map<string, number>();

  const number = (statement: StatementSync, ...values: SQLInputValue[]): number => Number(statement.get(...values)?.["n"] ?? 0);

  const append: Journal["append"] = (rows) => {
    if (total < 0) total = number(countAll);
    const added = new Map<string, number>();
    for (const row of rows) {
      const address = sortableAddress(row.address);
      if (address === undefined) continue;
      const { changes } = insert.run(
        row.key,
        address,
        row.time,
        row.source,
        row.line,
        row.offset,
        cut(row.message),
        row.action,
        row.outcome,
        cut(row.user),
        cut(row.userAgent),
        row.status,
        row.count,
      );
      if (changes === 0) continue;
      total++;
      added.set(row.address, (added.get(row.address) ?? 0) + 1);
    }
    for (const [text, more] of added) {
      const address = sortableAddress(text) as SortableAddress;
      const before = perAddress.get(text);
      let now = before === undefined ? number(countAddress, address) : before + more;
      if (now > bounds.rowsPerAddress + slack) {
        total -= Number(dropOfAddress.run(address, bounds.rowsPerAddress).changes);
        now = bounds.rowsPerAddress;
      }
      if (perAddress.size >= rememberedAddresses) perAddress.clear();
      perAddress.set(text, now);
    }
    if (total > bounds.rows) total -= Number(dropOldest.run(total - Math.floor(bounds.rows * 0.95)).changes);
  };

  const find: Journal["find"] = ({ target, from, to, limit }) => {
    const range = sortableRange(target);
    if (!range) return [];
    const most = Math.max(0, Math.floor(limit));
    const since = clampTime(from);
    const until = clampTime(to);
    const { cidr, low, high } = range;
    if (cidr.first === cidr.last) return ofAddress.all(low, since, until, most).map(evidenceRow);
    if (cidr.prefix > 0) return inRange.all(low, high, since, until, most).map(evidenceRow);
    return newest
      .all(low, high, since, until, most)
      .map(evidenceRow)

      .toSorted((a, b) => b.time - a.time);
  };

  const recount = (): void => {
    total = -1;
    perAddress.clear();
  };
  return { append, find, recount };
}

/** A bound for a time comparison: infinite and absurd values become the ends of what SQLite compares as integers. */
export function clampTime(time: number): number {
  return Number.isNaN(time) ? 0 : Math.max(-8.64e15, Math.min(8.64e15, Math.trunc(time)));
}

function evidenceRow(row: Readonly<Record<string, unknown>>): EvidenceRow {
  return {
    address: addressText(row["address"]),
    time: Number(row["time"]),
    source: String(row["source"]),
    line: Number(row["line"]),
    offset: Number(row["place"]),
    message: String(row["message"]),
    action: String(row["action"]),
    outcome: String(row["outcome"]),
    user: String(row["user"]),
    userAgent: String(row["agent"]),
    status: Number(row["status"]),
    count: Number(row["count"]),
  };
}
