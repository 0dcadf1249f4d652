/** A device is administratively up. */
import { linkOf } from '../facts.js';
import type { Command, Item } from '../item.js';

export interface UpOptions {
  reason: string;
  /** The plan makes the device: nothing has to be put back. */
  fresh: boolean;
}

export function upItem(name: string, { reason, fresh }: UpOptions): Item {
  const set = (state: 'up' | 'down'): Command => ({ argv: ['ip', 'link', 'set', 'dev', name, state] });
  return {
    kind: 'up',
    key: `up ${name}`,
    desired: `${name} is up`,
    reason,
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: `there is no ${name}` };
      return link.up ? { state: 'in-sync' } : { state: 'differs', observed: 'it is down' };
    },
    apply: () => [set('up')],
    undo(facts) {
      const link = linkOf(facts, name);
      // The device may be gone by then.
      return fresh || link === undefined || link.up ? [] : [{ ...set('down'), mayFail: true }];
    },
  };
}
