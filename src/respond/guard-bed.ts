import type { GuardVerdict, Origin } from "#core/decision.ts";
import { formatAddress, parseCidr } from "#core/ip.ts";
import type { EvidenceRow } from "#contracts/evidence-store.ts";
import type { StateStore } from "#contracts/state-store.ts";
import { sqliteState } from "#statestores/sqlite/sqlite.ts";
import type { Load } from "./checks.ts";
import { guard, type Guard, type GuardInputs, type GuardRequest } from "./guard.ts";
import { at, guardInputs, rows } from "./test-bed.ts";

export const rule: Origin = { kind: "rule", rule: "ssh-brute-force", signal: "s" };
export const person: Origin = { kind: "person", name: "sora", via: "cli" };
export const calm: Load = { minute: 0, cycle: 0, targets: [] };

export type Journal = readonly (EvidenceRow & { readonly key: string })[];

export interface Standing {
  readonly inputs?: GuardInputs;
  readonly load?: Load;
  readonly prepare?: (store: StateStore) => Promise<void>;
  readonly language?: "en" | "ko";
}

/** A guard on a fresh store with these rows in its journal. */
export async function standing(journal: Journal, more: Standing = {}): Promise<Guard> {
  const store = sqliteState(":memory:");
  await store.commit({ evidence: journal });
  await more.prepare?.(store);
  return guard(store, more.inputs ?? guardInputs(), more.language ?? "en", () => more.load ?? calm);
}

export const claimed = (target: string, count = 5): Partial<GuardRequest> => ({ claim: { target, count, from: at - 60_000, to: at } });
export const failing = (verdict: GuardVerdict): readonly string[] => verdict.checks.filter(({ ok }) => !ok).map(({ check }) => check);

export interface Judging extends Standing {
  readonly origin?: Origin;
  readonly override?: boolean;
  readonly journal?: Journal;
  readonly asker?: string;
}

/** Judges an address that did five bad things, asked by a rule. */
export async function judge(target: string, more: Judging = {}): Promise<GuardVerdict> {
  const canonical = parseCidr(target);
  const first = canonical ? formatAddress(canonical.version, canonical.first) : "45.9.20.31";
  const stands = await standing(more.journal ?? rows(first, 5), more);
  return stands.judge({ target, origin: more.origin ?? rule, now: at, override: more.override, asker: more.asker, ...claimed(target) });
}
