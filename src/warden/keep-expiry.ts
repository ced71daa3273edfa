import type { HaechiError } from "#core/error.ts";
import type { WardenBackend } from "./backend.ts";
import type { RequestWork } from "./request-work.ts";
import { reasonOf, WardenError } from "./warden-error.ts";

/** Removes rules at their end for a firewall without timeouts: looks at start, then at the next end, at least each 30 s. */
export function keepExpiry(backend: WardenBackend, work: RequestWork, notice: (error: HaechiError) => void): () => void {
  if (!backend.expire) return () => {};
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    let wait = 30_000;
    try {
      const next = await work.turn(async () => {
        await backend.expire?.();
        return backend.nextExpiry?.();
      });
      if (next !== undefined) wait = Math.min(wait, Math.max(250, next - Date.now()));
    } catch (error) {
      notice(new WardenError("warden-expiry", "enforce.wardenExpiry", { reason: reasonOf(error) }, { cause: error }));
    }
    if (!stopped) timer = setTimeout(() => void look(), wait);
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
