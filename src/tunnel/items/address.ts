/** A device carries an address, or does not any more, because another one does. */
import { type Address, linkOf } from '../facts.js';
import type { Item } from '../item.js';

export function addressOnItem(address: Address, dev: string, reason: string): Item {
  const { prefix } = address;
  return {
    kind: 'address-on',
    key: `address ${prefix} on ${dev}`,
    desired: `${dev} has the address ${prefix}`,
    reason,
    status(facts) {
      const link = linkOf(facts, dev);
      if (link === undefined) return { state: 'differs', observed: `there is no ${dev}` };
      if (link.addresses.some((other) => other.prefix === prefix)) return { state: 'in-sync' };
      return { state: 'differs', observed: 'it has not' };
    },
    apply: () => [{ argv: addAddress(address, dev) }],
    // Also from a bridge that this plan makes: it outlives the tunnel where someone else has put a port into it.
    undo: () => [{ argv: removeAddress(address, dev), mayFail: true }],
  };
}

/** `ip address delete`: of an address with another end, the kernel wants that end too. */
function removeAddress({ prefix, words = [] }: Address, dev: string): string[] {
  const peer = words.indexOf('peer');
  return ['ip', 'address', 'delete', prefix, ...(peer < 0 ? [] : words.slice(peer, peer + 2)), 'dev', dev];
}

/** `ip address add` with the words that the address had. */
function addAddress({ prefix, words = [] }: Address, dev: string): string[] {
  // A label belongs to the old device: `eth0:1`.
  const label = words.indexOf('label');
  const kept = words.filter((_, i) => label < 0 || (i !== label && i !== label + 1));
  return ['ip', 'address', 'add', prefix, ...kept, 'dev', dev];
}

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
