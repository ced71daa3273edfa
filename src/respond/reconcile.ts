import { parseCidr, type Cidr } from "#core/ip.ts";
import { HaechiError } from "#core/error.ts";
import { sanitize } from "#core/sanitize.ts";
import type { Ban, Decision } from "#core/decision.ts";
import { text, type Language } from "#core/text/text.ts";
import type { Enforcer, SyncReport } from "#contracts/enforcer.ts";
import type { Notice } from "#contracts/notice.ts";
import type { Ledger } from "./ledger.ts";
import type { Proof, ProofFinding } from "./proof.ts";

/** How one enforcer stands. */
export interface EnforcerStatus {
  readonly name: string;
  /** The error of the last cycle in words, undefined where it went well. */
  readonly fault: string | undefined;
  /** Bans that it holds as of the last cycle that went well. */
  readonly held: number;
  /** Rules found changed by somebody else and made right again, since start. */
  readonly healed: number;
}

/** The only caller of enforcers. */
export interface Reconciler {
  /**
   * Makes the firewall equal to the ledger: computes the set that should hold, gives it to every enforcer, and writes down
   * what they confirmed. Never rejects; a call during a running cycle makes another one follow. Resolves when the ledger
   * as it was at the call is enforced or its failure is known.
   */
  run(): Promise<void>;
  /** Asks counters and journal whether the bans bite. */
  prove(): Promise<void>;
  /** Removes everything from every enforcer; gives the faults by enforcer name. */
  flush(): Promise<ReadonlyMap<string, string>>;
  status(): readonly EnforcerStatus[];
}

export interface ReconcilerOptions {
  readonly ledger: Ledger;
  readonly enforcers: readonly Enforcer[];
  readonly proof: Proof;
  readonly clock: () => number;
  readonly language: Language;
  readonly onNotice: (notice: Notice) => void;
  /** Milliseconds an enforcer may take for one call. */
  readonly patience?: number;
}

/** Connections are killed for at most so many new bans a cycle: each is a walk over the kernel's sockets. */
const mostKills = 500;

/**
 * The set that should hold. A ban inside a wider one is left out while the wider one lasts (interval sets refuse overlaps)
 * and comes back when it is still due after that; of two bans of one target the longer holds. A ban holds from the moment
 * it was decided, also when the clock was set back since.
 */
export function desiredBans(decisions: readonly Decision[], now: number): { readonly bans: readonly Ban[]; readonly heldBy: ReadonlyMap<string, string> } {
  const due: { readonly cidr: Cidr; readonly decision: Decision }[] = [];
  for (const decision of decisions) {
    const cidr = decision.action === "ban" && now < decision.until ? parseCidr(decision.target) : undefined;
    if (cidr) due.push({ cidr, decision });
  }
  due.sort(
    (a, b) =>
      a.cidr.version - b.cidr.version ||
      (a.cidr.first < b.cidr.first ? -1 : a.cidr.first > b.cidr.first ? 1 : 0) ||
      a.cidr.prefix - b.cidr.prefix ||
      b.decision.until - a.decision.until,
  );
  const bans: Ban[] = [];
  const heldBy = new Map<string, string>();
  let cover: Cidr | undefined;
  let covering = "";
  for (const { cidr, decision } of due) {
    if (!cover || cover.version !== cidr.version || cidr.last > cover.last) {
      cover = cidr;
      covering = decision.target;
      const { target, until, id, reason, events, evidence, feed } = decision;
      bans.push({ target, until, decision: id, reason: sanitize(reason, 119), events, evidence, feed: feed?.name });
    }
    heldBy.set(decision.id, covering);
  }
  return { bans, heldBy };
}

