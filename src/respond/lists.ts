import { formatCidr, parseCidr } from "#core/ip.ts";

/** What the networks of a list are. Every kind is protected; the kind only names it. */
const listKinds = ["cdn", "crawler", "acme", "monitor"] as const;
type ListKind = (typeof listKinds)[number];

/** A dated list of networks that a ban would hurt: `data/lists/<name>.json`. */
export interface NetworkList {
  readonly name: string;
  readonly kind: ListKind;
  /** Day the list was taken from its source, `YYYY-MM-DD`. */
  readonly date: string;
  /** Official address it is published at. */
  readonly source: string;
  /** What a reader should know: completeness, how it was verified. */
  readonly note: string;
  /** User agents that claim to be it, and the domains a reverse lookup must end in for the claim to be true. */
  readonly agents?: readonly string[] | undefined;
  readonly domains?: readonly string[] | undefined;
  /** Canonical networks; empty where the operator publishes none (the note then says how it is recognised). */
  readonly networks: readonly string[];
}

/** Narrowest that a listed network may be wide: anything wider is a fault of the list, never protection. */
const widest = { 4: 8, 6: 16 } as const;
const mostNetworks = 20_000;

/** A list file's content, or in a stable word what is wrong with it. Pure; hostile input never throws. */
export function parseList(text: string): { readonly list: NetworkList } | { readonly fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: "no JSON" };
  }
  if (typeof value !== "object" || value === null) return { fault: "no object" };
  const { name, kind, date, source, note, networks, agents, domains } = value as Record<string, unknown>;
  if (typeof name !== "string" || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) return { fault: "name" };
  if (!listKinds.includes(kind as ListKind)) return { fault: "kind" };
  if (typeof date !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(date) || Number.isNaN(Date.parse(date))) return { fault: "date" };
  if (typeof source !== "string" || !source.startsWith("https://")) return { fault: "source" };
  if (!optionalTexts(agents, 3)) return { fault: "agents" };
  if (!optionalTexts(domains, 4)) return { fault: "domains" };
  const checked = checkNetworks(networks);
  if ("fault" in checked) return checked;
  return { list: { name, kind: kind as ListKind, date, source, note: typeof note === "string" ? note : "", agents, domains, networks: checked.networks } };
}

/** Canonical networks, each once, or what is wrong with them: not a list, too many, no network, one far too wide. */
export function checkNetworks(value: unknown): { readonly networks: readonly string[] } | { readonly fault: string } {
  if (!Array.isArray(value)) return { fault: "networks" };
  if (value.length > mostNetworks) return { fault: `${value.length} networks` };
  const networks = new Set<string>();
  for (const entry of value as readonly unknown[]) {
    const cidr = typeof entry === "string" ? parseCidr(entry) : undefined;
    if (!cidr) return { fault: `no network: ${String(entry).slice(0, 64)}` };
    if (cidr.prefix < widest[cidr.version]) return { fault: `too wide: ${formatCidr(cidr)}` };
    networks.add(formatCidr(cidr));
  }
  return { networks: [...networks] };
}

/** True for an absent field, or a short list of texts of at least `shortest` characters: an agent `M` would match everybody. */
function optionalTexts(value: unknown, shortest: number): value is readonly string[] | undefined {
  if (value === undefined) return true;
  return Array.isArray(value) && value.length <= 50 && value.every((text) => typeof text === "string" && text.length >= shortest && text.length <= 100);
}
