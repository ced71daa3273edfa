import type { EvidenceRow } from "#contracts/evidence-store.ts";

/** What speaks for many people behind one address. */
export interface SharedLook {
  readonly shared: boolean;
  /** Browsers (user agents) that behave well. */
  readonly agents: number;
  /** User names that signed in. */
  readonly users: number;
}

/**
 * Whether rows of one target look like an office, a school or a carrier's NAT: several user agents each of which mostly
 * succeeds, or several users who signed in, beside the bad requests. An agent that was seen once says nothing, so a tool
 * that invents a new agent for each request does not look like a crowd.
 */
export function sharedLook(rows: readonly EvidenceRow[], enough: number): SharedLook {
  const agents = new Map<string, { good: number; bad: number }>();
  const users = new Set<string>();
  for (const row of rows) {
    const good = row.outcome === "success";
    if (good && row.user !== "" && row.action !== "sudo_command") users.add(row.user);
    if (row.userAgent === "") continue;
    const seen = agents.get(row.userAgent) ?? { good: 0, bad: 0 };
    if (good) seen.good += 1;
    else seen.bad += 1;
    agents.set(row.userAgent, seen);
  }
  let ordinary = 0;
  for (const { good, bad } of agents.values()) if (good >= 3 && bad * 5 <= good) ordinary++;
  return { shared: ordinary >= enough || users.size >= Math.max(2, enough - 2), agents: ordinary, users: users.size };
}
