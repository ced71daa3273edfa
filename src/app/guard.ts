import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Enforcer } from "#contracts/enforcer.ts";
import type { Notice } from "#contracts/notice.ts";
import type { StateStore } from "#contracts/state-store.ts";
import type { Language } from "#core/text/text.ts";
import { defaultLimits } from "#respond/checks.ts";
import type { GuardInputs } from "#respond/guard.ts";
import { systemLookup } from "#respond/crawlers.ts";
import { machineFacts } from "#respond/machine.ts";
import { defaultPolicy, type Policy } from "#respond/policy.ts";
import { responder, type Responder } from "#respond/responder.ts";
import { sqliteState } from "#statestores/sqlite/sqlite.ts";
import type { Config } from "./config/schema.ts";
import { openEnforcers, type Enforcement } from "./enforcement.ts";
import type { GuardStatus } from "./guard-methods.ts";
import { networkLists } from "./network-lists.ts";
import { operatorAddresses } from "./operators.ts";

/** The guard's memory and hands, wired by configuration. */
export interface Guard {
  readonly store: StateStore;
  readonly responder: Responder;
  readonly enforcement: Enforcement;
  readonly inputs: GuardInputs;
  /** What the pipeline knows; replaced by `up` while sources are read. */
  state: () => Pick<GuardStatus, "running" | "started" | "sources">;
  close(): Promise<void>;
}

export interface OpenGuardOptions {
  readonly directory: string;
  readonly language: Language;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told in the operator's language of what went wrong or changed. */
  notice(line: string): void;
  onNotice?(notice: Notice): void;
  readonly clock?: () => number;
  /** Instead of what the configuration says (the demo enforces nothing). */
  readonly enforcers?: readonly Enforcer[];
}

/** Opens state and enforcers. Throws StateError where the state cannot be opened; enforcers that cannot be reached come back by themselves. */
export async function openGuard(config: Config, options: OpenGuardOptions): Promise<Guard> {
  const { directory, language } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const store = sqliteState(join(directory, "haechi.db"), { evidenceRows: config.evidence.rows, evidenceRowsPerAddress: config.evidence.perAddress });
  try {
    const enforcement = options.enforcers
      ? { enforcers: options.enforcers, names: options.enforcers.map(({ name }) => name), dryRunReason: undefined, close: async () => {} }
      : await openEnforcers(config, options);
    const inputs = guardInputs(config, directory);
    const hands = responder({
      store,
      enforcers: enforcement.enforcers,
      guardInputs: inputs,
      policy: policyOf(config),
      clock: options.clock ?? Date.now,
      language,
      onNotice: options.onNotice ?? (() => {}),
    });
    return {
      store,
      responder: hands,
      enforcement,
      inputs,
      state: () => ({ running: false, started: null, sources: [] }),
      close: async () => {
        await hands.settled();
        for (const enforcer of enforcement.enforcers) await enforcer.close();
        await enforcement.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const listsFresh = 60_000;

/** What the guard is told of this machine and its operator. */
export function guardInputs(config: Config, directory: string): GuardInputs {
  let lists = networkLists(directory);
  let readAt = Date.now();
  return {
    machine: () => machineFacts(),
    // Read again now and then, so that `haechi lists update` takes effect without a restart.
    lists: () => {
      if (Date.now() - readAt > listsFresh) {
        lists = networkLists(directory);
        readAt = Date.now();
      }
      return lists;
    },
    lookup: systemLookup(),
    infrastructure: [...config.infrastructure, ...config.allow],
    trustedProxies: config.proxies,
    operators: operatorAddresses,
    limits: {
      ...defaultLimits,
      width4: config.guard.maxPrefix4,
      width6: config.guard.maxPrefix6,
      bansPerMinute: config.guard.bansPerMinute,
      bansPerCycle: config.guard.bansPerCycle,
      trafficShare: config.guard.trafficShare,
      mostEvidence: Math.min(defaultLimits.mostEvidence, config.evidence.perAddress),
    },
  };
}

/** The policy in the responder's terms: `auto` acts from the configured level on and asks for medium ones below it. */
export function policyOf(config: Config): Policy {
  const act = (level: keyof Policy["levels"]): "act" | "ask" => (order.indexOf(level) >= order.indexOf(config.bans.autoLevel) ? "act" : "ask");
  return {
    ...defaultPolicy,
    mode: config.mode,
    levels: { informational: "ignore", low: "ignore", medium: act("medium"), high: act("high"), critical: act("critical") },
    steps: config.bans.times.map((time) => Math.max(1, Math.round(time / 1_000))),
    decay: config.bans.decay,
    answerWithin: config.approvals.expire,
  };
}

const order: readonly (keyof Policy["levels"])[] = ["informational", "low", "medium", "high", "critical"];
