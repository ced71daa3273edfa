import type { HaechiError } from "#core/error.ts";
import type { WardenBackend } from "./backend.ts";
import type { RequestWork } from "./request-work.ts";
import { reasonOf, WardenError } from "./warden-error.ts";

/** Longest wait in milliseconds: the clock may have been set meanwhile. */
const longestWait = 60_000;

/** Ends rules on time where the firewall has no timeouts. */
export interface Expiry {
  /** Looks again now: rules were added. */
  wake(): void;
  stop(): void;
}

/** Removes rules at their end for a firewall without timeouts: looks now, for what ended meanwhile, then at each next end. */
export function keepExpiry(backend: WardenBackend, work: RequestWork, notice: (error: HaechiError) => void): Expiry {
  if (!backend.expire) return { wake: () => {}, stop: () => {} };
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let looking = false;
  let again = false;
  const look = async (): Promise<void> => {
    let wait = longestWait;
    looking = true;
    try {
      const next = await work.turn(async () => {
        await backend.expire?.();
        return backend.nextExpiry?.();
      });
      if (next !== undefined) wait = Math.min(wait, Math.max(250, next - Date.now()));
    } catch (error) {
      notice(new WardenError("warden-expiry", "enforce.wardenExpiry", { reason: reasonOf(error) }, { cause: error }));
    }
    looking = false;
    if (!stopped) timer = setTimeout(() => void look(), again ? 0 : wait);
    again = false;
  };
  void look();
  return {
    wake() {
      if (looking) again = true;
      else if (!stopped) {
        clearTimeout(timer);
        void look();
      }
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
