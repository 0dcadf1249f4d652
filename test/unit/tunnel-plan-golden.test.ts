/**
 * Whole plans as text, compared with test/golden/tunnel-*.txt. After a wanted change: look at the difference, then
 * `UPDATE_GOLDEN=1 npx vitest run --project unit test/unit/tunnel-plan-golden.test.ts`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Secrets } from '../../src/tunnel/keys.js';
import { planText } from '../../src/tunnel/plan-text.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import type { L2tpTunnel, Site } from '../../src/tunnel/site/site.js';
import { unitText } from '../../src/tunnel/unit-text.js';
import { PSK } from './ike-samples.js';
import {
  address,
  CBC_KEYS,
  espCarrier,
  espInUdpCarrier,
  facts,
  GCM_KEYS,
  link,
  route,
  site,
  vtiCarrier,
  xfrmCarrier,
} from './tunnel-samples.js';

const FOLDER = path.join(import.meta.dirname, '../golden');

/** Addresses and a default route on the hosts' side, as on a router that is managed from there. */
const managed = facts({
  links: [
    link('eth0', {
      addresses: [
        address('10.32.0.1/24', { words: ['brd', '10.32.0.255'] }),
        address('10.32.0.2/24', { words: ['brd', '10.32.0.255'] }),
        address('fe80::1/64', { scope: 'link' }),
      ],
    }),
    link('eth1', { addresses: [address('192.168.200.1/24')] }),
  ],
  routes: [
    route('default', 'via 10.32.0.254 dev eth0 proto static metric 100'),
    route('10.32.0.0/24', 'dev eth0 proto kernel scope link src 10.32.0.1', 'kernel'),
    route('172.16.0.0/24', 'via 192.168.200.254 dev eth1 proto static'),
  ],
});

const inner = { local: '10.255.0.1', remote: '10.255.0.2' };

const L2TP: L2tpTunnel = {
  ...{ type: 'l2tp', name: 'l2tp1', encapsulation: 'ip', sublayer: 'default', cookie: undefined },
  ...{ tunnelId: 7, peerTunnelId: 7, sessionId: 7, peerSessionId: 7, port: 1701, peerPort: 1701 },
};

const L2TP_UDP: L2tpTunnel = {
  ...{ ...L2TP, encapsulation: 'udp', port: 1702, peerPort: 1703 },
  cookie: { file: '/etc/clear-df/cookies', bytes: 8 },
};

const CASES: Record<string, { site: Site; facts?: Facts; keys?: Secrets }> = {
  'l2tp-udp-cookie': {
    site: site({ tunnel: L2TP_UDP }),
    keys: { cookies: { out: '0011223344556677', in: '8899aabbccddeeff' } },
  },
  'l2tp-ipv6-narrow-path': {
    site: site({ local: '2001:db8:a::1', remote: '2001:db8:b::1', pathMtu: 1400, tunnel: L2TP }),
    facts: facts({
      links: [link('eth0'), link('eth1', { addresses: [address('2001:db8:a::1/64')] })],
      path: { dev: 'eth1', mtu: 1500, source: '2001:db8:a::1', via: '2001:db8:a::2' },
    }),
  },
  'vxlan-three-sites': {
    site: site({ moreRemotes: ['172.16.0.9'], tunnel: { type: 'vxlan', name: 'vxlan1', vni: 1, port: 4789 } }),
  },
  'l2tp-udp-esp': { site: site({ carrier: espCarrier(), tunnel: { ...L2TP_UDP, cookie: undefined } }), keys: GCM_KEYS },
  'vxlan-ike-three-sites': {
    site: site({
      ...{ moreRemotes: ['172.16.0.9'], tunnel: { type: 'vxlan', name: 'vxlan1', vni: 1, port: 4789 } },
      carrier: espCarrier({ keys: 'ike', ike: PSK, mode: 'tunnel' }),
    }),
    keys: { psk: 'ab'.repeat(32) },
  },
  'vxlan-fragment-inner': {
    site: site({ fragment: 'inner', tunnel: { type: 'vxlan', name: 'vxlan1', vni: 1, port: 4789 } }),
  },
  'plain-nfqueue': { site: site({ engine: 'nfqueue' }) },
  'plain-nfqueue-nft-bridge': { site: site({ engine: 'nfqueue', hook: 'nft-bridge', queues: { first: 0, last: 3 } }) },
  'plain-nfqueue-by-cpu': {
    site: site({ engine: 'nfqueue', queues: { first: 0, last: 3 }, fanout: 'cpu', tunnel: { pmtudisc: true } }),
  },
  'plain-tunnel-flag': { site: site({ tunnel: { key: 7 } }) },
  'tun-wireguard': {
    site: site({ carrier: { type: 'tun' }, underlay: 'wg0', local: '10.97.0.1', remote: '10.97.0.2' }),
    facts: facts({
      links: [link('eth0'), link('wg0', { mtu: 1420, kind: 'wireguard', addresses: [address('10.97.0.1/24')] })],
      path: { dev: 'wg0', mtu: 1420, source: '10.97.0.1', via: undefined },
      covering: { dev: 'wg0', table: 'main', length: 24 },
    }),
  },
  'plain-bpf': { site: site({ engine: 'bpf', identification: 'keep' }) },
  'plain-bpf-queue': { site: site({ engine: 'bpf', queueGiven: true, queues: { first: 3, last: 3 } }) },
  'plain-pmtudisc': { site: site({ engine: 'nfqueue', tunnel: { pmtudisc: true, ttl: 64 } }) },
  'plain-move-addresses': { site: site({ bridge: { moveAddresses: true } }), facts: managed },
  'esp-transport-gcm': { site: site({ carrier: espCarrier() }), keys: GCM_KEYS },
  'esp-tunnel-cbc': {
    site: site({ engine: 'nfqueue', carrier: espCarrier({ mode: 'tunnel', cipher: 'aes-cbc-128-sha256' }) }),
    keys: CBC_KEYS,
  },
  'esp-in-udp': {
    site: site({ carrier: espInUdpCarrier({ port: 4501, remotePort: 6000 }), engine: 'tunnel-flag' }),
    keys: GCM_KEYS,
  },
  'esp-in-udp-external': {
    site: site({ carrier: espInUdpCarrier({ keys: 'external', mode: 'tunnel' }), engine: 'nfqueue' }),
  },
  'esp-external-pmtudisc': {
    site: site({
      engine: 'nfqueue',
      carrier: espCarrier({ keys: 'external' }),
      tunnel: { pmtudisc: true, match: 'esp' },
    }),
  },
  'vti-own-strict': {
    site: site({ carrier: vtiCarrier() }),
    facts: facts({ sysctls: new Map([['net/ipv4/conf/all/rp_filter', '1']]) }),
    keys: GCM_KEYS,
  },
  'vti-inner': { site: site({ carrier: vtiCarrier({ inner }) }), keys: GCM_KEYS },
  'xfrm-interface-own': { site: site({ carrier: xfrmCarrier() }), keys: GCM_KEYS },
  'xfrm-interface-inner-external': { site: site({ carrier: xfrmCarrier({ inner, keys: 'external' }) }) },
};

