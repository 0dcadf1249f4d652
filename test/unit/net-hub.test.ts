/**
 * The hub of a net with four spokes, on a router that does what the kernel does: its files, up and down in any order.
 *
 *   hosts ── eth0 [main] eth1 ── 192.168.200.254 ── 172.16.0.1 to .4   a to d
 *   more ─── eth3   br0
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endsOf } from '../../src/tunnel/net/net.js';
import { siteText } from '../../src/tunnel/net/site-text.js';
import { FakeRouter } from '../helpers/fake-router.js';
import { TunnelLife } from '../helpers/tunnel-life.js';
import { netOf } from './net-samples.js';
import { link, withLinks } from './tunnel-machine.js';

const SPOKES = ['a', 'b', 'c', 'd'];
const NET = netOf(`
shape: hub
hub: main
underlay: eth1
engine: tunnel-flag
bridge: { ports: [eth0] }
sites:
  main: { local: 192.168.200.1, bridge: { ports: [eth0, eth3], move-addresses: true } }
${SPOKES.map((name, i) => `  ${name}: { local: 172.16.0.${i + 1} }`).join('\n')}
`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'clear-df-net-hub-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each(['abcd', 'dcba', 'bdac'])(
  'all tunnels come up, and go down in the order %s: nothing is left',
  async (order) => {
    const life = new TunnelLife(folder);
    const links = withLinks(link('eth0', ['10.32.0.1/24'], { mtu: 1400 }), link('eth3', [], { up: false }));
    // It would stay loaded.
    const machine = FakeRouter.of({ ...links, modules: new Set(['ip_gre']) });
    const before = machine.text;
    for (const end of endsOf(NET, 'main')) await life.up(end.tunnel, machine.reborn(), siteText(NET, end));
    const ports = machine.facts.links.filter(({ master }) => master === 'br0').map(({ name }) => name);
    expect(ports.sort()).toEqual(['eth0', 'eth3', ...SPOKES.map((name) => `to-${name}`)]);
    for (const spoke of order) await life.down(`office-${spoke}`, machine.reborn());
    expect(machine.text).toBe(before);
    expect(readdirSync(folder)).toEqual([]);
  },
);
