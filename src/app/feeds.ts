import { setTimeout as delay } from "node:timers/promises";
import { HaechiError } from "#core/error.ts";
import { sanitize } from "#core/sanitize.ts";
import { text, type Language } from "#core/text/text.ts";
import { decisionsStream, type CrowdsecBan } from "#enforcers/crowdsec/decisions-stream.ts";
import type { FeedEntry } from "#respond/feeds.ts";
import type { Responder } from "#respond/responder.ts";
import type { Config } from "./config/schema.ts";

type CrowdsecConfig = NonNullable<NonNullable<Config["enforcers"]>[number]["crowdsec"]>;

interface FollowOptions {
  readonly language: Language;
  /** Told in the operator's language when a feed is lost and when it is back. */
  readonly notice: (line: string) => void;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks; 10,000. */
  readonly interval?: number | undefined;
}

/** The name of each CrowdSec server that is a source of bans too: `crowdsec`, further ones `crowdsec-2`, …. */
export function feedNames(config: Config): ReadonlyMap<CrowdsecConfig, string> {
  const servers = (config.enforcers ?? []).flatMap(({ crowdsec }) => (crowdsec?.bouncerKey ? [crowdsec] : []));
  return new Map(servers.map((server, place) => [server, place === 0 ? "crowdsec" : `crowdsec-${place + 1}`]));
}

/** Follows every configured source of bans until the signal aborts. Never rejects: a feed that fails is tried again, its bans stay. */
export async function followFeeds(config: Config, responder: Pick<Responder, "follow">, options: FollowOptions): Promise<void> {
  await Promise.all([...feedNames(config)].map(([server, name]) => follow(server, name, responder, options)));
}

const firstWait = 5_000;
const longestWait = 300_000;
/** Lists of the world, and not somebody's decision on this server. */
const worldwide: ReadonlySet<string> = new Set(["CAPI", "lists"]);

async function follow(server: CrowdsecConfig, name: string, responder: Pick<Responder, "follow">, options: FollowOptions): Promise<void> {
  const { language, notice, signal, interval } = options;
  let told: string | undefined;
  let wait = firstWait;
  while (!signal.aborted) {
    try {
      const stream = { url: server.url, apiKey: server.bouncerKey?.reveal() ?? "", ...(interval === undefined ? {} : { interval }) };
      for await (const { whole, added, removed } of decisionsStream(stream, signal)) {
        await responder.follow(name, { whole, added: added.map(entryOf), removed: removed.map(({ id }) => id) });
        if (told !== undefined) notice(text(language, "enforce.feedBack", { feed: name }));
        told = undefined;
        wait = firstWait;
      }
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof HaechiError ? text(language, error.key, error.params) : error instanceof Error ? error.message : String(error);
      if (reason !== told) notice(text(language, "enforce.feedLost", { feed: name, reason: sanitize(reason, 300) }));
      told = reason;
      // Whatever was not taken comes again: a stream begins with everything that holds.
      await delay(wait, undefined, { signal }).catch(() => undefined);
      wait = Math.min(longestWait, wait * 2);
    }
  }
}

const entryOf = ({ id, target, until, scenario, origin }: CrowdsecBan): FeedEntry => ({ id, target, until, scenario, near: !worldwide.has(origin) });