function golden(name: string, text: string): void {
  const file = path.join(FOLDER, `tunnel-${name}.txt`);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(existsSync(file), `${file} is missing`).toBe(true);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

describe('plans as text', () => {
  for (const [name, { site: asked, facts: machine = facts(), keys }] of Object.entries(CASES)) {
    it(name, () => golden(name, planText(planTunnel(asked, machine, keys), machine)));
  }

  it('never holds a key', () => {
    for (const keys of [GCM_KEYS, CBC_KEYS]) {
      const cipher = keys === GCM_KEYS ? 'aes-gcm-128' : 'aes-cbc-128-sha256';
      const plan = planTunnel(site({ carrier: espCarrier({ cipher }) }), facts(), keys);
      const undo = JSON.stringify(plan.items.flatMap((item) => item.undo(facts())));
      const argv = JSON.stringify(plan.items.flatMap((item) => item.apply(facts()).map((command) => command.argv)));
      for (const secret of [keys.out, keys.in].flatMap((way) => [
        way.encryption,
        way.authentication ?? way.encryption,
      ])) {
        for (const text of [planText(plan, facts()), undo, argv]) expect(text).not.toContain(secret.slice(2));
      }
    }
  });
});

describe('units', () => {
  const command = { node: '/usr/bin/node', script: '/usr/local/bin/clear-df' };
  const options = { command, file: '/etc/clear df/50%.yaml', fixed: false };

  it('keeps the queue in the foreground', () => {
    golden('unit-nfqueue', unitText(planTunnel(site({ engine: 'nfqueue' }), facts()), options));
  });

  it('keeps a socket in the foreground, whatever the engine', () => {
    const asked = site({ engine: 'tunnel-flag', carrier: espInUdpCarrier() });
    golden('unit-esp-in-udp', unitText(planTunnel(asked, facts(), GCM_KEYS), options));
    const daemons = site({ engine: 'tunnel-flag', carrier: espInUdpCarrier({ keys: 'external' }) });
    expect(unitText(planTunnel(daemons, facts()), options)).toContain('RemainAfterExit=yes');
  });

  it('sets up and takes down where nothing has to run', () => {
    golden('unit-tunnel-flag', unitText(planTunnel(site({ engine: 'tunnel-flag' }), facts()), options));
  });

  it('names the engine that auto took, since the unit is made for it', () => {
    const text = unitText(planTunnel(site({ engine: 'auto' }), facts()), { ...options, fixed: true });
    expect(text).toContain('up --engine tunnel-flag "/etc/clear df/50%%.yaml"');
    expect(text).toContain('# engine: auto took tunnel-flag');
  });
});
