import type { Enforcer } from "#contracts/enforcer.ts";
import type { Ban } from "#core/decision.ts";
import { text, type Language } from "#core/text/text.ts";

/** Bans remembered at most; what is beyond is reported as failed. */
const limit = 100_000;

/**
 * Blocks nothing: remembers what it would block and tells `say` about each change, one line each. For `watch` mode,
 * demos and machines without a firewall.
 */
export function dryRunEnforcer(say: (line: string) => void, language: Language = "en"): Enforcer {
  let held = new Map<string, Ban>();
  const forgetEnded = (now: number): void => {
    for (const [target, ban] of held) if (ban.until <= now) held.delete(target);
  };
  return {
    name: "dry-run",
    async sync(desired, signal) {
      signal.throwIfAborted();
      const now = Date.now();
      forgetEnded(now);
      const next = new Map<string, Ban>();
      const failed: { target: string; reason: string }[] = [];
      let added = 0;
      let kept = 0;
      for (const ban of desired) {
        if (ban.until <= now || ban.until <= (next.get(ban.target)?.until ?? 0)) continue;
        if (next.size >= limit && !next.has(ban.target)) failed.push({ target: ban.target, reason: text(language, "enforce.refusedTooMany", { limit }) });
        else next.set(ban.target, ban);
      }
      for (const [target, ban] of next) {
        if (held.get(target)?.until === ban.until) kept++;
        else {
          added++;
          say(text(language, "enforce.dryRunAdd", { target, until: new Date(ban.until).toISOString(), reason: ban.reason }));
        }
      }
      let removed = 0;
      for (const target of held.keys()) {
        if (next.has(target)) continue;
        removed++;
        say(text(language, "enforce.dryRunRemove", { target }));
      }
      held = next;
      return { added, removed, kept, failed };
    },
    async list(signal) {
      signal.throwIfAborted();
      forgetEnded(Date.now());
      return [...held.values()];
    },
    async flush(signal) {
      signal.throwIfAborted();
      say(text(language, "enforce.dryRunFlush", { count: held.size }));
      held.clear();
    },
    async kill(target, signal) {
      signal.throwIfAborted();
      say(text(language, "enforce.dryRunKill", { target }));
      return 0;
    },
    close: async () => {},
  };
}
