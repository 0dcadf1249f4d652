/**
 * The tunnel's own packets never leave as they are, whatever becomes of the policies, routes and rules that see to it:
 * behind every other policy there is one that blocks them.
 *
 * The kernel takes one policy for each selector, whatever its priority (`xfrm_policy_insert_list`), and the plain one
 * belongs to whoever encrypts. For GRE the guard's selector names the key, 0 where the tunnel has none
 * (`ip_tunnel_init_flow` sets `fl4_gre_key` so); other protocols have two policies, which between them take every mark. A
 * guard is not asked where a route leads to a device with `disable_xfrm`, nor for an `if_id`.
 */
import type { Facts, XfrmPolicy } from '../facts.js';
import { type Flow, flowWord, isFor, xfrmWords } from '../flow.js';
import type { Item } from '../item.js';
import { hex, sameMark } from '../mark.js';
import type { Mark } from '../site/site.js';
import { isBetween } from './xfrm-policy.js';

/** The largest number is asked last; IKE daemons stay far below. */
const LAST = 0xffff_ffff;

const HALF = 0x8000_0000;
/** Every packet has one of them. */
const MARKS: readonly Mark[] = [
  { value: 0, mask: HALF },
  { value: HALF, mask: HALF },
];

export interface GuardEnds {
  local: string;
  remote: string;
  flow: Flow;
}

export function xfrmGuardItem(ends: GuardEnds): Item {
  const { local, remote, flow } = ends;
  const marks = flow.protocol === 'gre' ? [undefined] : MARKS;
  const last = ['priority', `${LAST}`];
  const parts = marks.map((mark) =>
    blocking({
      ...{ selector: selectorOf(ends, { mark }), more: last },
      find: (policies) => ours(policies, ends).find((one) => one.dev === undefined && sameMark(one.mark, mark)),
      conflict: `a policy for ${flow.name} from ${local} to ${remote} lets it through`,
    }),
  );
  const missing = (facts: Facts) => parts.filter((part) => part.status(facts).state !== 'in-sync');
  // Deleting one policy leaves a mark of value 0 out of the question, and would take the plain policy.
  const all = ['ip', 'xfrm', 'policy', 'deleteall', ...selectorOf(ends, {}), 'action', 'block', ...last];
  return {
    ...{ kind: 'xfrm-guard', key: `xfrm-guard ${nameOf(ends)}${flowWord(flow)}` },
    desired: `${flow.name} from ${nameOf(ends)} that nothing encrypts does not leave`,
    reason:
      'after all other policies; if one of them, a route or a rule is removed, frames are dropped rather than sent unencrypted',
    status: (facts) => missing(facts)[0]?.status(facts) ?? { state: 'in-sync' },
    apply: (facts) => missing(facts).flatMap((part) => part.apply(facts)),
    undo: (facts) => (parts.length === 1 ? parts.flatMap((part) => part.undo(facts)) : [{ argv: all, mayFail: true }]),
  };
}

interface Block {
  /** In the words of `ip xfrm policy`, the direction as well. */
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
  const selector = selectorOf(ends, {});
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
      { argv: ['ip', 'xfrm', 'policy', 'add', ...selectorOf(ends, { dev }), ...which] },
    ],
    undo: () => [remove],
  };
}

/** Policies for the flow that are not its plain one. */
function ours(policies: readonly XfrmPolicy[], { local, remote, flow }: GuardEnds): XfrmPolicy[] {
  return policies.filter(
    (one) =>
      one.direction === 'out' &&
      isFor(one, flow, 'out') &&
      isBetween(one, local, remote) &&
      (flow.protocol !== 'gre' || one.greKey === (flow.key ?? 0)),
  );
}

function isPass({ dev, blocks, transform }: XfrmPolicy): boolean {
  return dev !== undefined && blocks !== true && transform === '';
}

function selectorOf(
  { local, remote, flow }: GuardEnds,
  { dev, mark }: { dev?: string; mark?: Mark | undefined },
): string[] {
  const key = flow.protocol === 'gre' ? ['key', `${flow.key ?? 0}`] : [];
  const device = dev === undefined ? [] : ['dev', dev];
  const marked = mark === undefined ? [] : ['mark', hex(mark.value), 'mask', hex(mark.mask)];
  return ['src', local, 'dst', remote, ...xfrmWords(flow, 'out'), ...key, ...device, 'dir', 'out', ...marked];
}

function nameOf({ local, remote, flow }: GuardEnds): string {
  return `${local} to ${remote}${flow.key === undefined ? '' : ` with key ${flow.key}`}`;
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
  // `gre_rcv`, `__udp4_lib_rcv`
  { type: 3, code: 3, name: 'port unreachable', when: 'while there is no tunnel device' },
  // `ip_protocol_deliver_rcu`
  { type: 3, code: 2, name: 'protocol unreachable', when: 'while its module is not loaded' },
  // `ip_expire`
  { type: 11, code: 1, name: 'fragment reassembly time exceeded', when: 'when a fragment is lost' },
];

/**
 * ICMP that would quote what ESP had sealed never leaves for the other end: a packet is answered also where it came as
 * ESP, and no policy for the tunnel covers the error.
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
