/**
 * Items: the single things that a tunnel needs on the machine. Each kind, in a file below `items/`, compares the machine
 * with what is desired, and has the commands that apply it and those that undo it.
 */
import type { Facts } from './facts.js';

/** One command: no shell, ever. */
export interface Command {
  argv: readonly string[];
  /** Standard input, when it takes its work from there. */
  input?: string;
  /** What people are shown instead of the input, when that holds keys. */
  shown?: string;
  /** Ignore failure: the object may already be gone. */
  mayFail?: boolean;
  /** Left out, and said so, while this is not met: see {@link unmet}. */
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
  /** What is desired, for people: `gretap1 has an MTU of 1500 bytes`. */
  readonly desired: string;
  /** Why, for people: one sentence. */
  readonly reason: string;
  status(facts: Facts): ItemStatus;
  /** The commands that apply it to the machine as it is. */
  apply(facts: Facts): Command[];
  /**
   * The commands that turn what an earlier version of the site file made, and {@link status} calls a conflict, into this.
   * Undefined where the kernel cannot: then it is removed and made again.
   */
  change?(facts: Facts): Command[] | undefined;
  /**
   * The commands that restore what was there before {@link apply}; the journal keeps them, so they hold no keys. Empty
   * when nothing has to be restored: attributes of a device that is deleted as a whole.
   */
  undo(facts: Facts): Command[];
}

/**
 * Why a command of an undo has to be left out now, because others have come to rely on what we made, in words; undefined when it may run.
 * @param settled whether a parameter's value was set on purpose; one that an `up` which was cut short has not come to
 *   yet has the value that the kernel gave it
 */
export function unmet(
  { onlyWhile }: Command,
  facts: Facts,
  settled: (sysctl: string) => boolean = () => true,
): string | undefined {
  if (onlyWhile === undefined) return undefined;
  for (const [name, value] of Object.entries(onlyWhile.sysctls ?? {})) {
    const found = facts.sysctls.get(name);
    if (found !== undefined && found !== value && settled(name))
      return `${name} is ${found} now: someone else relies on it`;
  }
  const { noBridgeCalls, noPorts, noRoutesWith } = onlyWhile;
  const [odd] = facts.oddDevices ?? [];
  if (odd !== undefined && (noBridgeCalls === true || noPorts !== undefined))
    return `device ${odd} may rely on it: what ip -d address show says of it is not understood`;
  if (noBridgeCalls === true) {
    const caller = facts.links.find(
      ({ kind, data }) => kind === 'bridge' && Number(data['nf_call_iptables'] ?? 0) !== 0,
    );
    if (caller) return `bridge ${caller.name} hands its frames to iptables`;
  }
  if (noRoutesWith !== undefined) {
    const words = ` ${noRoutesWith.join(' ')} `;
    const route = facts.tableRoutes.find((one) => ` ${one.words.join(' ')} `.includes(words));
    if (route) return `the route to ${route.destination} (${noRoutesWith.join(' ')}) relies on it`;
  }
  const port = noPorts === undefined ? undefined : facts.links.find(({ master }) => master === noPorts);
  return port && `${port.name} is a port of ${noPorts}, and not by this tunnel`;
}

/** Items that keep frames from leaving unencrypted. They stay while the tunnel device does; a running `up` restores one that another program has removed. */
const SEALING: ReadonlySet<string> = new Set([
  ...['xfrm-guard', 'xfrm-pass', 'xfrm-block', 'nft-table', 'gre-rule'],
  ...['xfrm-policy', 'policy-rule', 'device-route'],
]);

/** Items that a running `up` restores when another program has removed them. */
export function isWatched(kind: string): boolean {
  return isSealing(kind) || kind === 'fast-path';
}

/** Devices that frames go into: while one stands, what keeps them from leaving unencrypted stays. */
const SENDING: ReadonlySet<string> = new Set(['gretap', 'vxlan', 'l2tp-session']);

/** @param kind {@link Item.kind}, which a journal keeps, too */
export function isSending(kind: string): boolean {
  return SENDING.has(kind);
}

/** @param kind {@link Item.kind}, which a journal keeps, too */
export function isSealing(kind: string): boolean {
  return SEALING.has(kind);
}
