/** What holds for every net, whatever stands in its file. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ClearDfError } from '../../src/errors.js';
import { mirrored } from '../../src/tunnel/net/mirror.js';
import type { Net } from '../../src/tunnel/net/net.js';
import { pathSizes } from '../../src/tunnel/net/sizes.js';
import { siteText } from '../../src/tunnel/net/site-text.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { CARRIERS } from '../../src/tunnel/site/carriers.js';
import { keysAt } from '../../src/tunnel/site/schema.js';
import type { Site } from '../../src/tunnel/site/site.js';
import type { YamlMap } from '../../src/tunnel/site/yaml.js';
import { HUB, netOf } from './net-samples.js';

/** The net, or undefined where it is refused as it should be. */
function netOrRefusal(text: string): Net | undefined {
  try {
    return netOf(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ClearDfError);
    expect(error).toMatchObject({ code: 'USAGE', object: expect.stringMatching(/^office\.yaml/) as string });
    return undefined;
  }
}

function put(map: YamlMap, path: string, value: string): void {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) map[first] = value;
  else put((map[first] ??= {}) as YamlMap, rest.join('.'), value);
}

/** What one end says of its tunnel, and what the other end has to say then. */
function ownOf({ parsed: { tunnel, carrier, mtu } }: { parsed: Site }) {
  const numbers =
    tunnel.type === 'l2tp'
      ? [
          [tunnel.tunnelId, tunnel.sessionId, tunnel.port],
          [tunnel.peerTunnelId, tunnel.peerSessionId, tunnel.peerPort],
        ]
      : [];
  const ports = carrier.type === 'esp-in-udp' ? [carrier.port, carrier.remotePort] : [];
  const ids = 'ike' in carrier ? [carrier.ike?.localId, carrier.ike?.remoteId] : [];
  const key =
    tunnel.type === 'gretap' ? tunnel.key : tunnel.type === 'vxlan' ? [tunnel.vni, tunnel.port] : tunnel.cookie;
  const cipher = 'cipher' in carrier ? [carrier.cipher, carrier.keys] : [];
  return { type: [tunnel.type, carrier.type, key, cipher, mtu], numbers, ports, ids };
}

function mirrorOf(end: { parsed: Site }): ReturnType<typeof ownOf> {
  const { type, numbers, ports, ids } = ownOf(end);
  return { type, numbers: [...numbers].reverse(), ports: [...ports].reverse(), ids: [...ids].reverse() };
}

