import type { Enforcer } from "#contracts/enforcer.ts";
import { banCover, flattenBans, toPieces, unexplained } from "#core/ban-cover.ts";
import type { Ban } from "#core/decision.ts";
import { cidrSet, formatCidr, parseCidr, type Cidr } from "#core/ip.ts";
import type { TextKey } from "#core/text/en.ts";
import { text, type Language } from "#core/text/text.ts";
import { wardenLimits, type WardenRefusal } from "#core/warden-message.ts";
import type { WardenClient } from "./warden-client.ts";

const refusals: Readonly<Record<WardenRefusal, TextKey>> = {
  unparsable: "enforce.refusedUnparsable",
  width: "enforce.refusedWidth",
  reserved: "enforce.refusedReserved",
  own: "enforce.refusedOwn",
  full: "enforce.refusedFull",
  "not-held": "enforce.refusedNotHeld",
};

/** Ends closer than this are the same: firewalls keep whole seconds. */
const slack = 3_000;

/**
 * An enforcer that lets the warden do it. The firewall knows networks and ends, not decisions: `list` gives those bans
 * of the last `sync` that the firewall really holds (wholly, and to their end), and whatever else of ours it holds with
 * an empty decision. Reasons of failures are in `language`.
 */
export function wardenEnforcer(name: string, client: WardenClient, limit: number, language: Language): Enforcer {
  let known: readonly (Ban & { readonly cidr: Cidr })[] = [];
  return {
    name,
    async sync(desired, signal) {
      const now = Date.now();
      // The same target twice counts once, to its later end, as the firewall does.
      const latest = new Map<string, Ban>();
      for (const ban of desired) if (ban.until > now && ban.until > (latest.get(ban.target)?.until ?? 0)) latest.set(ban.target, ban);
      const bans = [...latest.values()].map(({ target, until }) => ({ target, until }));
      const tooMany = bans
        .splice(wardenLimits.bans)
        .map(({ target }) => ({ target, reason: text(language, "enforce.refusedTooMany", { limit: wardenLimits.bans }) }));
      const done = await client.request({ do: "block", bans, only: true }, signal);
      known = [...latest.values()].flatMap((ban) => {
        const cidr = parseCidr(ban.target);
        return cidr ? [{ ...ban, cidr }] : [];
      });
      const failed = done.failed.map(({ target, why }) => ({ target, reason: Object.hasOwn(refusals, why) ? text(language, refusals[why], { limit }) : why }));
      return { added: done.added, removed: done.removed, kept: done.kept, failed: [...failed, ...tooMany] };
    },
    async list(signal) {
      const { bans } = await client.request({ do: "list" }, signal);
      const pieces = flattenBans(toPieces(bans));
      const cover = banCover(pieces);
      const now = Date.now();
      const held = known.filter((ban) => ban.until > now && cover.holds(ban.cidr, ban.until - slack));
      const others = unexplained(
        pieces,
        held.map((ban) => ban.cidr),
      );
      return [
        ...held.map(({ target, until, decision, reason }) => ({ target, until, decision, reason })),
        ...others.map((piece) => ({ target: formatCidr(piece.cidr), until: piece.until, decision: "", reason: "" })),
      ];
    },
    async flush(signal) {
      await client.request({ do: "flush" }, signal);
      known = [];
    },
    async kill(target, signal) {
      return (await client.request({ do: "kill", target }, signal)).killed;
    },
    async hits(signal) {
      const { hits } = await client.request({ do: "hits" }, signal);
      const targets = cidrSet(known.map((ban) => [ban.cidr, ban.target] as const));
      const sums = new Map<string, number>();
      for (const [piece, packets] of hits) {
        const cidr = parseCidr(piece);
        if (!cidr) continue;
        // A wider ban may be held in several pieces: what they drop counts for it.
        const target = targets.covering(cidr) ?? piece;
        sums.set(target, (sums.get(target) ?? 0) + packets);
      }
      return sums;
    },
    close: () => client.close(),
  };
}
