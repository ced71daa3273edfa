import { banCover, flattenBans, subtractBans, type Piece } from "#core/ban-cover.ts";
import { formatCidr } from "#core/ip.ts";
import type { BackendBlocked, CheckedBan, WardenBackend } from "./backend.ts";
import { changeTransaction, flushTransaction, readRuleset, rebuildTransaction, type Element, type Ruleset } from "./nft-ruleset.ts";
import { commandFailed, mustRun, runCommand } from "./run-command.ts";

/** nft gives the time left in whole seconds, and reading takes a moment: ends closer than this are the same. */
const slack = 3_000;

const same = (a: Piece, b: Piece): boolean => Math.abs(a.until - b.until) <= slack;

/**
 * Blocks with nftables. Every change is one transaction (`nft -j -f -`), so the kernel holds the old set or the new one
 * and nothing between. The kernel counts the time down by itself: bans end while nothing of ours runs.
 */
export function nftablesBackend(): WardenBackend {
  /** Packets by network since this process started: a replaced element counts from zero again, this does not. */
  const counts = new Map<string, { total: number; last: number }>();
  const note = (elements: readonly Element[]): void => {
    const there = new Set<string>();
    for (const element of elements) {
      const name = formatCidr(element.cidr);
      there.add(name);
      const count = counts.get(name) ?? { total: 0, last: 0 };
      count.total += element.packets >= count.last ? element.packets - count.last : element.packets;
      count.last = element.packets;
      counts.set(name, count);
    }
    for (const name of counts.keys()) if (!there.has(name)) counts.delete(name);
  };

  const read = async (): Promise<Ruleset> => {
    const now = Date.now();
    const result = await runCommand("nft", ["-j", "list", "table", "inet", "haechi"], { package: "nftables" });
    if (result.status === 0) {
      const ruleset = readRuleset(result.stdout, now);
      note(ruleset.elements);
      return ruleset;
    }
    if (/No such file or directory/.test(result.stderr)) return { intact: false, isAbsent: true, elements: [] };
    throw commandFailed("nft", result);
  };
  const apply = (transaction: string): Promise<string> => mustRun("nft", ["-j", "-f", "-"], { input: transaction, package: "nftables" });

  /** Brings the kernel from `current` to `pieces` in one transaction. */
  const change = async (current: Ruleset, pieces: readonly Piece[]): Promise<void> => {
    // Nothing to hold and nothing there: a flushed firewall stays as clean as it was left.
    if (current.isAbsent === true && pieces.length === 0) return;
    const now = Date.now();
    const wanted = new Map(pieces.map((piece) => [formatCidr(piece.cidr), piece]));
    const remove: Element[] = [];
    for (const element of current.elements) {
      const name = formatCidr(element.cidr);
      const piece = wanted.get(name);
      if (piece && same(piece, element)) wanted.delete(name);
      else remove.push(element);
    }
    const add = [...wanted.values()];
    const transaction = current.intact ? changeTransaction(current.elements, remove, add, now) : rebuildTransaction(pieces, now);
    if (transaction === undefined) return;
    try {
      await apply(transaction);
    } catch (error) {
      if (!current.intact) throw error;
      // An element that expired between reading and deleting fails the whole transaction; a rebuild cannot.
      await apply(rebuildTransaction(pieces, now));
    }
  };

  return {
    name: "nftables",
    async block(bans, only): Promise<BackendBlocked> {
      const current = await read();
      const cover = banCover(current.elements);
      await change(current, flattenBans(only ? bans : [...bans, ...current.elements]));
      const after = await read();
      const held = banCover(after.elements);
      const added: CheckedBan[] = [];
      const failed: BackendBlocked["failed"][number][] = [];
      let kept = 0;
      for (const ban of bans) {
        if (!after.intact || !held.holds(ban.cidr, ban.until - slack)) failed.push({ target: ban.target, why: "not-held" });
        else if (current.intact && cover.holds(ban.cidr, ban.until - slack)) kept++;
        else added.push(ban);
      }
      const removed = current.elements.filter((element) => !held.touches(element.cidr)).length;
      return { added, removed, kept, failed };
    },
    async release(targets) {
      const current = await read();
      const { left, touched } = subtractBans(current.elements, targets);
      if (touched > 0) await change(current, left);
      return touched;
    },
    async list() {
      const { intact, elements } = await read();
      // Elements nothing refers to block nobody: with a rule or the chain gone, nothing is held.
      return intact ? elements.map((element) => ({ target: formatCidr(element.cidr), until: element.until })) : [];
    },
    async flush() {
      await apply(flushTransaction());
      counts.clear();
    },
    async hits() {
      const { elements } = await read();
      return elements.map((element) => {
        const name = formatCidr(element.cidr);
        return [name, counts.get(name)?.total ?? element.packets] as const;
      });
    },
  };
}