describe('a net', () => {
  it('is never refused but with its file and line', () => {
    const piece = fc.constantFrom(
      ...HUB.split(/(?<=[ \n])/),
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '"',
      ': ',
      'esp',
      'auto',
      '__proto__: ',
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 24 }).map((parts) => parts.join('')),
      fc.array(piece, { maxLength: 8 }).map((parts) => HUB + parts.join('')),
    );
    fc.assert(
      fc.property(text, (sample) => void netOrRefusal(sample)),
      { numRuns: 1000 },
    );
  });

  it('has ends that mirror each other and predict the same, whoever has said what', () => {
    const ids = ['tunnel-id', 'peer-tunnel-id', 'session-id', 'peer-session-id'].map((key) => `tunnel.${key}`);
    const espKeys = ['carrier.cipher=aes-cbc-128-sha256', 'carrier.mode=tunnel', 'tunnel.key=7', 'tunnel.ttl=9'];
    const families = [
      {
        common: 'tunnel: { type: l2tp, encapsulation: udp, cookie: auto }',
        keys: [
          'tunnel.port=1702',
          'tunnel.peer-port=1703',
          'tunnel.cookie-size=4',
          'tunnel.sublayer=none',
          ...ids.map((key, i) => `${key}=${5 + i}`),
        ],
      },
      { common: 'carrier: { type: esp, keys: auto }', keys: [...espKeys, 'mtu=1400', 'engine=bpf'] },
      {
        common: 'carrier: { type: esp-in-udp, ike: { psk: auto } }',
        keys: [
          ...espKeys,
          'carrier.port=4501',
          'carrier.remote-port=4502',
          'carrier.ike.local-id=a',
          'carrier.ike.remote-id=b',
        ],
      },
      { common: 'tunnel: { type: vxlan }', keys: ['tunnel.vni=7', 'tunnel.port=8472', 'mtu=1400', 'engine=nfqueue'] },
    ];
    const where = fc.constantFrom('nobody', 'all', 'main', 'north');
    const nets = fc.constantFrom(...families).chain(({ common, keys }) =>
      fc.record({
        shape: fc.constantFrom('pair', 'hub', 'mesh'),
        common: fc.constant(common),
        said: fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), where))),
      }),
    );
    let sound = 0;
    fc.assert(
      fc.property(nets, ({ shape, common, said }) => {
        const map: YamlMap = {
          ...{ shape, underlay: 'eth1', bridge: { ports: ['eth0'] }, ...(parse(common) as YamlMap) },
          ...(shape === 'hub' ? { hub: 'main' } : {}),
          sites: { main: { local: '192.0.2.1' }, north: { local: '198.51.100.1' } },
        };
        for (const [key, who] of said) {
          if (who === 'nobody') continue;
          const [path = '', value = ''] = key.split('=');
          put(map, who === 'all' ? path : `sites.${who}.${path}`, value);
        }
        const net = netOrRefusal(stringify(map));
        if (net === undefined) return;
        sound += 1;
        for (const { sizes } of pathSizes(net)) expect(sizes[0].wire).toEqual(sizes[1].wire);
        for (const { ends } of net.paths) expect(mirrorOf(ends[0])).toEqual(ownOf(ends[1]));
        for (const end of net.ends)
          expect(ownOf({ parsed: parseSite(siteText(net, end), 'x.yaml', '') })).toEqual(ownOf(end));
      }),
      { numRuns: 600 },
    );
    expect(sound).toBeGreaterThan(150);
  });

  it('knows of each key of a site file whether both ends have to agree on it', () => {
    const LOCAL = [
      ...['name', 'local', 'remote', 'remotes', 'underlay', 'bridge', 'engine', 'fragment', 'hook', 'queue', 'fanout'],
      ...['identification', 'metrics', 'tunnel', 'carrier'],
      ...['tunnel.name', 'tunnel.pmtudisc', 'tunnel.ttl', 'tunnel.match'],
      ...['carrier.reqid', 'carrier.ike', 'carrier.ike.certificate', 'carrier.ike.key', 'carrier.ike.authority'],
      ...['carrier.ike.rekey', 'carrier.keepalive', 'carrier.device', 'carrier.inner', 'carrier.mark', 'carrier.table'],
      ...['carrier.priority', 'carrier.if-id'],
      // Of SRv6 each end says its own, and what has to agree is compared.
      ...['vrf', 'sid', 'segments', 'source', 'encap', 'cut', 'hop-vrf', 'hop-table'].map((key) => `carrier.${key}`),
    ];
    const below = (map: string, type?: string) =>
      (keysAt(map, type) ?? []).map((key) => (map === '' ? key : `${map}.${key}`));
    const keys = [
      ...['', 'tunnel', 'carrier.ike', 'carrier.inner'].flatMap((map) => below(map)),
      ...Object.keys(CARRIERS).flatMap((type) => below('carrier', type)),
    ];
    const shared = (key: string) =>
      ['l2tp', 'vxlan'].some((type) => mirrored(new Map([[key, { value: '', at: '' }]]), type).size > 0);
    // A key that is new belongs into SAME, SIDED and COMPARED of mirror.ts, or in the list above.
    expect([...new Set(keys)].filter((key) => !shared(key)).sort()).toEqual([...LOCAL].sort());
  });
});
