/** Tunnels of type l2tp and vxlan: the arithmetic, the commands, and what is kept secret. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSite } from '../../src/tunnel/site-file.js';
import { checkSite } from '../../src/tunnel/check.js';
import type { Facts } from '../../src/tunnel/facts.js';
import { cookiesDigest } from '../../src/tunnel/items/l2tp.js';
import { l2tpSite, peerText, type PeerRouter } from '../../src/tunnel/types/peer-text.js';
import { planText } from '../../src/tunnel/plan-text.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import { newSecrets, parseSecrets } from '../../src/tunnel/secrets.js';
import { address, facts, link } from './tunnel-samples.js';

const REST = 'underlay: eth1\nbridge: { ports: [eth0] }\n';
const IPV4 = `local: 192.168.200.1\nremote: 172.16.0.1\n${REST}`;
const IPV6 = `local: 2001:db8:a::1\nremote: 2001:db8:b::1\n${REST}`;
const read = (text: string) => parseSite(text, '/etc/clear-df/site-a.yaml');

const SIX: Facts = facts({
  links: [link('eth0'), link('eth1', { addresses: [address('2001:db8:a::1/64')] })],
  path: { dev: 'eth1', mtu: 1500, source: '2001:db8:a::1', via: '2001:db8:a::2' },
});

describe('sizes of L2TPv3', () => {
  // 1500 + 14 (Ethernet) + 4 (sublayer) + 4 (session) = 1522, and around it 20 of IPv4 or 40 of IPv6.
  // IPv4: fragments of 20 + 1480; IPv6: of 48 + 1448 (the most in units of 8 below 1500), the rest with 48 as well.
  it.each([
    ['{ type: l2tp }', IPV4, 1542, [1500, 62]],
    ['{ type: l2tp, sublayer: none }', IPV4, 1538, [1500, 58]],
    ['{ type: l2tp, cookie: c, cookie-size: 4 }', IPV4, 1546, [1500, 66]],
    ['{ type: l2tp, cookie: c }', IPV4, 1550, [1500, 70]],
    // 4 of flags and version, 8 of UDP.
    ['{ type: l2tp, encapsulation: udp }', IPV4, 1554, [1500, 74]],
    ['{ type: l2tp }', IPV6, 1562, [1496, 122]],
    ['{ type: l2tp, encapsulation: udp, cookie: c }', IPV6, 1582, [1496, 142]],
  ])('%s of %s', (tunnel, head, outer, wire) => {
    const sizes = tunnelSizes(read(`${head}tunnel: ${tunnel}\n`), head === IPV6 ? SIX : facts());
    expect(sizes.outer).toBe(outer);
    expect(sizes.wire.map(({ length }) => length)).toEqual(wire);
  });

  it('are those of the path, where the file says what it carries', () => {
    // 48 + 1352 = 1400, and 1522 - 1352 = 170 with 48.
    const sizes = tunnelSizes(read(`${IPV6}path-mtu: 1400\ntunnel: { type: l2tp }\n`), SIX);
    expect(sizes.wire.map(({ length }) => length)).toEqual([1400, 218]);
  });

  it('of VXLAN are those of the narrowest path', () => {
    // 1500 + 14 + 8 (VXLAN) + 8 (UDP) + 20 = 1550; 20 + 1376 = 1396 of at most 1400, and 154 with 20.
    const site = read(`local: 192.168.200.1\nremotes: [172.16.0.1, 172.16.0.9]\n${REST}tunnel: { type: vxlan }\n`);
    const morePaths = [{ to: '172.16.0.9', dev: 'eth1', mtu: 1400, source: '192.168.200.1', via: '192.168.200.254' }];
    expect(tunnelSizes(site, facts()).wire.map(({ length }) => length)).toEqual([1500, 70]);
    expect(tunnelSizes(site, facts({ morePaths })).wire.map(({ length }) => length)).toEqual([1396, 174]);
  });
});

describe('numbers of an L2TPv3 tunnel', () => {
  it('are the same on both ends, and others between others', () => {
    const here = read(`${IPV4}tunnel: { type: l2tp }\n`).tunnel;
    const there = read(`local: 172.16.0.1\nremote: 192.168.200.1\n${REST}tunnel: { type: l2tp }\n`).tunnel;
    const other = read(`local: 192.168.200.1\nremote: 172.16.0.2\n${REST}tunnel: { type: l2tp }\n`).tunnel;
    expect(here).toEqual(there);
    expect(here).not.toEqual(other);
    if (here.type !== 'l2tp') throw new Error('no L2TPv3');
    expect([here.peerTunnelId, here.sessionId, here.peerSessionId]).toEqual(Array(3).fill(here.tunnelId));
    expect(here.tunnelId).toBeGreaterThan(0);
    expect(here.tunnelId).toBeLessThan(2 ** 28);
  });

  const tunnels = [
    { ...{ id: 7, peerId: 7, encapsulation: 'udp', local: '192.168.200.1' }, remote: '10.9.9.9', port: 1701 },
  ];
  const taken = facts({
    l2tp: { tunnels, sessions: [{ id: 8, tunnelId: 7, peerId: 8, name: 'l2tp9', digest: '' }] } as never,
  });

  it.each([
    ['tunnel-id: 7', ':5', 'tunnel.tunnel-id', 'from 192.168.200.1 to 10.9.9.9'],
    ['session-id: 8', ':5', 'tunnel.session-id', 'l2tp9, in tunnel 7'],
    ['encapsulation: udp', ':5', 'tunnel.port', 'tunnel 7 has UDP 1701'],
  ])('are refused where %s is taken', (words, line, key, reason) => {
    const site = read(`${IPV4}tunnel: { type: l2tp, ${words} }\n`);
    expect(() => checkSite(site, taken)).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
    expect(() => checkSite(site, taken)).toThrow(reason);
    expect(() => checkSite(site, taken)).toThrow(key);
    expect(line).toBe(':5');
  });
});

describe('the other end', () => {
  const text = (head: string, words: string, router: PeerRouter) => {
    const site = l2tpSite(
      read(`${head}tunnel: { type: l2tp, tunnel-id: 7, session-id: 8, peer-session-id: 9${words} }\n`),
    );
    if (site === undefined) throw new Error('no L2TPv3');
    return peerText(site, router, { out: '00112233', in: '8899aabb' });
  };

  it.each([
    ['routeros', IPV4, ', cookie: c, cookie-size: 4'],
    ['vyos', IPV6, ''],
    ['ios', IPV4, ', sublayer: none'],
    ['linux', IPV4, ', encapsulation: udp, port: 1702, peer-port: 1703, cookie: c, cookie-size: 4'],
  ] as const)('for %s', (router, head, words) => golden(`tunnel-peer-${router}.txt`, text(head, words, router)));

  it.each([
    ['ios', '! ', ', sublayer: none', 'keys: external'],
    ['linux', '# ', '', 'ike: { psk: k }'],
  ] as const)('is told to encrypt first where this end does: %s', (router, mark, words, keys) => {
    const site = l2tpSite(read(`${IPV4}tunnel: { type: l2tp${words} }\ncarrier: { type: esp, ${keys} }\n`));
    const [first = '', second = ''] = site === undefined ? [] : peerText(site, router).split('\n');
    expect(first).toBe(
      `${mark}This tunnel goes inside ESP. None of what follows makes that: first let IPsec (transport mode, aes-gcm-256) take`,
    );
    expect(second).toMatch(
      /L2TPv3 \(protocol 115\) from 192\.168\.200\.1 to 172\.16\.0\.1, and back, .*; until it does/,
    );
  });

  it.each([
    ['routeros', ', encapsulation: udp, port: 1702', 'tunnel.port'],
    ['vyos', ', cookie: c', 'tunnel.cookie'],
    ['vyos', ', peer-tunnel-id: 4000000000', 'more than VyOS takes'],
    ['ios', '', 'tunnel.sublayer'],
    ['ios', ', encapsulation: udp', 'IP protocol 115'],
  ] as const)('%s cannot be one with "%s"', (router, words, reason) => {
    expect(() => text(IPV4, words, router)).toThrow(reason);
  });
});

function golden(name: string, text: string): void {
  const file = path.join(import.meta.dirname, '../golden', name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

describe('cookies', () => {
  const site = read(`${IPV4}tunnel: { type: l2tp, tunnel-id: 7, cookie: site.cookies }\n`);
  const made = newSecrets(site);
  const secrets = parseSecrets(site, made?.text ?? '', 'site.cookies');
  if (secrets === undefined || !('cookies' in secrets)) throw new Error('no cookies');
  const { cookies } = secrets;

  it('are crosswise on the other end', () => {
    const other = read(
      `local: 172.16.0.1\nremote: 192.168.200.1\n${REST}tunnel: { type: l2tp, cookie: site.cookies }\n`,
    );
    expect(parseSecrets(other, made?.text ?? '', 'site.cookies')).toEqual({
      cookies: { out: cookies.in, in: cookies.out },
    });
    expect(made?.file).toBe('/etc/clear-df/site.cookies');
  });

  it('are on no command line, in no text for people, and in no journal', () => {
    const plan = planTunnel(site, facts(), secrets);
    const commands = plan.items.flatMap((item) => item.apply(facts()));
    const shown = [
      planText(plan, facts()),
      JSON.stringify(commands.map(({ argv, shown: text }) => [argv, text])),
      JSON.stringify(plan.items.flatMap((item) => item.undo(facts()))),
    ];
    for (const secret of [cookies.out, cookies.in]) for (const text of shown) expect(text).not.toContain(secret);
    // And yet the kernel gets them: what leaves has ours, what arrives the other end's.
    const inputs = commands.map(({ input }) => input ?? '').join('');
    expect(inputs).toContain(`cookie ${cookies.out} peer_cookie ${cookies.in}`);
  });

  it('that differ from those of the file are a conflict', () => {
    const session = planTunnel(site, facts(), secrets).items.find(({ kind }) => kind === 'l2tp-session');
    const found = (digest: string) =>
      session?.status(
        facts({ l2tp: { tunnels: [], sessions: [{ id: 7, tunnelId: 7, peerId: 7, name: 'l2tp1', digest }] } }),
      );
    expect(found(cookiesDigest(cookies))).toEqual({ state: 'in-sync' });
    expect(found('other')).toMatchObject({
      state: 'conflict',
      observed: 'session 7: its cookies are not those of /etc/clear-df/site.cookies',
    });
    expect(found('')).toMatchObject({ state: 'conflict', observed: 'session 7: it has no cookies' });
  });

  it.each([
    ["'192.168.200.1': 0x0011\n'172.16.0.1': 0x0011223344556677\n", ':1 192.168.200.1', '16 hexadecimal digits'],
    ["'192.168.200.1': 0x0011223344556677\n", ':1', 'no cookie for packets from 172.16.0.1'],
    ["'10.0.0.1': 0x0011223344556677\n", ':1', "neither the site's local nor its remote"],
    ['- 0x0011223344556677\n', ':1', 'no map'],
  ])('are refused with their place, and not repeated: %s', (text, place, reason) => {
    const refusal = () => parseSecrets(site, text, 'site.cookies');
    expect(refusal).toThrow(`site.cookies${place}`);
    expect(refusal).toThrow(reason);
    expect(refusal).not.toThrow('11223344');
  });
});
