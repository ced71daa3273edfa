import type { Piece } from "#core/ban-cover.ts";
import type { Cidr } from "#core/ip.ts";
import type { WardenBan, WardenRefusal } from "#core/warden-message.ts";

/** A ban that passed the warden's own checks. */
export interface CheckedBan extends Piece {
  /** Canonical text of `cidr`. */
  readonly target: string;
}

/** What a `block` did, read back from the firewall; targets, not rules. */
export interface BackendBlocked {
  readonly added: readonly CheckedBan[];
  readonly removed: number;
  readonly kept: number;
  readonly failed: readonly { readonly target: string; readonly why: WardenRefusal }[];
}

/** One kind of firewall. Calls never overlap: the warden runs them one after the other. */
export interface WardenBackend {
  readonly name: "nftables" | "ufw";
  /** Makes the bans hold; with `only`, nothing else of ours. */
  block(bans: readonly CheckedBan[], only: boolean): Promise<BackendBlocked>;
  /** Frees the addresses of `targets`. Gives how many rules or elements went or were cut. */
  release(targets: readonly Cidr[]): Promise<number>;
  list(): Promise<readonly WardenBan[]>;
  /** Removes everything of ours. */
  flush(): Promise<void>;
  /** Packets dropped by target. */
  hits(): Promise<readonly (readonly [target: string, packets: number])[]>;
  /** Epoch milliseconds at which rules must be removed by us, where the firewall has no timeouts of its own. */
  nextExpiry?(): Promise<number | undefined>;
  /** Removes what is past its end. */
  expire?(): Promise<void>;
}