export function reconciler(options: ReconcilerOptions): Reconciler {
  const { ledger, enforcers, proof, clock, language, onNotice } = options;
  const patience = options.patience ?? 30_000;
  const states = enforcers.map((enforcer) => ({
    enforcer,
    fault: undefined as string | undefined,
    /** Targets given at the last cycle that went well. */
    given: undefined as ReadonlySet<string> | undefined,
    healed: 0,
  }));
  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;

  const patiently = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const abort = AbortSignal.timeout(patience);
    // An enforcer that ignores its signal must not hold up all others for ever.
    const late = new Promise<never>((_, reject) => abort.addEventListener("abort", () => reject(abort.reason as Error), { once: true }));
    return Promise.race([work(abort), late]);
  };

  const syncOne = async (state: (typeof states)[number], bans: readonly Ban[], now: number): Promise<SyncReport | undefined> => {
    const { enforcer } = state;
    try {
      const report = await patiently((signal) => enforcer.sync(bans, signal));
      if (state.fault !== undefined)
        onNotice(notice("enforcer-back", "info", now, `${enforcer.name}:${now}`, text(language, "notice.enforcer_back", { enforcer: enforcer.name })));
      state.fault = undefined;
      noteDrift(state, bans, report, now);
      const failed = new Set(report.failed.map(({ target }) => target));
      state.given = new Set(bans.map(({ target }) => target).filter((target) => !failed.has(target)));
      return report;
    } catch (error) {
      const fault = faultText(error, language);
      if (state.fault === undefined)
        onNotice(notice("enforcer-down", "danger", now, `${enforcer.name}:${now}`, text(language, "notice.enforcer_down", { enforcer: enforcer.name, fault })));
      state.fault = fault;
      return undefined;
    }
  };

  /** Rules that changed without this program: what was added or removed beyond what changed in the ledger. */
  const noteDrift = (state: (typeof states)[number], bans: readonly Ban[], report: SyncReport, now: number): void => {
    const { given, enforcer } = state;
    if (!given) return;
    let fresh = 0;
    for (const { target } of bans) if (!given.has(target)) fresh++;
    const gone = given.size - (bans.length - fresh);
    const drift = Math.max(0, report.added - fresh) + Math.max(0, report.removed - gone);
    if (drift === 0) return;
    state.healed += drift;
    onNotice(notice("drift", "warning", now, `${enforcer.name}:${now}`, text(language, "notice.drift", { enforcer: enforcer.name, count: drift })));
  };

  const cycle = async (): Promise<void> => {
    const now = clock();
    const holding = await ledger.holding();
    const { bans, heldBy } = desiredBans(holding, now);
    const ended = holding.filter(({ until }) => until <= now);
    const reports = await Promise.all(states.map((state) => syncOne(state, bans, now)));
    const wrong = new Map<string, string>();
    reports.forEach((report, place) => {
      for (const { target, reason } of report?.failed ?? []) wrong.set(target, `${enforcers[place]?.name}: ${sanitize(reason, 200)}`);
    });
    const down = states.filter(({ fault }) => fault !== undefined).map(({ enforcer, fault }) => `${enforcer.name}: ${fault}`);
    const steps: { id: string; to: Decision["state"]; note?: string }[] = [];
    if (down.length === 0) for (const { id } of ended) steps.push({ id, to: "expired" });
    for (const decision of enforcers.length > 0 ? holding : []) {
      const held = heldBy.get(decision.id);
      if (held === undefined) continue;
      const fault = wrong.get(held) ?? (decision.state === "enforced" ? undefined : down[0]);
      if (fault !== undefined && decision.state !== "failed") steps.push({ id: decision.id, to: "failed", note: fault });
      if (fault === undefined && decision.state !== "enforced") steps.push({ id: decision.id, to: "enforced" });
    }
    await settle(await ledger.advance(steps, clock()));
  };

  const settle = async (rows: readonly Decision[]): Promise<void> => {
    const enforced = rows.filter(({ state }) => state === "enforced");
    const hits = enforced.length > 0 ? await readHits() : new Map<string, number>();
    for (const decision of enforced) proof.watch(decision, decision.at, hits.get(decision.target));
    const many = lists(rows);
    for (const { feed, state, decisions } of many) {
      const [first] = decisions as [Decision];
      const kind = state as "enforced" | "failed" | "expired";
      const words = text(language, `notice.feed_${kind}`, { feed, count: decisions.length, target: first.target, note: first.note ?? "" });
      onNotice(notice(kind, kind === "failed" ? "danger" : "info", first.at, `${first.id}:${state}:${first.at}`, words));
    }
    const told = new Set(many.flatMap(({ decisions }) => decisions));
    for (const decision of rows) {
      const { target, until, note } = decision;
      if (decision.state === "expired") proof.forget(decision.id);
      if (told.has(decision)) continue;
      const key = `${decision.id}:${decision.state}:${decision.at}`;
      const level = decision.state === "failed" ? "danger" : "info";
      const kind = decision.state as "enforced" | "failed" | "expired";
      onNotice({
        ...notice(
          kind,
          level,
          decision.at,
          key,
          text(language, `notice.${kind}`, {
            target,
            until: new Date(until).toISOString(),
            note: note ?? "",
            by: enforcers.map(({ name }) => name).join(", "),
          }),
        ),
        target,
        decision,
      });
    }
    for (const { target } of enforced.slice(0, mostKills)) await killAll(target);
  };

  const killAll = async (target: string): Promise<void> => {
    for (const { enforcer } of states) {
      try {
        if (enforcer.kill) await patiently(async (signal) => enforcer.kill?.(target, signal));
      } catch {
        // The ban holds for every new packet; a connection that lives on shows up as "still knocking".
      }
    }
  };

  const readHits = async (): Promise<ReadonlyMap<string, number>> => {
    const sum = new Map<string, number>();
    for (const { enforcer } of states) {
      try {
        const hits = enforcer.hits ? await patiently(async (signal) => enforcer.hits?.(signal)) : undefined;
        for (const [target, count] of hits ?? []) sum.set(target, (sum.get(target) ?? 0) + count);
      } catch {
        // Without a counter the journal still proves or disproves the ban.
      }
    }
    return sum;
  };

  const safely = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      onNotice(notice("state-failed", "danger", clock(), String(clock()), text(language, "notice.state_failed", { fault: faultText(error, language) })));
    }
  };

  const run = (): Promise<void> => {
    if (!running) {
      running = safely(cycle).finally(() => {
        running = undefined;
      });
      return running;
    }
    // The running cycle may have read the ledger already: one more follows, shared by all who ask meanwhile.
    following ??= running.then(() => {
      following = undefined;
      return run();
    });
    return following;
  };

  return {
    run,
    prove: () =>
      safely(async () => {
        if (proof.watched === 0) return;
        const now = clock();
        for (const finding of await proof.check(now, await readHits())) onNotice(proofNotice(finding, now, language));
      }),
    async flush() {
      await running;
      const faults = new Map<string, string>();
      for (const state of states) {
        try {
          await patiently((signal) => state.enforcer.flush(signal));
          state.given = new Set();
        } catch (error) {
          faults.set(state.enforcer.name, faultText(error, language));
        }
      }
      return faults;
    },
    status: () => states.map(({ enforcer, fault, given, healed }) => ({ name: enforcer.name, fault, held: given?.size ?? 0, healed })),
  };
}

