import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Enforcer } from "#contracts/enforcer.ts";
import type { Ban } from "#core/decision.ts";
import { EnforcerError, reasonOf } from "../enforcer-error.ts";

export interface WebhookOptions {
  /** `http:` or `https:`; redirects are not followed. */
  readonly url: string;
  /** Shared secret of the signature, in UTF-8; or `whsec_` and base64, as Standard Webhooks writes secrets. */
  readonly secret: string;
  /** Tries in all; 4. */
  readonly tries?: number;
  /** Milliseconds one try may take; 10,000. */
  readonly timeout?: number;
  /** Milliseconds before the first repetition, doubled each time; 500. */
  readonly pause?: number;
  /** Milliseconds after which an unchanged set is sent again, so that a receiver that forgot heals; 5 minutes. */
  readonly resend?: number;
}

/** What is sent: the whole set that should hold, so that one message makes everything right. */
interface WebhookBody {
  readonly version: 1;
  readonly type: "haechi.bans";
  /** RFC 3339. */
  readonly timestamp: string;
  readonly bans: readonly { readonly target: string; readonly until: string; readonly decision: string; readonly reason: string }[];
  /** What changed since the last confirmed message, for receivers that want only that. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Sends the set of bans to a system of the operator's own: a JSON POST signed after Standard Webhooks 1.0 (headers
 * `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64 HMAC-SHA256 of "id.timestamp.body">`). Repeated with
 * the same id on network errors, 408, 425, 429 and 5xx. A ban counts as held after a 2xx; the receiver cannot be asked,
 * so `list` is what it last confirmed.
 */
export function webhookEnforcer(options: WebhookOptions): Enforcer {
  const { url, tries = 4, timeout = 10_000, pause = 500, resend = 300_000 } = options;
  const key = options.secret.startsWith("whsec_") ? Buffer.from(options.secret.slice(6), "base64") : Buffer.from(options.secret, "utf8");
  /** The URL without what may be secret in it. */
  const shown = shownUrl(url);
  let confirmed = new Map<string, Ban>();
  let sentAt = 0;

  const post = async (body: WebhookBody, signal: AbortSignal): Promise<void> => {
    const text = JSON.stringify(body);
    const id = `msg_${randomUUID()}`;
    let failure: EnforcerError | undefined;
    let wait = 0;
    for (let attempt = 0; attempt < tries; attempt++) {
      if (attempt > 0) await delay(wait, undefined, { signal });
      wait = pause * 2 ** attempt * (0.75 + Math.random() / 2);
      signal.throwIfAborted();
      const timestamp = String(Math.floor(Date.now() / 1_000));
      const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${text}`).digest("base64");
      try {
        const response = await fetch(url, {
          method: "POST",
          redirect: "manual",
          headers: {
            "content-type": "application/json",
            "user-agent": "haechi/0.1.0",
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": `v1,${signature}`,
          },
          body: text,
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
        });
        await response.body?.cancel();
        if (response.ok) return;
        const again = [408, 425, 429].includes(response.status) || response.status >= 500;
        failure = new EnforcerError("webhook-refused", "enforce.webhookRefused", { url: shown, status: response.status });
        if (!again) throw failure;
        const asked = Number(response.headers.get("retry-after")) * 1_000;
        if (asked > 0) wait = Math.min(asked, 30_000);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error === failure) throw error;
        failure = new EnforcerError("webhook-unreachable", "enforce.webhookUnreachable", { url: shown, tries, reason: reasonOf(error) }, { cause: error });
      }
    }
    throw failure ?? new EnforcerError("webhook-unreachable", "enforce.webhookUnreachable", { url: shown, tries, reason: "no try" });
  };

  const forgetEnded = (now: number): void => {
    for (const [target, ban] of confirmed) if (ban.until <= now) confirmed.delete(target);
  };

  const send = async (next: Map<string, Ban>, added: readonly string[], removed: readonly string[], signal: AbortSignal): Promise<void> => {
    const now = Date.now();
    const bans = [...next.values()].map(({ target, until, decision, reason }) => ({ target, until: new Date(until).toISOString(), decision, reason }));
    await post({ version: 1, type: "haechi.bans", timestamp: new Date(now).toISOString(), bans, added, removed }, signal);
    confirmed = next;
    sentAt = now;
  };

  return {
    name: "webhook",
    async sync(desired, signal) {
      signal.throwIfAborted();
      const now = Date.now();
      forgetEnded(now);
      const next = new Map<string, Ban>();
      for (const ban of desired) if (ban.until > now && ban.until > (next.get(ban.target)?.until ?? 0)) next.set(ban.target, ban);
      const added = [...next.values()].filter((ban) => confirmed.get(ban.target)?.until !== ban.until).map((ban) => ban.target);
      const removed = [...confirmed.keys()].filter((target) => !next.has(target));
      const kept = next.size - added.length;
      if (added.length > 0 || removed.length > 0 || now - sentAt >= resend) await send(next, added, removed, signal);
      return { added: added.length, removed: removed.length, kept, failed: [] };
    },
    async list(signal) {
      signal.throwIfAborted();
      forgetEnded(Date.now());
      return [...confirmed.values()];
    },
    async flush(signal) {
      signal.throwIfAborted();
      await send(new Map(), [], [...confirmed.keys()], signal);
    },
    close: async () => {},
  };
}

function shownUrl(url: string): string {
  try {
    const { origin, pathname } = new URL(url);
    return `${origin}${pathname}`;
  } catch {
    return "(unreadable URL)";
  }
}
