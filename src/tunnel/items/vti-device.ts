/** There is a VTI device with these ends and this key. */
import { type Facts, linkOf } from '../facts.js';
import { readGreKey } from '../gre-key.js';
import type { Item, ItemStatus } from '../item.js';
import { hex } from '../mark.js';

export interface VtiOptions {
  local: string;
  remote: string;
  /**
   * Both directions, and the mark of its policies. `okey` alone, which was enough once, is not: the policy for what
   * arrives is looked up by `i_key` (vti_rcv_cb in net/ipv4/ip_vti.c), and nothing comes in (XfrmInNoPols).
   */
  key: number;
  reason: string;
}

export function vtiDeviceItem(name: string, { local, remote, key, reason }: VtiOptions): Item {
  return {
    kind: 'vti',
    key: `vti ${name}`,
    desired: `${name} is a VTI from ${local} to ${remote} with key ${hex(key)}`,
    reason,
    status: (facts) => statusOf(name, { local, remote, key }, facts),
    apply: () => [
      { argv: ['ip', 'link', 'add', 'name', name, 'type', 'vti', 'local', local, 'remote', remote, 'key', `${key}`] },
    ],
    undo: (facts) =>
      linkOf(facts, name) === undefined
        ? [{ argv: ['ip', 'link', 'delete', 'dev', name, 'type', 'vti'], mayFail: true }]
        : [],
  };
}

function statusOf(name: string, { local, remote, key }: Omit<VtiOptions, 'reason'>, facts: Facts): ItemStatus {
  const link = linkOf(facts, name);
  if (link === undefined) return { state: 'differs', observed: 'there is none' };
  const hint = `choose another carrier.device; or, if it is not in use: ip link delete dev ${name}`;
  const { kind, data } = link;
  if (kind !== 'vti') return { state: 'conflict', observed: `${name} is a ${kind ?? 'hardware'} device`, hint };
  const keys = [readGreKey(data['ikey']), readGreKey(data['okey'])];
  if (data['local'] === local && data['remote'] === remote && keys.every((one) => one === key))
    return { state: 'in-sync' };
  const shown = keys.map((one) => (one === undefined ? 'none' : hex(one))).join(' and ');
  const found = `${name} goes from ${show(data['local'])} to ${show(data['remote'])}, keys ${shown}`;
  return { state: 'conflict', observed: found, hint };
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : 'any';
}
