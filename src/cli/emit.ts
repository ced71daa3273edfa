import { formatDuration } from "#core/duration.ts";
import type { ScanProposal } from "#app/scan-report.ts";

/** Forms of a block list that `scan --emit` prints. */
export const emitFormats = ["nft", "ufw", "iptables", "crowdsec", "plain"] as const;
export type EmitFormat = (typeof emitFormats)[number];

/** Commands (or a list) that block every allowed proposal. Targets are canonical addresses: nothing of a log gets here. */
export function emit(format: EmitFormat, proposals: readonly ScanProposal[]): string {
  const allowed = [...new Map(proposals.filter(({ allowed: ok }) => ok).map((proposal) => [proposal.target, proposal])).values()];
  const six = (target: string): boolean => target.includes(":");
  switch (format) {
    case "plain":
      return allowed.map(({ target }) => `${target}\n`).join("");
    case "ufw":
      return allowed.map(({ target }) => `ufw prepend deny from ${target} comment 'haechi'\n`).join("");
    case "iptables":
      return allowed.map(({ target }) => `${six(target) ? "ip6tables" : "iptables"} -I INPUT -s ${target} -j DROP -m comment --comment haechi\n`).join("");
    case "crowdsec":
      return allowed
        .map(
          ({ target, ttl }) =>
            `cscli decisions add ${target.includes("/") ? "--range" : "--ip"} ${target} --duration ${Math.max(1, Math.ceil(ttl / 3_600))}h --reason haechi\n`,
        )
        .join("");
    case "nft": {
      const set = (name: string, type: string, family: readonly ScanProposal[]): string => {
        const elements = family.map(({ target, ttl }) => `${target} timeout ${formatDuration(ttl * 1_000)}`);
        return `  set ${name} {\n    type ${type}; flags interval,timeout;\n${elements.length > 0 ? `    elements = { ${elements.join(", ")} }\n` : ""}  }\n`;
      };
      const chain = "  chain input {\n    type filter hook input priority -10; policy accept;\n    ip saddr @scan4 drop\n    ip6 saddr @scan6 drop\n  }\n";
      const four = allowed.filter(({ target }) => !six(target));
      return `table inet haechi-scan {\n${set("scan4", "ipv4_addr", four)}${set(
        "scan6",
        "ipv6_addr",
        allowed.filter(({ target }) => six(target)),
      )}${chain}}\n`;
    }
  }
}
