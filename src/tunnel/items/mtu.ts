/** A device has an MTU. */
import { linkOf } from '../facts.js';
import type { Command, Item } from '../item.js';

export interface MtuOptions {
  reason: string;
  /** The plan makes the device: nothing has to be put back. */
  fresh: boolean;
  /** A larger MTU is all right as well. */
  atLeast?: boolean;
}

/** @param bytes of the largest IP packet */
export function mtuItem(name: string, bytes: number, { reason, fresh, atLeast = false }: MtuOptions): Item {
  const set = (mtu: number): Command => ({ argv: ['ip', 'link', 'set', 'dev', name, 'mtu', String(mtu)] });
  return {
    kind: 'mtu',
    key: `mtu ${name}`,
    desired: `${name} has an MTU of ${atLeast ? 'at least ' : ''}${bytes} bytes`,
    reason,
    status(facts) {
      const mtu = linkOf(facts, name)?.mtu;
      if (mtu === undefined) return { state: 'differs', observed: `there is no ${name}` };
      return mtu === bytes || (atLeast && mtu > bytes)
        ? { state: 'in-sync' }
        : { state: 'differs', observed: `its MTU is ${mtu}` };
    },
    apply: () => [set(bytes)],
    undo(facts) {
      const mtu = linkOf(facts, name)?.mtu;
      // The device may be gone by then.
      return fresh || mtu === undefined || mtu === bytes ? [] : [{ ...set(mtu), mayFail: true }];
    },
  };
}
