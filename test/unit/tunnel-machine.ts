/**
 * The machine that site files are judged against, as plain facts; a lab story makes the same one in a guest:
 *
 *   hosts ── eth0 [router] eth1 (192.168.200.1/24) ── 192.168.200.254 ── 172.16.0.1 (the other end)
 *                    └──── eth2 (203.0.113.2/24) ── 203.0.113.1 (default route)
 */
import { type Address, type Facts, type Link } from '../../src/tunnel/facts.js';

export function link(name: string, prefixes: string[] = [], more: Partial<Link> = {}): Link {
  const addresses = prefixes.map((prefix): Address => ({
    family: prefix.includes(':') ? 6 : 4,
    prefix,
    scope: 'global',
    dynamic: false,
  }));
  return {
    name,
    mtu: 1500,
    up: true,
    master: undefined,
    kind: undefined,
    data: {},
    addresses,
    fallback: false,
    ...more,
  };
}

export const ROUTER: Facts = {
  kernel: '6.1.0-50-cloud-amd64',
  links: [
    link('lo', ['127.0.0.1/8'], { mtu: 65_536 }),
    link('eth0'),
    link('eth1', ['192.168.200.1/24']),
    link('eth2', ['203.0.113.2/24']),
  ],
  routes: [
    { destination: 'default', via: '203.0.113.1', dev: 'eth2', protocol: 'static', words: ['via', '203.0.113.1'] },
    { destination: '172.16.0.0/24', via: '192.168.200.254', dev: 'eth1', protocol: 'static', words: [] },
  ],
  tableRoutes: [],
  rules: [],
  path: { dev: 'eth1', mtu: 1500, source: '192.168.200.1', via: '192.168.200.254' },
  modules: new Set(),
  sysctls: new Map(),
  states: [],
  policies: [],
  tables: [],
  can: { ignoreDf: 'yes', bridgeQueue: 'yes', nftBridgeQueue: 'yes', fastPath: 'yes' },
};

/** The machine with some devices replaced or added. */
export function withLinks(...links: Link[]): Facts {
  const kept = ROUTER.links.filter(({ name }) => !links.some((one) => one.name === name));
  return { ...ROUTER, links: [...kept, ...links] };
}
