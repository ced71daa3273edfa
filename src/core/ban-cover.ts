import { overlaps, parseCidr, type Cidr } from "./ip.ts";

/** A network that is blocked until a time (epoch milliseconds). */
export interface Piece {
  readonly cidr: Cidr;
  readonly until: number;
}

const before = (a: Cidr, b: Cidr): number => a.version - b.version || (a.first < b.first ? -1 : a.first > b.first ? 1 : a.prefix - b.prefix);

/**
 * The same bans as networks that do not overlap, each address blocked until the latest end that any ban gives it. Kernel
 * interval sets refuse a transaction with overlapping elements and the whole set with it. A ban that a wider and longer
 * one covers needs nothing; a wider one is cut around narrower ones that last longer. Order: by version and address.
 */
export function flattenBans(bans: readonly Piece[]): Piece[] {
  interface Open {
    readonly piece: Piece;
    cursor: bigint;
  }
  const out: Piece[] = [];
  const stack: Open[] = [];
  const emit = (open: Open, last: bigint): void => {
    for (const cidr of rangeToCidrs(open.piece.cidr.version, open.cursor, last)) out.push({ cidr, until: open.piece.until });
    open.cursor = last + 1n;
  };
  const closeBefore = (next: Cidr | undefined): void => {
    for (;;) {
      const top = stack.at(-1);
      if (!top || (next && overlaps(top.piece.cidr, next))) return;
      emit(top, top.piece.cidr.last);
      stack.pop();
    }
  };
  // Networks nest or are apart, so after sorting (widest first) the open ones on the stack are exactly the covers.
  for (const piece of bans.toSorted((a, b) => before(a.cidr, b.cidr) || b.until - a.until)) {
    closeBefore(piece.cidr);
    const top = stack.at(-1);
    if (top && top.piece.until >= piece.until) continue;
    if (top) {
      emit(top, piece.cidr.first - 1n);
      top.cursor = piece.cidr.last + 1n;
    }
    stack.push({ piece, cursor: piece.cidr.first });
  }
  closeBefore(undefined);
  return out.toSorted((a, b) => before(a.cidr, b.cidr));
}

/** The fewest networks that make up the addresses from `first` to `last`; none where `last` is below `first`. */
export function rangeToCidrs(version: 4 | 6, first: bigint, last: bigint): Cidr[] {
  const width = version === 4 ? 32 : 128;
  const out: Cidr[] = [];
  let start = first;
  while (start <= last) {
    let bits = 0;
    while (bits < width && (start & ((1n << BigInt(bits + 1)) - 1n)) === 0n && start + (1n << BigInt(bits + 1)) - 1n <= last) bits++;
    const end = start + (1n << BigInt(bits)) - 1n;
    out.push({ version, first: start, last: end, prefix: width - bits });
    start = end + 1n;
  }
  return out;
}

/** What is left of `pieces` when no address of `holes` may be blocked, and how many pieces went or were cut. */
export function subtractBans(pieces: readonly Piece[], holes: readonly Cidr[]): { readonly left: readonly Piece[]; readonly touched: number } {
  const left: Piece[] = [];
  let touched = 0;
  const flat = flattenBans(holes.map((cidr) => ({ cidr, until: 0 })));
  const free = banCover(flat);
  for (const piece of pieces) {
    if (!free.touches(piece.cidr)) {
      left.push(piece);
      continue;
    }
    touched++;
    if (free.holds(piece.cidr, 0)) continue;
    const inside = flat.filter((hole) => overlaps(hole.cidr, piece.cidr)).map((hole) => hole.cidr);
    let cursor = piece.cidr.first;
    for (const hole of inside) {
      for (const cidr of rangeToCidrs(piece.cidr.version, cursor, hole.first - 1n)) left.push({ cidr, until: piece.until });
      cursor = hole.last + 1n;
    }
    for (const cidr of rangeToCidrs(piece.cidr.version, cursor, piece.cidr.last)) left.push({ cidr, until: piece.until });
  }
  return { left, touched };
}

/** Answers whether all of a network is blocked. */
export interface BanCover {
  /** Every address of `cidr` is blocked at least until `until`. */
  holds(cidr: Cidr, until: number): boolean;
  /** Some address of `cidr` is blocked. */
  touches(cidr: Cidr): boolean;
}

/** A cover from pieces that do not overlap. */
export function banCover(pieces: readonly Piece[]): BanCover {
  const sorted = pieces.toSorted((a, b) => before(a.cidr, b.cidr));
  /** Index of the first piece that ends at or after `cidr.first`. */
  const start = (cidr: Cidr): number => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = (sorted[middle] as Piece).cidr;
      if (at.version < cidr.version || (at.version === cidr.version && at.last < cidr.first)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    holds(cidr, until) {
      let next = cidr.first;
      for (let i = start(cidr); i < sorted.length; i++) {
        const piece = sorted[i] as Piece;
        if (piece.cidr.version !== cidr.version || piece.cidr.first > next || piece.until < until) return false;
        if (piece.cidr.last >= cidr.last) return true;
        next = piece.cidr.last + 1n;
      }
      return false;
    },
    touches(cidr) {
      const piece = sorted[start(cidr)];
      return piece !== undefined && overlaps(piece.cidr, cidr);
    },
  };
}

/** Bans as text in numbers; those that do not parse are left out. */
export function toPieces(bans: readonly { readonly target: string; readonly until: number }[]): Piece[] {
  const out: Piece[] = [];
  for (const { target, until } of bans) {
    const cidr = parseCidr(target);
    if (cidr) out.push({ cidr, until });
  }
  return out;
}

/** The pieces that lie outside of all `targets`: what is blocked without having been asked for. */
export function unexplained(pieces: readonly Piece[], targets: readonly Cidr[]): readonly Piece[] {
  const asked = banCover(flattenBans(targets.map((cidr) => ({ cidr, until: 0 }))));
  return pieces.filter((piece) => !asked.holds(piece.cidr, 0));
}
