/** A device is a port of a bridge. */
import { linkOf } from '../facts.js';
import type { Item } from '../item.js';

export interface PortOptions {
  reason: string;
  /** The plan makes the device: nothing has to be put back. */
  fresh: boolean;
}

export function portItem(name: string, bridge: string, { reason, fresh }: PortOptions): Item {
  return {
    kind: 'port',
    key: `port ${name}`,
    desired: `${name} is a port of ${bridge}`,
    reason,
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: `there is no ${name}` };
      if (link.master === bridge) return { state: 'in-sync' };
      if (link.master === undefined) return { state: 'differs', observed: 'it is no port' };
      const found = `${name} belongs to ${link.master}`;
      return { state: 'conflict', observed: found, hint: `ip link set dev ${name} nomaster, or choose another port` };
    },
    apply: () => [{ argv: ['ip', 'link', 'set', 'dev', name, 'master', bridge] }],
    undo(facts) {
      const link = linkOf(facts, name);
      if (fresh || link?.master === bridge) return [];
      // Goes with the bridge where that goes too; then there is nothing left to do.
      return [{ argv: ['ip', 'link', 'set', 'dev', name, 'nomaster'], mayFail: true }];
    },
  };
}
