/** A device and what is set on it: it is there, is up, has an MTU, is a port, hands its frames to iptables. */
import { kindText, type Link, linkOf } from '../facts.js';
import type { Command, Condition, Item, ItemStatus } from '../item.js';

type Actions = Pick<Item, 'status' | 'apply' | 'undo'>;

interface DeviceOptions {
  /** As `ip link … type` has it. */
  type: string;
  /** What `ip link add` takes behind name and type. */
  words?: readonly string[];
  /** How a device of this type compares; without it, any will do. */
  judge?: (link: Link) => ItemStatus;
  /** What to do where the name is taken. */
  hint: string;
  /** It is deleted again only while this holds. */
  deleteWhile?: Condition;
}

/** There is a device of this name and type. Deleted again where the plan made it. */
export function device(name: string, { type, words = [], judge, hint, deleteWhile }: DeviceOptions): Actions {
  const remove: Command = { argv: ['ip', 'link', 'delete', 'dev', name, 'type', type], mayFail: true };
  return {
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: 'there is none' };
      if (link.kind === type) return judge?.(link) ?? { state: 'in-sync' };
      return { state: 'conflict', observed: `${name} is ${kindText(link)}`, hint };
    },
    apply: () => [{ argv: ['ip', 'link', 'add', 'name', name, 'type', type, ...words] }],
    undo: (facts) =>
      linkOf(facts, name) === undefined
        ? [{ ...remove, ...(deleteWhile === undefined ? {} : { onlyWhile: deleteWhile }) }]
        : [],
  };
}

/** Our own ports have left it by then; what is still in it came from someone else. */
const empty = (name: string): Condition => ({ noPorts: name });

export function bridgeItem(name: string, reason: string): Item {
  return {
    ...{ kind: 'bridge', key: `bridge ${name}`, desired: `there is a bridge ${name}`, reason },
    ...device(name, { type: 'bridge', hint: 'choose another bridge.name', deleteWhile: empty(name) }),
  };
}

/** The kernel's rule that looks into the tables of VRFs comes with the first one, and stays. */
export function vrfItem(name: string, table: number, reason: string): Item {
  return {
    ...{ kind: 'vrf', key: `vrf ${name}`, desired: `there is a VRF ${name} with table ${table}`, reason },
    ...device(name, {
      ...{ type: 'vrf', words: ['table', String(table)], deleteWhile: empty(name) },
      hint: 'choose another name, or the table that it has',
      judge: ({ data }) =>
        Number(data['table']) === table
          ? { state: 'in-sync' }
          : {
              state: 'conflict',
              observed: `${name} has table ${String(data['table'])}`,
              hint: 'choose another name, or the table that it has',
            },
    }),
  };
}

/** One thing that is set on a device. */
interface Attribute<T> {
  wanted: T;
  of: (link: Link) => T | undefined;
  /** Other values that are right. */
  accepts?: (found: T) => boolean;
  /** Why it is not right: `its MTU is 1462`. */
  words: (found: T | undefined) => string;
  set: (value: T) => Command;
  /** The plan makes the device: nothing has to be put back. */
  fresh?: boolean;
}

function attribute<T>(name: string, { wanted, of, accepts, words, set, fresh = false }: Attribute<T>): Actions {
  return {
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: `there is no ${name}` };
      const found = of(link);
      const right = found === wanted || (found !== undefined && accepts?.(found) === true);
      return right ? { state: 'in-sync' } : { state: 'differs', observed: words(found) };
    },
    apply: () => [set(wanted)],
    undo(facts) {
      const link = linkOf(facts, name);
      const before = link && of(link);
      // The device may be gone by then.
      return fresh || before === undefined || before === wanted ? [] : [{ ...set(before), mayFail: true }];
    },
  };
}

interface AttributeOptions {
  reason: string;
  /** The plan makes the device: nothing has to be put back. */
  fresh: boolean;
}

const setting = (name: string, ...words: string[]): Command => ({ argv: ['ip', 'link', 'set', 'dev', name, ...words] });

/**
 * @param bytes of the largest IP packet
 * @param options `atLeast`: a larger MTU is right as well
 */
export function mtuItem(
  name: string,
  bytes: number,
  { reason, fresh, atLeast = false }: AttributeOptions & { atLeast?: boolean },
): Item {
  const desired = `${name} has an MTU of ${atLeast ? 'at least ' : ''}${bytes} bytes`;
  return {
    ...{ kind: 'mtu', key: `mtu ${name}`, desired, reason },
    ...attribute<number>(name, {
      ...{ wanted: bytes, of: ({ mtu }) => mtu, fresh },
      accepts: (mtu) => atLeast && mtu > bytes,
      words: (mtu) => `its MTU is ${mtu}`,
      set: (mtu) => setting(name, 'mtu', String(mtu)),
    }),
  };
}

export function upItem(name: string, { reason, fresh }: AttributeOptions): Item {
  return {
    ...{ kind: 'up', key: `up ${name}`, desired: `${name} is up`, reason },
    ...attribute<boolean>(name, {
      ...{ wanted: true, of: ({ up }) => up, fresh },
      words: () => 'it is down',
      set: (up) => setting(name, up ? 'up' : 'down'),
    }),
  };
}

/**
 * `nf_call_iptables` of `ip link set … type bridge` (BROPT_NF_CALL_IPTABLES); either it or the sysctl is enough. It is put
 * back also on a bridge that the plan makes: another tunnel may keep the bridge and not need this.
 */
export function bridgeCallItem(name: string, reason: string): Item {
  const desired = `${name} hands its IPv4 frames to iptables`;
  return {
    ...{ kind: 'bridge-call', key: `bridge-call ${name}`, desired, reason },
    ...attribute<number>(name, {
      wanted: 1,
      of: ({ data }) => (data['nf_call_iptables'] === undefined ? undefined : Number(data['nf_call_iptables'])),
      words: (found) => `nf_call_iptables is ${found ?? 'not there'}`,
      set: (value) => setting(name, 'type', 'bridge', 'nf_call_iptables', String(value)),
    }),
  };
}

export function portItem(name: string, bridge: string, { reason, fresh }: AttributeOptions): Item {
  return {
    ...{ kind: 'port', key: `port ${name}`, desired: `${name} is a port of ${bridge}`, reason },
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: `there is no ${name}` };
      if (link.master === bridge) return { state: 'in-sync' };
      if (link.master === undefined) return { state: 'differs', observed: 'it is no port' };
      const observed = `${name} belongs to ${link.master}`;
      return { state: 'conflict', observed, hint: `ip link set dev ${name} nomaster, or choose another port` };
    },
    apply: () => [setting(name, 'master', bridge)],
    // `do_set_master` takes it out of the other bridge first.
    change: () => [setting(name, 'master', bridge)],
    undo(facts) {
      if (fresh || linkOf(facts, name)?.master === bridge) return [];
      // Goes with the bridge where that goes too; then there is nothing left to do.
      return [{ ...setting(name, 'nomaster'), mayFail: true }];
    },
  };
}
