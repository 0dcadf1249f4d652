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

/**
 * Why a command of an undo has to be left out now, because others have come to rely on what we made, in words; undefined when it may run.
 * @param settled whether a parameter's value is somebody's will; one that an `up` which was cut short has not come to
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
  if (onlyWhile.noBridgeCalls === true) {
    const caller = facts.links.find(
      ({ kind, data }) => kind === 'bridge' && Number(data['nf_call_iptables'] ?? 0) !== 0,
    );
    if (caller) return `bridge ${caller.name} hands its frames to iptables`;
  }
  const { noPorts, noRoutesWith } = onlyWhile;
  if (noRoutesWith !== undefined) {
    const words = ` ${noRoutesWith.join(' ')} `;
    const route = facts.tableRoutes.find((one) => ` ${one.words.join(' ')} `.includes(words));
    if (route) return `the route to ${route.destination} (${noRoutesWith.join(' ')}) relies on it`;
  }
  const port = noPorts === undefined ? undefined : facts.links.find(({ master }) => master === noPorts);
  return port && `${port.name} is a port of ${noPorts}, and not by this tunnel`;
}

/** Items that keep frames from leaving unencrypted. They stay while the tunnel device does, and a running `up` puts back what somebody takes away. */
const SEALING: ReadonlySet<string> = new Set([
  ...['xfrm-guard', 'xfrm-pass', 'xfrm-block', 'nft-table', 'gre-rule'],
  ...['xfrm-policy', 'policy-rule', 'device-route'],
]);

/** @param kind {@link Item.kind}, which a journal keeps, too */
export function isSealing(kind: string): boolean {
  return SEALING.has(kind);
}
