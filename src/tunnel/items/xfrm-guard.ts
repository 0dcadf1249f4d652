/**
 * The tunnel's GRE never leaves as it is, whatever becomes of the policies, routes and rules that see to it: behind every
 * other policy there is one that blocks it.
 *
 * Its selector names the GRE key, 0 where the tunnel has none (`ip_tunnel_init_flow` sets `fl4_gre_key` so): the kernel
 * takes one policy for each selector, whatever its priority (`xfrm_policy_insert_list`), and that without a key belongs
 * to whoever encrypts. It is not asked where a route leads to a device with `disable_xfrm`, nor for an `if_id`.
 */
import type { XfrmPolicy } from '../facts.js';
import type { Item } from '../item.js';
import { isBetween, isKeyedGrePolicy } from './xfrm-policy.js';

/** The largest number is asked last; IKE daemons stay far below. */
const LAST = 0xffff_ffff;

export interface GuardEnds {
  local: string;
  remote: string;
  /** The tunnel's GRE key. */
  key: number | undefined;
}

export function xfrmGuardItem(ends: GuardEnds): Item {
  const { local, remote } = ends;
  return {
    ...{ kind: 'xfrm-guard', key: `xfrm-guard ${nameOf(ends)}` },
    desired: `GRE from ${nameOf(ends)} that nothing encrypts does not leave`,
    reason:
      'after all other policies; if one of them, a route or a rule is removed, frames are dropped rather than sent unencrypted',
    ...blocking({
      ...{ selector: selectorOf(ends), more: ['priority', `${LAST}`] },
      find: (policies) => ours(policies, ends).find(({ dev }) => dev === undefined),
      conflict: `a policy for GRE from ${local} to ${remote} lets it through`,
    }),
  };
}

interface Block {
  /** In the words of `ip xfrm policy`. */
  selector: readonly string[];
  more?: readonly string[];
  find: (policies: readonly XfrmPolicy[]) => XfrmPolicy | undefined;
  /** What is wrong where a policy of that selector does not block. */
  conflict: string;
}

/** A policy that blocks what its selector takes. */
function blocking({ selector, more = [], find, conflict }: Block): Pick<Item, 'status' | 'apply' | 'undo'> {
  return {
    status({ policies }) {
      const found = find(policies);
      if (found === undefined) return { state: 'differs', observed: 'no policy blocks it' };
      if (found.blocks === true) return { state: 'in-sync' };
      const hint = `see whose it is: ip xfrm policy get ${selector.join(' ')}`;
      return { state: 'conflict', observed: conflict, hint };
    },
    apply: () => [{ argv: ['ip', 'xfrm', 'policy', 'add', ...selector, 'action', 'block', ...more] }],
    undo: () => [{ argv: ['ip', 'xfrm', 'policy', 'delete', ...selector], mayFail: true }],
  };
}

/**
 * Past the guard, into a device whose routes are asked for policies like any other: a VTI's. What a policy of the device
 * does not take is lost there (`vti_xmit` wants `dst->xfrm`). The kernel keeps the device's number: one that was made
 * anew needs a policy of its own.
 */
export function xfrmPassItem(dev: string, ends: GuardEnds): Item {
  const selector = selectorOf(ends);
  const which = ['action', 'allow', 'priority', `${LAST - 1}`];
  // By everything but the device, and so whether or not that is still there; nothing found is no failure.
  const remove = { argv: ['ip', 'xfrm', 'policy', 'deleteall', ...selector, ...which] };
  const stale = (policies: readonly XfrmPolicy[]) => ours(policies, ends).filter((one) => isPass(one));
  return {
    kind: 'xfrm-pass',
    key: `xfrm-pass ${nameOf(ends)} ${dev}`,
    desired: `GRE from ${nameOf(ends)} goes into ${dev}`,
    reason: `the policies with its mark match it there, and ${dev} drops what they do not match`,
    status({ policies }) {
      const found = stale(policies);
      if (found.some((one) => one.dev === dev)) return { state: 'in-sync' };
      const [other] = found;
      const words =
        other === undefined ? 'no policy lets it' : `the policy is for ${other.dev}, which is another device`;
      return { state: 'differs', observed: words };
    },
    apply: ({ policies }) => [
      ...(stale(policies).length === 0 ? [] : [remove]),
      { argv: ['ip', 'xfrm', 'policy', 'add', ...selectorOf(ends, dev), ...which] },
    ],
    undo: () => [remove],
  };
}

function ours(policies: readonly XfrmPolicy[], { local, remote, key = 0 }: GuardEnds): XfrmPolicy[] {
  return policies.filter((one) => one.direction === 'out' && isKeyedGrePolicy(one, local, remote, key));
}

function isPass({ dev, blocks, transform }: XfrmPolicy): boolean {
  return dev !== undefined && blocks !== true && transform === '';
}

function selectorOf({ local, remote, key = 0 }: GuardEnds, dev?: string): string[] {
  const device = dev === undefined ? [] : ['dev', dev];
  return ['src', local, 'dst', remote, 'proto', 'gre', 'key', `${key}`, ...device, 'dir', 'out'];
}

function nameOf({ local, remote, key }: GuardEnds): string {
  return `${local} to ${remote}${key === undefined ? '' : ` with key ${key}`}`;
}

/** One ICMP error (RFC 792), and when the kernel would answer opened packets with it. */
interface IcmpError {
  type: number;
  code: number;
  name: string;
  when: string;
}

/** Each quotes what it answers: 576 bytes in all (RFC 1812 §4.3.2.3). */
export const QUOTING: readonly IcmpError[] = [
  // `gre_rcv`
  { type: 3, code: 3, name: 'port unreachable', when: 'while there is no gretap' },
  // `ip_protocol_deliver_rcu`
  { type: 3, code: 2, name: 'protocol unreachable', when: 'while ip_gre is not loaded' },
  // `ip_expire`
  { type: 11, code: 1, name: 'fragment reassembly time exceeded', when: 'when a fragment of GRE is lost' },
];

/**
 * ICMP that would quote what ESP had sealed never leaves for the other end: GRE is answered also where it came as ESP,
 * and no policy for GRE covers the error.
 */
export function xfrmBlockItem(local: string, remote: string, { type, code, name, when }: IcmpError): Item {
  const error = ['type', String(type), 'code', String(code)];
  return {
    ...{ kind: 'xfrm-block', key: `xfrm-block ${local} ${remote} icmp ${type}/${code}` },
    desired: `no ICMP "${name}" leaves for ${remote}`,
    reason: `${when} it would answer what ESP had sealed with its first 548 bytes, readable`,
    ...blocking({
      selector: ['src', local, 'dst', remote, 'proto', 'icmp', ...error, 'dir', 'out'],
      find: (policies) =>
        policies.find(
          (policy) =>
            policy.direction === 'out' &&
            isBetween(policy, local, remote) &&
            policy.icmp?.type === type &&
            policy.icmp.code === code,
        ),
      conflict: 'a policy of that selector lets it through',
    }),
  };
}
