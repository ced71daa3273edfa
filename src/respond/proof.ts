import type { Decision } from "#core/decision.ts";
import type { EvidenceStore, EvidenceRow } from "#contracts/evidence-store.ts";

/** Why lines of a banned address may still arrive. */
type KnockCause = "proxy" | "containers" | "established" | "beside";

/** What became of the proof of one ban. */
export interface ProofFinding {
  readonly decision: Decision;
  readonly kind: "hits" | "silent" | "knocking";
  readonly cause?: KnockCause;
  /** The newest line that should not have arrived. */
  readonly line?: EvidenceRow;
}

/** Watches that bans bite: the enforcer's counter moves, or no further line of the target arrives. */
export interface Proof {
  /** Starts watching a ban that an enforcer confirmed at `now`; `hits` = its counter at that time, where it has one. */
  watch(decision: Decision, now: number, hits: number | undefined): void;
  forget(decision: string): void;
  /** What is settled or wrong by now; each ban is told once as proved and once as knocking. */
  check(now: number, hits: ReadonlyMap<string, number>): Promise<readonly ProofFinding[]>;
  readonly watched: number;
}

/** Lines within this time after the ban were on their way already. Milliseconds. */
const grace = 15_000;
/** Without a line for so long the ban is taken as proved; a ban that knocks is watched no longer than this either. */
const settled = 10 * 60_000;
const mostWatched = 5_000;

/** `containers` = this machine has container bridges, whose traffic passes beside the input chain. */
export function proof(store: EvidenceStore, containers: () => boolean): Proof {
  const bans = new Map<string, { readonly decision: Decision; readonly since: number; readonly hits: number | undefined; moved: boolean; told: boolean }>();
  return {
    watch(decision, now, hits) {
      if (bans.size >= mostWatched) bans.delete(bans.keys().next().value as string);
      bans.set(decision.id, { decision, since: now, hits, moved: false, told: false });
    },
    forget(decision) {
      bans.delete(decision);
    },
    async check(now, hits) {
      const findings: ProofFinding[] = [];
      for (const [id, ban] of bans) {
        if (now - ban.since < grace) continue;
        const { decision } = ban;
        const [line] = await store.find({ target: decision.target, from: ban.since + grace, to: now + grace, limit: 1 });
        if (!ban.moved && (hits.get(decision.target) ?? 0) > (ban.hits ?? 0)) {
          ban.moved = true;
          if (!line) findings.push({ decision, kind: "hits" });
        }
        if (line && !ban.told) {
          ban.told = true;
          findings.push({ decision, kind: "knocking", line, cause: knockCause(line, ban.moved, containers()) });
        }
        if (now - ban.since < settled) continue;
        bans.delete(id);
        if (!ban.told && !ban.moved) findings.push({ decision, kind: "silent" });
      }
      return findings;
    },
    get watched() {
      return bans.size;
    },
  };
}

/** The likeliest cause, from what kind of line arrived and whether the firewall dropped anything at all. */
function knockCause(line: EvidenceRow, dropped: boolean, containers: boolean): KnockCause {
  if (dropped) return "beside";
  if (line.action.startsWith("http_")) return containers ? "containers" : "proxy";
  return containers && !line.action.startsWith("ssh_") ? "containers" : "established";
}
