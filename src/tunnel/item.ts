/**
 * Items: the single things that a tunnel needs to be so on the machine. Each kind knows, in a file of its own below
 * `items/`, whether it is so already, which commands make it so, and which put back what was before.
 */
import type { Facts } from './facts.js';

/** One command: no shell, ever. */
export interface Command {
  argv: readonly string[];
  /** Standard input, when it takes its work from there. */
  input?: string;
  /** What people are shown instead of the input, when that holds keys. */
  shown?: string;
  /** `ip` says what was wrong of a removal that somebody else was faster with; then all is well. */
  mayFail?: boolean;
  /** Left out, and said so, while this is not met: see {@link unmet} in `condition.ts`. */
  onlyWhile?: Condition;
}

/** What must still hold on the machine right before a command of an undo; plain data, for the journal. */
export interface Condition {
  /** Kernel parameters (slashes) with these values; an absent one is no obstacle. */
  sysctls?: Readonly<Record<string, string>>;
  /** No bridge hands its frames to iptables by a flag of its own. */
  noBridgeCalls?: boolean;
  /** Nothing is a port of this bridge or VRF. */
  noPorts?: string;
  /** No route has these words behind its destination, in this order. */
  noRoutesWith?: readonly string[];
}

/** How an item stands on the machine. */
export type ItemStatus =
  | { state: 'in-sync' }
  /** Not there, or with another value, in words: `mtu is 1462`. */
  | { state: 'differs'; observed: string }
  /** Something of that name is there that is someone else's: `br0 is a veth`. */
  | { state: 'conflict'; observed: string; hint?: string };

/** What every kind of item can do; pure. */
export interface Item {
  readonly kind: string;
  /**
   * Unique within a plan and stable over runs, the journal's key: `mtu gretap1`. Tunnels of one network namespace whose
   * plans have an item of the same key share it: it is undone by the last of them that goes down.
   */
  readonly key: string;
  /** What shall be so, for people: `gretap1 has an MTU of 1500 bytes`. */
  readonly desired: string;
  /** Why, for people: one sentence. */
  readonly reason: string;
  status(facts: Facts): ItemStatus;
  /** The commands that make it so, from the machine as it stands. */
  apply(facts: Facts): Command[];
  /**
   * The commands that put back what stood before {@link apply}; kept in the journal, so without keys. Empty when
   * nothing has to be put back: attributes of a device that goes away as a whole.
   */
  undo(facts: Facts): Command[];
}
