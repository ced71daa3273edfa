import { addValue, newSketch } from "./hyper-log-log.ts";
import { hasMember, keepMembersSince, loadMembers, memberSet, saveMembers, setMember, type MemberSet, type MemberSetState } from "./member-set.ts";

/** What sources have in common: a way to sign in, a probed path, with or without an agent string or a /16. */
export interface Token {
  readonly hash: number;
  readonly kind: "sign-in" | "probe";
  /** ECS fields and values that the token stands for. */
  readonly by: Readonly<Record<string, string>>;
  /** Events, an upper bound (Space-Saving). */
  count: number;
  /** Slots of sources that carry it, with the time of their latest such event; exact up to `memberLimit`. */
  readonly members: MemberSet;
  /** Distinct sources beyond the exact ones. */
  sketch: Uint8Array<ArrayBuffer> | undefined;
  /** Suspects an hour by hour of the day, exponentially weighted; NaN = not known. Made when an hour has taught it. */
  usual: Float64Array<ArrayBuffer> | undefined;
  /** Members at the latest evaluation, and when it was. */
  evaluatedSize: number;
  evaluatedAt: number;
  /** Event time until it is looked at again though nobody came; grows by half each time, so that looking costs a constant for each member. */
  wait: number;
  /** Members since the latest evaluation. */
  news: number;
  /** The most surprising window of the last day: what was surprising while it went on does not become ordinary when it ends. */
  peak: { llr: number; count: number; expected: number; epoch: number; at: number };
}

/** What is shared beside what was done. */
export type View = "all" | "agent" | "network" | "class" | "user";

export const memberLimit = 4_096;
/** Exact members of all tokens together: about 10 MB. */
const allMembers = 500_000;

type TokenState = Omit<Token, "members"> & { readonly members: MemberSetState };

/** Heavy tokens in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi, 2005): the lightest makes room and hands on its count. */
export interface Tokens {
  /** Counts the source for the token, made by `describe` if new. */
  touch(
    hash: number,
    slot: number,
    source: number,
    now: number,
    kind: Token["kind"],
    describe: (view: View) => Readonly<Record<string, string>>,
    view: View,
  ): Token;
  readonly all: ReadonlyMap<number, Token>;
  readonly evictions: number;
  /** Forgets members whose latest event is earlier, epoch milliseconds. */
  keepSince(token: Token, time: number): void;
  snapshot(): TokensState;
  restore(state: TokensState): void;
}

export interface TokensState {
  readonly tokens: readonly TokenState[];
  readonly evictions: number;
}

export function tokenTable(limit: number): Tokens {
  let tokens = new Map<number, Token>();
  let evictions = 0;
  let members = 0;
  /** At most the lightest count; only rises while the table is full, so a search for the lightest is rare. */
  let lightest = 0;
  const makeRoom = (): number => {
    let least: Token | undefined;
    for (const token of tokens.values()) {
      if (!least || token.count < least.count) least = token;
      if (least.count <= lightest) break;
    }
    if (!least) return 0;
    lightest = least.count;
    tokens.delete(least.hash);
    members -= least.members.size;
    evictions++;
    return least.count;
  };
  return {
    touch(hash, slot, source, now, kind, describe, view) {
      let token = tokens.get(hash);
      if (!token) {
        const count = tokens.size >= limit ? makeRoom() : 0;
        token = {
          hash,
          kind,
          by: describe(view),
          count,
          members: memberSet(),
          sketch: undefined,
          usual: undefined,
          evaluatedSize: 0,
          evaluatedAt: now,
          wait: 0,
          news: 0,
          peak: { llr: 0, count: 0, expected: 0, epoch: 0, at: now },
        };
        tokens.set(hash, token);
      }
      token.count++;
      if ((token.members.size < memberLimit && members < allMembers) || hasMember(token.members, slot)) {
        if (setMember(token.members, slot, now / 1_000)) {
          token.news++;
          members++;
        }
      } else {
        if (!token.sketch) {
          token.sketch = newSketch();
          // The exact members are in no other place.
          for (let i = 0; i < token.members.size; i++) addValue(token.sketch, (token.members.slots[i] as number) + 1);
        }
        addValue(token.sketch, source);
      }
      return token;
    },
    get all() {
      return tokens;
    },
    get evictions() {
      return evictions;
    },
    keepSince(token, time) {
      members -= token.members.size;
      keepMembersSince(token.members, time / 1_000);
      members += token.members.size;
    },
    snapshot: () => ({
      tokens: [...tokens.values()].map((token) => ({
        ...token,
        members: saveMembers(token.members),
        sketch: token.sketch?.slice(),
        usual: token.usual?.slice(),
        peak: { ...token.peak },
      })),
      evictions,
    }),
    restore(state) {
      tokens = new Map(state.tokens.map((token) => [token.hash, { ...structuredClone(token), members: loadMembers(token.members) }]));
      members = 0;
      for (const token of tokens.values()) members += token.members.size;
      evictions = state.evictions;
      lightest = 0;
    },
  };
}
