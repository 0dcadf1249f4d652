/** There is an XFRM interface of this `if_id`. */
import { type Facts, linkOf } from '../facts.js';
import type { Item, ItemStatus } from '../item.js';
import { hex } from '../mark.js';

export interface XfrmDeviceOptions {
  /** The device that ESP leaves by. */
  underlay: string;
  ifId: number;
  reason: string;
}

export function xfrmDeviceItem(name: string, { underlay, ifId, reason }: XfrmDeviceOptions): Item {
  const words = ['name', name, 'type', 'xfrm', 'dev', underlay, 'if_id', hex(ifId)];
  return {
    kind: 'xfrm-device',
    key: `xfrm-device ${name}`,
    desired: `${name} is an XFRM interface with if_id ${hex(ifId)}`,
    reason,
    status: (facts) => statusOf(name, ifId, facts),
    apply: () => [{ argv: ['ip', 'link', 'add', ...words] }],
    undo: (facts) =>
      linkOf(facts, name) === undefined
        ? [{ argv: ['ip', 'link', 'delete', 'dev', name, 'type', 'xfrm'], mayFail: true }]
        : [],
  };
}

function statusOf(name: string, ifId: number, facts: Facts): ItemStatus {
  const link = linkOf(facts, name);
  if (link === undefined) return { state: 'differs', observed: 'there is none' };
  const hint = `choose another carrier.device; or, if it is not in use: ip link delete dev ${name}`;
  if (link.kind !== 'xfrm') {
    return { state: 'conflict', observed: `${name} is a ${link.kind ?? 'hardware'} device`, hint };
  }
  const found = ifIdOf(link.data);
  if (found === ifId) return { state: 'in-sync' };
  const shown = found === undefined ? 'none, but takes it from each packet (external)' : hex(found);
  return { state: 'conflict', observed: `the if_id of ${name} is ${shown}`, hint };
}

/** `ip` prints it as text, `0x66`; one that collects metadata has none. */
export function ifIdOf(data: Readonly<Record<string, unknown>>): number | undefined {
  const value = data['if_id'];
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : undefined;
}
