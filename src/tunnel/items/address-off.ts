/** A device does not carry an address any more, because another one does. */
import { type Address, linkOf } from '../facts.js';
import type { Item } from '../item.js';
import { removeAddress } from './address-on.js';

export function addressOffItem(address: Address, dev: string, reason: string): Item {
  const { prefix, words = [] } = address;
  const carries = (facts: Parameters<Item['status']>[0]) =>
    linkOf(facts, dev)?.addresses.some((other) => other.prefix === prefix) === true;
  return {
    kind: 'address-off',
    key: `address ${prefix} off ${dev}`,
    desired: `${dev} has not the address ${prefix}`,
    reason,
    status: (facts) => (carries(facts) ? { state: 'differs', observed: 'it has' } : { state: 'in-sync' }),
    apply: () => [{ argv: removeAddress(address, dev), mayFail: true }],
    undo: (facts) =>
      carries(facts) ? [{ argv: ['ip', 'address', 'add', prefix, ...words, 'dev', dev], mayFail: true }] : [],
  };
}
