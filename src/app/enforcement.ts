import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Enforcer } from "#contracts/enforcer.ts";
import type { TextKey } from "#core/text/en.ts";
import { text, type Language } from "#core/text/text.ts";
import { crowdsecEnforcer } from "#enforcers/crowdsec/crowdsec.ts";
import { dryRunEnforcer } from "#enforcers/dry-run/dry-run.ts";
import { nftablesEnforcer } from "#enforcers/nftables/nftables.ts";
import { ufwEnforcer } from "#enforcers/ufw/ufw.ts";
import { startWarden, wardenClient, type StartedWarden, type WardenClient } from "#enforcers/warden-client.ts";
import { webhookEnforcer } from "#enforcers/webhook/webhook.ts";
import { feedNames } from "./feeds.ts";
import type { Config } from "./config/schema.ts";

/** The enforcers in force. */
export interface Enforcement {
  readonly enforcers: readonly Enforcer[];
  readonly names: readonly string[];
  /** Why nothing is blocked for real, where that was not asked for. */
  readonly dryRunReason: string | undefined;
  /** Ends the wardens that were started here. */
  close(): Promise<void>;
}

interface Options {
  readonly directory: string;
  readonly language: Language;
  readonly env: Readonly<Record<string, string | undefined>>;
  notice(line: string): void;
}

/** Enforcers as configured; without configuration nftables where this is root and `nft` is there, else a dry run that says why. */
export async function openEnforcers(config: Config, options: Options): Promise<Enforcement> {
  const { language, env, notice } = options;
  const wardens: SupervisedWarden[] = [];
  const say = (line: string): void => notice(line);
  const client = async (backend: "nftables" | "ufw"): Promise<WardenClient> => {
    if (existsSync(config.warden.socket) || process.getuid?.() !== 0) return wardenClient({ socketPath: config.warden.socket });
    const supervised = superviseWarden(backend, join(options.directory, `warden-${backend}.sock`), config, notice);
    wardens.push(supervised);
    return supervised.client;
  };
  const enforcers: Enforcer[] = [];
  let dryRunReason: string | undefined;
  if (config.enforcers === undefined) {
    const missing: TextKey | undefined =
      process.getuid?.() !== 0 && !existsSync(config.warden.socket) ? "cli.up.no-root" : !onPath("nft", env) ? "cli.up.no-nft" : undefined;
    if (missing === undefined) enforcers.push(nftablesEnforcer(await client("nftables"), language));
    else {
      dryRunReason = text(language, missing);
      enforcers.push(dryRunEnforcer(say, language));
    }
  }
  const feeds = feedNames(config);
  for (const entry of config.enforcers ?? []) {
    if (entry["dry-run"]) enforcers.push(dryRunEnforcer(say, language));
    if (entry.nftables) enforcers.push(nftablesEnforcer(await client("nftables"), language));
    if (entry.ufw) enforcers.push(ufwEnforcer(await client("ufw"), language));
    if (entry.crowdsec) {
      const { url, machine, password } = entry.crowdsec;
      enforcers.push(crowdsecEnforcer({ url, machine, password: password.reveal(), language, feed: feeds.get(entry.crowdsec) }));
    }
    if (entry.webhook) enforcers.push(webhookEnforcer({ url: entry.webhook.url, secret: entry.webhook.secret.reveal() }));
  }
  return {
    enforcers,
    names: enforcers.map(({ name }) => name),
    dryRunReason,
    close: async () => void (await Promise.all(wardens.map((warden) => warden.close()))),
  };
}

interface SupervisedWarden {
  readonly client: WardenClient;
  close(): Promise<void>;
}

/**
 * A warden as a child of a guard that runs as root, from the first request on: a command that changes no ban starts none.
 * Started again when it dies; the next reconcile then makes all bans hold.
 */
function superviseWarden(backend: "nftables" | "ufw", socketPath: string, config: Config, notice: (line: string) => void): SupervisedWarden {
  const launcher = fileURLToPath(new URL("../../bin/haechi", import.meta.url));
  let closing = false;
  let current: StartedWarden | undefined;
  let wait = 200;
  const start = async (): Promise<void> => {
    const started = await startWarden(
      {
        command: [process.execPath, "--disable-warning=ExperimentalWarning", launcher, "warden"],
        socketPath,
        user: String(process.getuid?.() ?? 0),
        backend,
        args: ["--prefix4", String(config.guard.maxPrefix4), "--prefix6", String(config.guard.maxPrefix6)],
        log: notice,
      },
      AbortSignal.timeout(15_000),
    );
    current = started;
    void started.exited.then(() => again());
  };
  const again = async (): Promise<void> => {
    // oxlint-disable-next-line no-unmodified-loop-condition -- `close` sets it meanwhile.
    while (!closing) {
      try {
        await start();
        wait = 200;
        return;
      } catch (error) {
        notice(error instanceof Error ? error.message : String(error));
        wait = Math.min(10_000, wait * 2);
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  };
  // A client of its own, so that it lives on when the child is replaced.
  const inner = wardenClient({ socketPath });
  let first: Promise<void> | undefined;
  const request: WardenClient["request"] = async (command, signal) => {
    if (closing) throw new Error("closed");
    first ??= start();
    try {
      await first;
    } catch (error) {
      first = undefined;
      throw error;
    }
    return inner.request(command, signal);
  };
  return {
    client: { socketPath, request, close: () => inner.close() },
    close: async () => {
      closing = true;
      await first?.catch(() => undefined);
      await current?.close();
    },
  };
}

/** True where a program of this name stands on PATH or where root's programs are. */
function onPath(name: string, env: Options["env"]): boolean {
  return [...(env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"].some((folder) => folder !== "" && existsSync(join(folder, name)));
}
