import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseCidr } from "#core/ip.ts";
import { sanitize } from "#core/sanitize.ts";
import { text, type Language } from "#core/text/text.ts";
import { readLists } from "./list-files.ts";
import { checkNetworks, type NetworkList } from "./lists.ts";
import { reservedFor, reservedSet } from "./reserved.ts";

/** What became of one list. `kept` = the old one stays because the new one was doubtful or could not be had. */
export interface ListUpdate {
  readonly name: string;
  readonly outcome: "updated" | "unchanged" | "kept";
  readonly count: number;
  /** In the operator's language, safe to print. */
  readonly text: string;
}

/** The part of `fetch` that is used, so that a test can serve the files from a real local server. */
export type Fetch = (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;

export interface UpdateOptions {
  /** Folder of the shipped lists, and folder the refreshed ones are written to. */
  readonly shipped: string;
  readonly folder: string;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly language: Language;
  readonly signal?: AbortSignal | undefined;
}

type Reader = (body: string) => unknown;

const lines: Reader = (body) => body.split(/\s+/).filter((line) => line !== "");
const field = (value: unknown, name: string): unknown => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined);
const entries = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);
const prefixes: Reader = (body) => entries(field(JSON.parse(body), "prefixes")).map((entry) => field(entry, "ipv4Prefix") ?? field(entry, "ipv6Prefix"));
const fastly: Reader = (body) => {
  const value: unknown = JSON.parse(body);
  return [...entries(field(value, "addresses")), ...entries(field(value, "ipv6_addresses"))];
};
const cloudfront: Reader = (body) => {
  const value: unknown = JSON.parse(body);
  const all = [...entries(field(value, "prefixes")), ...entries(field(value, "ipv6_prefixes"))];
  return all.filter((entry) => field(entry, "service") === "CLOUDFRONT_ORIGIN_FACING").map((entry) => field(entry, "ip_prefix") ?? field(entry, "ipv6_prefix"));
};

/** Where each list is published by the one whose networks they are. Lists that nobody publishes are not here. */
const publishers: Readonly<Record<string, { readonly urls: readonly string[]; readonly read: Reader }>> = {
  cloudflare: { urls: ["https://www.cloudflare.com/ips-v4", "https://www.cloudflare.com/ips-v6"], read: lines },
  fastly: { urls: ["https://api.fastly.com/public-ip-list"], read: fastly },
  cloudfront: { urls: ["https://ip-ranges.amazonaws.com/ip-ranges.json"], read: cloudfront },
  googlebot: { urls: ["https://developers.google.com/static/search/apis/ipranges/googlebot.json"], read: prefixes },
  bingbot: { urls: ["https://www.bing.com/toolbox/bingbot.json"], read: prefixes },
  applebot: { urls: ["https://search.developer.apple.com/applebot.json"], read: prefixes },
  gptbot: { urls: ["https://openai.com/gptbot.json"], read: prefixes },
  claudebot: { urls: ["https://claude.com/crawling/bots.json"], read: prefixes },
  perplexitybot: { urls: ["https://www.perplexity.ai/perplexitybot.json"], read: prefixes },
};

const mostBytes = 8 * 1024 * 1024;
const patience = 20_000;

/**
 * Refreshes the lists from their publishers. A new list takes the place of the old one only when nothing about it is in
 * doubt: it arrived whole, every entry is a public network of sane width, and its size is near the old one's. Never
 * throws; without network every list is kept and says so.
 */
export async function updateLists(fetch: Fetch, options: UpdateOptions): Promise<readonly ListUpdate[]> {
  const { lists } = readLists([options.shipped, options.folder]);
  const updates: ListUpdate[] = [];
  for (const list of lists) updates.push(await updateOne(fetch, list, options));
  return updates;
}

async function updateOne(fetch: Fetch, list: NetworkList, options: UpdateOptions): Promise<ListUpdate> {
  const { name, networks } = list;
  const { language } = options;
  const kept = (why: string): ListUpdate => ({
    name,
    outcome: "kept",
    count: networks.length,
    text: text(language, "lists.kept", { name, why, date: list.date }),
  });
  const publisher = publishers[name];
  if (!publisher) return kept(text(language, "lists.unpublished"));
  let found: unknown[];
  try {
    found = (await Promise.all(publisher.urls.map(async (url) => entries(publisher.read(await download(fetch, url, options.signal)))))).flat();
  } catch (error) {
    return kept(text(language, "lists.unreachable", { fault: faultOf(error) }));
  }
  const checked = checkNetworks(found);
  if ("fault" in checked) return kept(text(language, "lists.doubtful", { fault: sanitize(checked.fault, 200) }));
  const doubt = doubtOf(checked.networks, networks);
  if (doubt !== undefined) return kept(text(language, "lists.doubtful", { fault: doubt }));
  const same = checked.networks.toSorted().join() === networks.toSorted().join();
  const date = new Date(options.now).toISOString().slice(0, 10);
  try {
    write(options.folder, { ...list, date, note: text("en", "lists.note"), networks: checked.networks });
  } catch (error) {
    return kept(text(language, "lists.unwritable", { folder: options.folder, fault: faultOf(error) }));
  }
  const count = checked.networks.length;
  return {
    name,
    outcome: same ? "unchanged" : "updated",
    count,
    text: text(language, same ? "lists.unchanged" : "lists.updated", { name, count, before: networks.length }),
  };
}

/** Why a well-formed list should not be believed; undefined where nothing speaks against it. */
function doubtOf(next: readonly string[], old: readonly string[]): string | undefined {
  if (next.length === 0) return "0 networks";
  if (old.length > 0 && (next.length < old.length / 3 || next.length > old.length * 5 + 20)) return `${old.length} → ${next.length} networks`;
  const reserved = reservedSet();
  const wrong = next.find((network) => {
    const cidr = parseCidr(network);
    return !cidr || reservedFor(reserved, cidr) !== undefined;
  });
  return wrong === undefined ? undefined : `not public: ${wrong}`;
}

async function download(fetch: Fetch, url: string, signal: AbortSignal | undefined): Promise<string> {
  const timeout = AbortSignal.timeout(patience);
  const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > mostBytes) throw new Error(`> ${mostBytes} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function write(folder: string, list: NetworkList): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const path = join(folder, `${list.name}.json`);
  const unfinished = `${path}.unfinished`;
  try {
    writeFileSync(unfinished, `${JSON.stringify(list, null, 2)}\n`);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function faultOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string } };
  return sanitize(cause?.code ?? message ?? String(error), 200);
}