function proofNotice({ decision, kind, cause, line }: ProofFinding, now: number, language: Language): Notice {
  const { id, target } = decision;
  const base = { target, decision };
  if (kind !== "knocking") return { ...notice("proved", "info", now, `${id}:${kind}`, text(language, `notice.proved_${kind}`, { target })), ...base };
  const why = text(language, `notice.cause_${cause ?? "beside"}`);
  return {
    ...notice(
      "still-knocking",
      "danger",
      now,
      `${id}:knocking`,
      text(language, "notice.still_knocking", { target, cause: why, line: sanitize(line?.message ?? "", 200) }),
    ),
    ...base,
  };
}

/** Rows of one feed and state that are too many to be told one by one. */
function lists(rows: readonly Decision[]): readonly { readonly feed: string; readonly state: Decision["state"]; readonly decisions: readonly Decision[] }[] {
  const groups = new Map<string, { feed: string; state: Decision["state"]; decisions: Decision[] }>();
  for (const decision of rows) {
    const { feed, state } = decision;
    if (!feed) continue;
    const key = `${state} ${feed.name}`;
    const group = groups.get(key) ?? { feed: feed.name, state, decisions: [] };
    groups.set(key, group);
    group.decisions.push(decision);
  }
  return [...groups.values()].filter(({ decisions }) => decisions.length > 3);
}

function notice(kind: Notice["kind"], level: Notice["level"], at: number, key: string, words: string): Notice {
  return { key: `${kind}:${key}`, kind, level, at, text: words };
}

function faultText(error: unknown, language: Language): string {
  if (error instanceof HaechiError) return sanitize(text(language, error.key, error.params), 300);
  return sanitize(error instanceof Error ? error.message : String(error), 300);
}
