/** Packets of one selector must be, or are made, ESP. */
import type { XfrmPolicy } from '../facts.js';
import { type Direction, type Flow, flowWord, isFor, xfrmWords } from '../flow.js';
import type { Item } from '../item.js';
import { hex, sameMark } from '../mark.js';
import type { EspMode, Mark } from '../site/site.js';

export interface PolicyOptions {
  direction: 'in' | 'out' | 'fwd';
  /** Ends of the template, and of the selector where that is a flow. */
  source: string;
  destination: string;
  /** The tunnel's own packets between the two ends. `any`: everything that a device leads here, by mark or `if_id`. */
  selector: Flow | 'any';
  /** Of the packets that `any` is for; default: 4. */
  family?: 4 | 6;
  mode: EspMode;
  reqid: number;
  /** Only for packets with this mark: a VTI's. */
  mark?: Mark | undefined;
  /** Only for packets of this XFRM interface. */
  ifId?: number | undefined;
  reason: string;
}

export function xfrmPolicyItem(options: PolicyOptions): Item {
  const { direction, source, destination, selector: taken, family = 4, mode, reqid, mark, ifId, reason } = options;
  const ip = family === 6 ? ['ip', '-6'] : ['ip'];
  const ends = ['src', source, 'dst', destination];
  const by = [
    ...(mark === undefined ? [] : ['mark', hex(mark.value), 'mask', hex(mark.mask)]),
    ...(ifId === undefined ? [] : ['if_id', hex(ifId)]),
  ];
  // Deleting wants a selector in words, also where it is the default of adding.
  const all = family === 6 ? '::/0' : '0.0.0.0/0';
  const selector = [
    ...(taken === 'any' ? ['src', all, 'dst', all] : [...ends, ...xfrmWords(taken, flowDirection(direction))]),
    'dir',
    direction,
    ...by,
  ];
  const template = ['tmpl', ...(mode === 'tunnel' ? ends : []), 'proto', 'esp', 'reqid', String(reqid), 'mode', mode];
  const whose = by.length === 0 ? '' : ` ${by.join(' ')}`;
  const what = `${taken !== 'any' ? taken.name : family === 6 ? 'all IPv6' : 'everything'}${whose === '' ? '' : ` with${whose}`}${direction === 'fwd' ? ' (forwarded)' : ''}`;
  return {
    kind: 'xfrm-policy',
    key: `xfrm-policy ${direction} ${source} ${destination}${taken === 'any' ? '' : flowWord(taken)}${whose}${family === 6 ? ' inet6' : ''}`,
    desired: `${what} ${direction === 'out' ? `to ${destination}` : `from ${source}`} is ESP, ${mode} mode`,
    reason,
    status({ policies }) {
      const found = policies.find((policy) => policy.direction === direction && isOurs(policy, options));
      if (found === undefined) return { state: 'differs', observed: 'there is no such policy' };
      if (found.transform === 'esp' && found.mode === mode && found.reqid === reqid) return { state: 'in-sync' };
      const words = `a policy of that selector asks for ${found.transform}, mode ${found.mode}, reqid ${found.reqid}`;
      return { state: 'conflict', observed: words, hint: `see whose it is: ip xfrm policy get ${selector.join(' ')}` };
    },
    apply: () => [{ argv: [...ip, 'xfrm', 'policy', 'add', ...selector, ...template] }],
    // In one step: at no moment is there no policy.
    change: () => [{ argv: [...ip, 'xfrm', 'policy', 'update', ...selector, ...template] }],
    undo: () => [{ argv: [...ip, 'xfrm', 'policy', 'delete', ...selector], mayFail: true }],
  };
}

function isOurs(policy: XfrmPolicy, options: PolicyOptions): boolean {
  const { direction, selector, family = 4, source, destination, mark, ifId } = options;
  if (policy.ifId !== ifId || !sameMark(policy.mark, mark)) return false;
  if (selector !== 'any') {
    return isFlowPolicy(policy, selector, flowDirection(direction)) && isBetween(policy, source, destination);
  }
  const all = family === 6 ? '::/0' : '0.0.0.0/0';
  return policy.source === all && policy.destination === all && policy.protocol === undefined;
}

/** What is forwarded has come from the other end. */
function flowDirection(direction: PolicyOptions['direction']): Direction {
  return direction === 'out' ? 'out' : 'in';
}

/** Whether a policy, as `ip xfrm policy` shows it, is for all of a flow; a guard of ours names a key as well, or a mark. */
export function isFlowPolicy(policy: XfrmPolicy, flow: Flow, direction: Direction): boolean {
  const guards = flow.protocol === 'gre' ? policy.greKey : policy.mark;
  return guards === undefined && isFor(policy, flow, direction);
}

/** Whether a policy is for packets from one single address to another. */
export function isBetween(policy: XfrmPolicy, source: string, destination: string): boolean {
  return bare(policy.source) === source && bare(policy.destination) === destination;
}

function bare(prefix: string): string {
  return prefix.replace(/\/32$/, '');
}
