/** Nets of every shape, and how each of their site files is read and planned on a router that nobody has looked at. */
import { assumedFacts } from '../../src/tunnel/assumed.js';
import type { Net, NetEnd } from '../../src/tunnel/net/net.js';
import { parseNet } from '../../src/tunnel/net/net-file.js';
import { siteText } from '../../src/tunnel/net/site-text.js';
import type { Plan } from '../../src/tunnel/plan.js';
import { planText } from '../../src/tunnel/plan-text.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { newSecrets, parseSecrets } from '../../src/tunnel/secrets.js';
import { parseSite } from '../../src/tunnel/site-file.js';

/** What all sites have alike. Lines 1 and 2. */
export const ALIKE = 'underlay: eth1\nbridge: { ports: [eth0] }\n';
const FOUR = ['192.0.2.1', '198.51.100.1', '203.0.113.1', '203.0.113.2', '203.0.113.3'];
const SIX = ['2001:db8:a::1', '2001:db8:b::1', '2001:db8:c::1', '2001:db8:d::1', '2001:db8:e::1'];
const NAMES = ['main', 'north', 'south', 'west', 'east'];

/** `sites:`, each with its address and what else it says. */
export function sitesText(count: number, more: Readonly<Record<string, string>> = {}, addresses = FOUR): string {
  const lines = NAMES.slice(0, count).map((name, i) => {
    const said = more[name] === undefined ? '' : `, ${more[name]}`;
    return `  ${name}: { local: '${addresses[i]}'${said} }\n`;
  });
  return `sites:\n${lines.join('')}`;
}

export const MESH = `${ALIKE}shape: mesh\n${sitesText(3)}`;
export const HUB = `${ALIKE}shape: hub\nhub: main\n${sitesText(5)}`;
export const PAIR = `${ALIKE}shape: pair\n${sitesText(2)}`;

const hub = (words: string, more?: Record<string, string>, addresses?: string[]) =>
  `${ALIKE}shape: hub\nhub: main\n${words}\n${sitesText(4, more, addresses)}`;
const pair = (words: string, more?: Record<string, string>, addresses?: string[]) =>
  `${ALIKE}shape: pair\n${words}\n${sitesText(2, more, addresses)}`;

/** Every shape with every type of tunnel and carrier that it can have. */
export const SUPPORTED: Readonly<Record<string, string>> = {
  'mesh, vxlan': MESH,
  'mesh of five by a queue': `${ALIKE}shape: mesh\nengine: nfqueue\ntunnel: { vni: 9, port: 8472 }\n${sitesText(5)}`,
  'mesh in ESP by IKE': `${ALIKE}shape: mesh\ncarrier: { type: esp, mode: tunnel, ike: { psk: auto } }\n${sitesText(4)}`,
  'mesh in ESP in UDP by IKE': `${ALIKE}shape: mesh\ncarrier: { type: esp-in-udp, ike: { psk: auto } }\n${sitesText(3)}`,
  'hub, gretap': HUB,
  'hub, gretap by queues': hub('engine: nfqueue\nqueue: 2:3'),
  'hub, gretap in ESP': hub('carrier: { type: esp, keys: auto }'),
  'hub, gretap in ESP by IKE': hub('carrier: { type: esp, mode: tunnel, ike: { psk: auto } }'),
  'hub, gretap in ESP in UDP': hub('carrier: { type: esp-in-udp, keys: auto }', {
    south: 'carrier: { remote-port: 4501 }',
    west: 'carrier: { remote-port: 4502, port: 4600 }',
  }),
  'hub, gretap by a VPN': hub('carrier: tun'),
  'hub, l2tp': hub('tunnel: { type: l2tp, cookie: auto }'),
  'hub, l2tp over IPv6': hub('tunnel: { type: l2tp }\npath-mtu: 1400', {}, SIX),
  'hub, l2tp in UDP': hub('tunnel: { type: l2tp, encapsulation: udp }', {
    south: 'tunnel: { peer-port: 1702 }',
    west: 'tunnel: { peer-port: 1703, port: 1800, tunnel-id: 5, peer-tunnel-id: 6, session-id: 7, peer-session-id: 8 }',
  }),
  'hub, l2tp in ESP': hub('tunnel: { type: l2tp }\ncarrier: { type: esp, keys: auto }'),
  'hub, one of each': hub('key-folder: keys', {
    north: 'tunnel: { key: 7 }, carrier: { type: esp, cipher: aes-cbc-128-sha256, keys: auto }',
    south: 'tunnel: { type: l2tp, cookie: auto, cookie-size: 4 }',
    west: 'carrier: { type: esp, ike: { psk: auto, local-id: west, remote-id: main } }',
  }),
  'pair, gretap': PAIR,
  'pair, l2tp': pair('tunnel: { type: l2tp, sublayer: none }'),
  'pair, vxlan': pair('tunnel: { type: vxlan, port: 8472 }'),
  'pair, vxlan in ESP': pair('tunnel: { type: vxlan }\ncarrier: { type: esp, keys: auto }'),
  'pair, ESP': pair('carrier: { type: esp, keys: auto }'),
  'pair, ESP by somebody else': pair('carrier: { type: esp, keys: external }'),
  'pair, ESP by certificates': pair('carrier: esp', {
    main: 'carrier: { ike: { certificate: m.pem, key: m.key, authority: ca.pem, local-id: m, remote-id: n } }',
    north: 'carrier: { ike: { certificate: n.pem, key: n.key, authority: ca.pem } }',
  }),
  'pair, ESP in UDP': pair('carrier: { type: esp-in-udp, keys: auto }', { north: 'carrier: { port: 4501 }' }),
  'pair, VTI': pair('carrier: { type: vti, keys: auto }', {
    main: 'carrier: { inner: { local: 10.255.0.1, remote: 10.255.0.2 } }',
  }),
  'pair, XFRM interface': pair('carrier: { type: xfrm-interface, ike: { psk: auto } }'),
  'pair, VPN': pair('carrier: tun'),
  'pair, SRv6': pair('carrier: { type: srv6, vrf: red, table: 100, source: "fc00:0:1::1" }', {
    main: 'carrier: { sid: "fc00:a::100", segments: ["fc00:c::1", "fc00:b::100"] }',
    north: 'carrier: { sid: "fc00:b::100", segments: ["fc00:c::1", "fc00:a::100"] }',
  }),
};

export function netOf(text: string, file = 'office.yaml'): Net {
  return parseNet(text, file);
}

/** The plan of each site file, read again from its text, with secrets that both ends share. */
export function plansOf(net: Net): Map<NetEnd, { plan: Plan; text: string }> {
  const secrets = new Map<string, string>();
  const folder = '/etc/clear-df';
  return new Map(
    net.ends.map((end) => {
      const site = parseSite(siteText(net, end), `${folder}/${end.tunnel}.yaml`, folder);
      const made = secrets.get(end.tunnel) ?? (end.secret === undefined ? undefined : newSecrets(site)?.text);
      if (made !== undefined) secrets.set(end.tunnel, made);
      const facts = assumedFacts(site);
      const plan = planTunnel(site, facts, made === undefined ? undefined : parseSecrets(site, made, 'secrets'));
      return [end, { plan, text: planText(plan, facts) }] as const;
    }),
  );
}

/** The hub, with keys that `net write` makes. */
export const KEYED = HUB.replace('hub: main\n', 'hub: main\ncarrier: { type: esp, keys: auto }\n');
