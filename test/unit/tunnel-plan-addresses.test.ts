/** Addresses and routes of a port: how they move to the bridge, and how they get back. */
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/tunnel/item.js';
import { addressOffItem, addressOnItem } from '../../src/tunnel/items/address.js';
import { routeItem } from '../../src/tunnel/items/route.js';
import { address, facts, link, route } from './tunnel-samples.js';

const reason = 'because';
const lines = (commands: Command[]) => commands.map(({ argv }) => argv.join(' '));

describe('addresses and routes', () => {
  it('gives an address back with the words that it had', () => {
    const item = addressOffItem(
      address('10.32.0.1/24', { words: ['brd', '10.32.0.255', 'label', 'eth0:1'] }),
      'eth0',
      reason,
    );
    const machine = facts({ links: [link('eth0', { addresses: [address('10.32.0.1/24')] })] });
    expect(item.status(machine)).toMatchObject({ state: 'differs' });
    expect(lines(item.undo(machine))).toEqual(['ip address add 10.32.0.1/24 brd 10.32.0.255 label eth0:1 dev eth0']);
    expect(item.status(facts())).toEqual({ state: 'in-sync' });
    expect(item.undo(facts())).toEqual([]);
  });

  it('takes an address with another end off by both ends, which the kernel insists on', () => {
    const peer = address('10.1.0.1/32', { words: ['peer', '10.9.0.2/32'] });
    const machine = facts({ links: [link('eth0', { addresses: [peer] })] });
    const off = 'ip address delete 10.1.0.1/32 peer 10.9.0.2/32 dev';
    expect(lines(addressOffItem(peer, 'eth0', reason).apply(machine))).toEqual([`${off} eth0`]);
    expect(lines(addressOnItem(peer, 'br0', reason).undo(machine))).toEqual([`${off} br0`]);
  });

  it('moves only the nexthops that go by the port', () => {
    const ways = 'proto static nexthop via 10.0.0.254 dev eth0 weight 1 nexthop via 10.2.0.1 dev eth2 weight 1';
    expect(lines(routeItem(route('10.9.0.0/16', ways), 'br0', reason).apply(facts()))).toEqual([
      `ip route replace 10.9.0.0/16 ${ways.replace('eth0', 'br0')}`,
    ]);
  });

  it('moves a route in place, distinguished by its metric', () => {
    const old = route('default', 'via 10.32.0.254 dev eth0 proto static metric 100');
    const item = routeItem(old, 'br0', reason);
    const other = route('default', 'via 10.32.0.254 dev br0 proto static metric 50');
    expect(item.status(facts({ routes: [other, old] }))).toEqual({ state: 'differs', observed: 'it uses eth0' });
    expect(lines(item.apply(facts()))).toEqual([
      'ip route replace default via 10.32.0.254 dev br0 proto static metric 100',
    ]);
    expect(lines(item.undo(facts()))).toEqual([
      'ip route replace default via 10.32.0.254 dev eth0 proto static metric 100',
    ]);
    const moved = route('default', 'via 10.32.0.254 dev br0 proto static metric 100');
    expect(item.status(facts({ routes: [moved] }))).toEqual({ state: 'in-sync' });
  });
});
