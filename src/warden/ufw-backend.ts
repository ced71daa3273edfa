import { formatCidr, parseCidr, covers, type Cidr } from "#core/ip.ts";
import type { BackendBlocked, CheckedBan, WardenBackend } from "./backend.ts";
import { commandFailed, mustRun, runCommand } from "./run-command.ts";
import { WardenError } from "./warden-error.ts";

/** ufw rewrites and reloads all its rules for each one (about 0.2 s), so a long list would keep it busy for minutes. */
const ufwLimit = 256;
const slack = 2_000;
const needed = { package: "ufw" } as const;

/** One `deny from` rule of ufw's user rules. */
interface UfwRule {
  readonly cidr: Cidr;
  /** Epoch milliseconds; undefined for a rule of somebody else. */
  readonly until: number | undefined;
}

/** Reads `ufw show added`: our rules carry the comment `haechi` and their end in epoch seconds. */
export function readUfwRules(listing: string): UfwRule[] {
  const rules: UfwRule[] = [];
  for (const line of listing.split("\n")) {
    const match = /^ufw (?:deny|reject) from (\S+)(?: comment '(.*)')?$/.exec(line.trim());
    const cidr = match && parseCidr(match[1] as string);
    if (!cidr) continue;
    const end = /^haechi (\d{1,12})$/.exec(match[2] ?? "");
    rules.push({ cidr, until: end ? Number(end[1]) * 1_000 : undefined });
  }
  return rules;
}

/** Packets dropped by source network, from `iptables-save -c` or `ip6tables-save -c`: what the kernel really has. */
export function readUfwCounters(listing: string): Map<string, number> {
  const counters = new Map<string, number>();
  for (const line of listing.split("\n")) {
    const match = /^\[(\d+):\d+\] -A ufw6?-user-input -s (\S+) -j (?:DROP|REJECT.*)$/.exec(line.trim());
    const cidr = match && parseCidr(match[2] as string);
    if (cidr) counters.set(formatCidr(cidr), Number(match[1]));
  }
  return counters;
}

/**
 * Blocks with ufw: `deny from` rules before all others, tagged with the comment `haechi <end>`. ufw has no timeouts, so
 * the warden removes rules at their end, and after a restart those that ended meanwhile. ufw has no transactions either:
 * each rule is whole by itself. It accepts packets of established connections before our rules; the warden ends those
 * connections instead. Ports that Docker publishes do not pass ufw's rules: use nftables there.
 */
export function ufwBackend(): WardenBackend {
  const rules = async (): Promise<UfwRule[]> => readUfwRules(await mustRun("ufw", ["show", "added"], needed));
  const demandActive = async (): Promise<void> => {
    if (!/^Status: active/m.test(await mustRun("ufw", ["status"], needed))) throw new WardenError("ufw-inactive", "enforce.ufwInactive");
  };
  const counters = async (): Promise<Map<string, number>> => {
    const four = readUfwCounters(await mustRun("iptables-save", ["-c", "-t", "filter"], { package: "iptables" }));
    // A kernel without IPv6 has no such table; ufw then has no such rules either.
    const six = await runCommand("ip6tables-save", ["-c", "-t", "filter"], { package: "iptables" });
    if (six.status === 0) for (const [name, packets] of readUfwCounters(six.stdout)) four.set(name, packets);
    return four;
  };
  const remove = (cidr: Cidr): Promise<string> => mustRun("ufw", ["delete", "deny", "from", formatCidr(cidr)], needed);
  /** Ours, and only where the kernel has them too. */
  const held = async (): Promise<UfwRule[]> => {
    const [listed, kernel] = [await rules(), await counters()];
    return listed.filter((rule) => kernel.has(formatCidr(rule.cidr)));
  };

  return {
    name: "ufw",
    async block(bans, only): Promise<BackendBlocked> {
      await demandActive();
      const listed = await rules();
      const kernel = await counters();
      // Rules that ufw knows and the kernel lost (flushed by hand) come back with a reload.
      if (listed.some((rule) => !kernel.has(formatCidr(rule.cidr)))) await mustRun("ufw", ["reload"], needed);
      const before = new Map(listed.map((rule) => [formatCidr(rule.cidr), rule]));
      const wanted = new Set(bans.map((ban) => ban.target));
      let removed = 0;
      if (only) {
        for (const [name, rule] of before) {
          if (rule.until === undefined || wanted.has(name)) continue;
          await remove(rule.cidr);
          removed++;
        }
      }
      const failed: BackendBlocked["failed"][number][] = [];
      const tried: CheckedBan[] = [];
      let kept = 0;
      let room = ufwLimit - [...before.values()].filter((rule) => rule.until !== undefined).length + removed;
      for (const ban of bans) {
        const rule = before.get(ban.target);
        // Rounded up: a ban lasts at least as long as was decided.
        const comment = `haechi ${Math.ceil(ban.until / 1_000)}`;
        if (rule && kernel.has(ban.target) && (rule.until === undefined || Math.abs(rule.until - ban.until) <= slack)) kept++;
        else if (!rule && room <= 0) failed.push({ target: ban.target, why: "full" });
        else {
          if (!rule) room--;
          // An existing rule keeps its place and gets the new comment; a new one goes before all others.
          if (rule?.until !== undefined) await runCommand("ufw", ["deny", "from", ban.target, "comment", comment], needed);
          else if (!rule) await runCommand("ufw", ["prepend", "deny", "from", ban.target, "comment", comment], needed);
          tried.push(ban);
        }
      }
      const after = new Map((await held()).map((rule) => [formatCidr(rule.cidr), rule]));
      const added: CheckedBan[] = [];
      for (const ban of tried) {
        const rule = after.get(ban.target);
        if (rule && (rule.until === undefined || rule.until >= ban.until - slack)) added.push(ban);
        else failed.push({ target: ban.target, why: "not-held" });
      }
      return { added, removed, kept, failed };
    },
    async release(targets) {
      let released = 0;
      for (const rule of await rules()) {
        if (rule.until === undefined || !targets.some((target) => covers(target, rule.cidr))) continue;
        await remove(rule.cidr);
        released++;
      }
      return released;
    },
    async list() {
      await demandActive();
      return (await held()).flatMap((rule) => (rule.until === undefined ? [] : [{ target: formatCidr(rule.cidr), until: rule.until }]));
    },
    async flush() {
      for (const rule of await rules()) if (rule.until !== undefined) await remove(rule.cidr);
      const left = (await rules()).filter((rule) => rule.until !== undefined).length;
      if (left > 0) throw commandFailed("ufw", { status: 1, stdout: "", stderr: `${left} rules are still there` });
    },
    async hits() {
      const ours = new Set((await rules()).filter((rule) => rule.until !== undefined).map((rule) => formatCidr(rule.cidr)));
      return [...(await counters())].filter(([name]) => ours.has(name));
    },
    async nextExpiry() {
      const ends = (await rules()).flatMap((rule) => rule.until ?? []);
      return ends.length === 0 ? undefined : Math.min(...ends);
    },
    async expire() {
      const now = Date.now();
      for (const rule of await rules()) if (rule.until !== undefined && rule.until <= now) await remove(rule.cidr);
    },
  };
}
