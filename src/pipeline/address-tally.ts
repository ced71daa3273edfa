import { eventCount, type LogEvent } from "#core/event.ts";
import { covers, parseCidr, parseIpv4, type Cidr } from "#core/ip.ts";
import { ownString } from "#core/own-string.ts";

/** What a tally knows of one address. */
export interface AddressCount {
  readonly events: number;
  /** Failed sign-ins, and requests answered with 400 and above. */
  readonly failures: number;
  /** Successful sign-ins. */
  readonly signIns: number;
  /** Different user agents, about (a 32-bit linear count, so 32 at most is told apart from more). */
  readonly agents: number;
}

/** A line of a file. */
export interface LinePlace {
  readonly file: number;
  readonly offset: number;
}

const sampleSize = 32;
const mostSampled = 40_000;

/** Counts of every address seen, exact, in at most `capacity` addresses of memory (24 bytes each and the index). */
export interface AddressTally {
  /** Counts the event of a line at byte `offset` of file number `file`. */
  add(event: LogEvent, file: number, offset: number): void;
  of(address: string): AddressCount | undefined;
  /** Lines of an address, spread evenly over its time since its first failure: at most 32. */
  samples(address: string): readonly LinePlace[];
  /** Addresses with samples that lie in a network. */
  within(network: Cidr): readonly string[];
  readonly addresses: number;
  /** Events of addresses that came when the tally was full. */
  readonly dropped: number;
}

/** An empty tally. IPv4 addresses are numbers in an open-addressing table; the rarer IPv6 ones stand in a map. */
export function addressTally(capacity = 1_000_000): AddressTally {
  let size = 1 << 12;
  let mask = size * 2 - 1;
  let keys = new Uint32Array(size);
  let index = new Int32Array(size * 2);
  let counts = new Uint32Array(size * 4);
  const six = new Map<string, number>();
  let used = 0;
  let dropped = 0;
  const sampled = new Map<
    number,
    { readonly address: string; readonly offsets: Float64Array; readonly files: Uint16Array; seen: number; stride: number; filled: number }
  >();
  let hasSample = new Uint8Array(size);

  /** Systematic sampling: every `stride`-th line; when full, every second one goes and the stride doubles. */
  const sample = (entry: number, address: string, file: number, offset: number): void => {
    let of = sampled.get(entry);
    if (!of) {
      if (sampled.size >= mostSampled) return;
      of = { address: ownString(address), offsets: new Float64Array(sampleSize), files: new Uint16Array(sampleSize), seen: 0, stride: 1, filled: 0 };
      sampled.set(entry, of);
      hasSample[entry] = 1;
    }
    if (of.seen++ % of.stride !== 0) return;
    if (of.filled === sampleSize) {
      for (let i = 0; i < sampleSize / 2; i++) {
        of.offsets[i] = of.offsets[i * 2] as number;
        of.files[i] = of.files[i * 2] as number;
      }
      of.filled = sampleSize / 2;
      of.stride *= 2;
      if ((of.seen - 1) % of.stride !== 0) return;
    }
    of.offsets[of.filled] = offset;
    of.files[of.filled++] = file;
  };

  const slotOf = (key: number): number => Math.imul(key ^ (key >>> 15), 0x9e3779b1) >>> 8;
  const grow = (): void => {
    size *= 2;
    mask = size * 2 - 1;
    const wider = new Uint32Array(size);
    wider.set(keys);
    keys = wider;
    const widerCounts = new Uint32Array(size * 4);
    widerCounts.set(counts);
    counts = widerCounts;
    const widerFlags = new Uint8Array(size);
    widerFlags.set(hasSample);
    hasSample = widerFlags;
    index = new Int32Array(size * 2);
    const ofSix = new Set(six.values());
    for (let entry = 0; entry < used; entry++) {
      if (ofSix.has(entry)) continue;
      let at = slotOf(keys[entry] as number) & mask;
      while (index[at] !== 0) at = (at + 1) & mask;
      index[at] = entry + 1;
    }
  };
  const claim = (): number => {
    if (used >= capacity) return -1;
    if (used >= size) grow();
    return used++;
  };
  const find = (address: string, insert: boolean): number => {
    const key = parseIpv4(address);
    if (key < 0) {
      const known = six.get(address);
      if (known !== undefined || !insert) return known ?? -1;
      const entry = claim();
      if (entry >= 0) six.set(ownString(address), entry);
      return entry;
    }
    let at = slotOf(key) & mask;
    for (; index[at] !== 0; at = (at + 1) & mask) {
      const entry = (index[at] as number) - 1;
      if (keys[entry] === key) return entry;
    }
    if (!insert) return -1;
    const before = size;
    const entry = claim();
    if (entry < 0) return -1;
    if (size !== before) {
      at = slotOf(key) & mask;
      while (index[at] !== 0) at = (at + 1) & mask;
    }
    keys[entry] = key;
    index[at] = entry + 1;
    return entry;
  };

  return {
    add(event, file, offset) {
      const address = event["source.ip"];
      if (address === undefined) return;
      const entry = find(address, true);
      if (entry < 0) {
        dropped++;
        return;
      }
      const weight = eventCount(event);
      const at = entry * 4;
      counts[at] = (counts[at] as number) + weight;
      const outcome = event["event.outcome"];
      if (hasSample[entry] !== 0 || outcome === "failure") sample(entry, address, file, offset);
      if (outcome === "failure") {
        if (counted(event)) counts[at + 1] = (counts[at + 1] as number) + weight;
      } else if (outcome === "success" && event["event.category"] === "authentication") counts[at + 2] = (counts[at + 2] as number) + weight;
      const agent = event["user_agent.original"];
      if (agent !== undefined) counts[at + 3] = (counts[at + 3] as number) | (1 << agentBit(agent));
    },
    of(address) {
      const entry = find(address, false);
      if (entry < 0) return undefined;
      const at = entry * 4;
      const bits = counts[at + 3] as number;
      const set = popcount(bits);
      // Linear counting (Whang, Vander-Zanden, Taylor 1990).
      const agents = set === 0 ? 0 : Math.round(-32 * Math.log(Math.max(1, 32 - set) / 32));
      return { events: counts[at] as number, failures: counts[at + 1] as number, signIns: counts[at + 2] as number, agents };
    },
    samples(address) {
      const of = sampled.get(find(address, false));
      return of ? Array.from({ length: of.filled }, (_, i) => ({ file: of.files[i] as number, offset: of.offsets[i] as number })) : [];
    },
    within(network) {
      const found: string[] = [];
      for (const { address } of sampled.values()) {
        const cidr = parseCidr(address);
        if (cidr && covers(network, cidr)) found.push(address);
      }
      return found;
    },
    get addresses() {
      return used;
    },
    get dropped() {
      return dropped;
    },
  };
}

/** One attempt writes several lines (invalid user, PAM, failed password): only the line of the attempt itself counts. */
function counted(event: LogEvent): boolean {
  const action = event["event.action"];
  return action !== "ssh_invalid_user" && action !== "pam_authentication";
}

/** A cheap mix of an agent string's length and eight of its characters, five bits. */
function agentBit(agent: string): number {
  const { length } = agent;
  let hash = length;
  for (let i = 1; i <= 8; i++) hash = Math.imul(hash, 31) + agent.charCodeAt(((length - 1) * i) >> 3);
  return (hash ^ (hash >>> 11) ^ (hash >>> 21)) & 31;
}

function popcount(value: number): number {
  let bits = value >>> 0;
  let count = 0;
  for (; bits !== 0; bits = (bits & (bits - 1)) >>> 0) count++;
  return count;
}
