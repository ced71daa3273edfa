import type { Ban } from "#core/decision.ts";
import type { CohortMember, RuleLevel, Signal } from "#core/signal.ts";
import type { Enforcer } from "#contracts/enforcer.ts";
import type { EvidenceRow } from "#contracts/evidence-store.ts";
import type { Notice } from "#contracts/notice.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { sqliteState } from "#statestores/sqlite/sqlite.ts";
import { defaultLimits, type GuardLimits } from "./checks.ts";
import type { GuardInputs } from "./guard.ts";
import type { NetworkList } from "./lists.ts";
import type { MachineFacts } from "./machine.ts";
import { defaultPolicy, type Policy } from "./policy.ts";
import { responder, type Responder } from "./responder.ts";

/** Parts that the tests of this room share: all real but the firewall, which is memory. */

export const at = Date.UTC(2026, 10, 20, 3, 0, 0);

/** A firewall of memory that keeps the contract: what is in `rules` holds. Tests may damage it. */
export interface MemoryEnforcer extends Enforcer {
  readonly rules: Map<string, Ban>;
  readonly killed: string[];
  readonly counters: Map<string, number>;
  /** Every call fails with this while it is set. */
  fault: Error | undefined;
  /** Targets that the system refuses. */
  readonly refused: Set<string>;
  syncs: number;
}

export function memoryEnforcer(name = "memory"): MemoryEnforcer {
  const rules = new Map<string, Ban>();
  const guarded = (enforcer: MemoryEnforcer): void => {
    if (enforcer.fault) throw enforcer.fault;
  };
  return {
    name,
    rules,
    killed: [],
    counters: new Map(),
    fault: undefined,
    refused: new Set(),
    syncs: 0,
    async sync(desired) {
      guarded(this);
      this.syncs++;
      const wanted = new Map(desired.map((ban) => [ban.target, ban]));
      const failed = desired.filter(({ target }) => this.refused.has(target)).map(({ target }) => ({ target, reason: "refused by the system" }));
      let removed = 0;
      let added = 0;
      for (const target of rules.keys()) {
        if (wanted.has(target)) continue;
        rules.delete(target);
        removed++;
      }
      for (const [target, ban] of wanted) {
        if (this.refused.has(target)) continue;
        if (!rules.has(target)) added++;
        rules.set(target, ban);
      }
      return { added, removed, kept: rules.size - added, failed };
    },
    async list() {
      guarded(this);
      return [...rules.values()];
    },
    async flush() {
      guarded(this);
      rules.clear();
    },
    async kill(target) {
      this.killed.push(target);
      return 1;
    },
    async hits() {
      return this.counters;
    },
    async close() {},
  };
}

let serial = 0;

/** A journal row; every row of the tests has its own key. */
export function row(address: string, time: number, more: Partial<EvidenceRow> = {}): EvidenceRow & { readonly key: string } {
  serial++;
  return {
    key: `auth.log:1:${serial}`,
    address,
    time,
    source: "auth.log",
    line: serial,
    offset: serial * 100,
    message: `Failed password for root from ${address} port 51234 ssh2`,
    action: "ssh_login",
    outcome: "failure",
    user: "root",
    userAgent: "",
    status: 0,
    count: 1,
    ...more,
  };
}

export const rows = (
  address: string,
  count: number,
  more: Partial<EvidenceRow> = {},
  from = at - 60_000,
): readonly (EvidenceRow & { readonly key: string })[] => Array.from({ length: count }, (_, i) => row(address, from + i * 1_000, more));

export function signal(id: string, address: string, more: Partial<Signal> = {}): Signal {
  return {
    id,
    detector: "sigma-rules",
    rule: "ssh-brute-force",
    title: "SSH brute force",
    level: "high" satisfies RuleLevel,
    actor: { kind: address.includes("/") ? "network" : "ip", id: address },
    first: at - 60_000,
    last: at,
    count: 5,
    score: 3,
    why: [{ feature: "failures", value: 5, contribution: 3 }],
    evidence: [],
    actionable: true,
    ...more,
  };
}

export const member = (address: string, events = 4): CohortMember => ({ address, events, first: at - 60_000, last: at, score: 2, why: [], evidence: [] });

export const machine: MachineFacts = { addresses: ["45.9.60.2", "2a03:4000:6:d0::2"], gateways: ["45.9.60.1"], nameservers: ["9.9.9.9"], containers: false };

const cdn: NetworkList = {
  name: "example-cdn",
  kind: "cdn",
  date: "2026-01-01",
  source: "https://example.com/",
  note: "",
  networks: ["104.16.0.0/13", "2606:4700::/32"],
};

export function guardInputs(more: Partial<Omit<GuardInputs, "limits">> & { readonly limits?: Partial<GuardLimits> } = {}): GuardInputs {
  const { limits, ...rest } = more;
  return {
    machine: () => machine,
    lists: () => [cdn],
    infrastructure: ["185.8.8.0/28"],
    trustedProxies: ["46.7.7.7"],
    operators: () => ["77.88.99.100"],
    ...rest,
    limits: { ...defaultLimits, ...limits },
  };
}

export interface Bed {
  readonly store: StateStore;
  readonly firewall: MemoryEnforcer;
  readonly responder: Responder;
  readonly notices: Notice[];
  /** The clock; tests move it. */
  now: number;
  /** A responder on the same store, as after a restart. */
  again(): Responder;
}

export function bed(policy: Partial<Policy> = {}, inputs: GuardInputs = guardInputs(), firewall: MemoryEnforcer = memoryEnforcer()): Bed {
  const store = sqliteState(":memory:");
  const notices: Notice[] = [];
  const again = (): Responder =>
    responder({
      store,
      enforcers: [firewall],
      guardInputs: inputs,
      policy: { ...defaultPolicy, ...policy },
      clock: () => made.now,
      language: "en",
      onNotice: (notice) => notices.push(notice),
    });
  const made = { store, firewall, notices, now: at, again } as { -readonly [K in keyof Bed]: Bed[K] };
  made.responder = again();
  return made;
}
