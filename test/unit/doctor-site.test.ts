/** The doctor's checks of one site, and what the host room reads for it. */
import { describe, expect, it } from 'vitest';
import { examine } from '../../src/doctor/examine.js';
import type { FindingState } from '../../src/doctor/finding.js';
import { type Path, type Reading } from '../../src/doctor/machine.js';
import { parseCounters } from '../../src/host/read/counters.js';
import { moduleStates } from '../../src/host/read/modules.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { NOT_READ, type Change, bridged, device, held, machine, nft, sysctls } from './doctor/machine.js';

const FILE = `
local: 192.0.2.1
remote: 198.51.100.1
underlay: eth1
bridge:
  name: br0
  ports: [eth0]
tunnel:
  name: gretap1
queue: 0
`;

const site = (more = 'engine: nfqueue') => parseSite(`${FILE}${more}\n`, 'a.yaml');
const ready = (...changes: Change[]) =>
  machine(Object.assign({}, bridged(), held(0, 'clear-df run'), ...changes) as Change);
const answer = (name: 'nftBridgeQueue', state: 'yes' | 'no' | 'unknown') => ({
  can: { ...machine().can, [name]: { answer: state, evidence: `it is ${state}` } },
});
const withPath = (dev: string): Change => ({ paths: new Map([['198.51.100.1', { known: { dev, mtu: 1500 } }]]) });
const strict = sysctls({ 'net/ipv4/conf/eth1/rp_filter': '1' });

const INNER = 'fragment: inner';
const tags = (value: string) => sysctls({ 'net/bridge/bridge-nf-filter-vlan-tagged': value });
const CLAMPED = nft({ family: 'bridge', table: 'clear_df_a.mss', hook: 'forward', expr: [] });

const CASES: [check: string, what: RegExp, change: Change, state: FindingState, more?: string][] = [
  ['modules', /ip_gre/, {}, 'ok'],
  ['modules', /ip_gre/, { modules: new Map([['ip_gre', 'missing']]) }, 'wrong'],
  ['modules', /ip_gre/, { modules: new Map() }, 'unknown'],
  ['engine', /nfqueue/, answer('nftBridgeQueue', 'yes'), 'ok', 'engine: nfqueue\nhook: nft-bridge'],
  ['engine', /nfqueue/, answer('nftBridgeQueue', 'no'), 'wrong', 'engine: nfqueue\nhook: nft-bridge'],
  ['engine', /nfqueue/, answer('nftBridgeQueue', 'unknown'), 'unknown', 'engine: nfqueue\nhook: nft-bridge'],
  ['devices', /underlay/, {}, 'ok'],
  ['devices', /underlay/, { devices: { known: [] } }, 'wrong'],
  ['devices', /underlay/, { devices: { known: [device('eth1', { up: false })] } }, 'wrong'],
  ['devices', /devices/, { devices: NOT_READ }, 'unknown'],
  ['devices', /port eth0/, {}, 'ok'],
  ['devices', /port eth0/, { devices: { known: [device('eth0')] } }, 'wrong'],
  ['tunnel', /gretap1/, {}, 'ok'],
  ['tunnel', /gretap1/, { devices: { known: [] } }, 'wrong'],
  ['tunnel', /gretap1/, bridged({ remote: '203.0.113.1' }), 'wrong'],
  ['tunnel', /gretap1/, bridged({}, { mtu: 1462 }), 'wrong'],
  ['tunnel', /gretap1/, bridged({}, { up: false }), 'wrong'],
  ['tunnel', /gretap1/, bridged({}, { mtu: 1458 }), 'ok', INNER],
  ['tunnel', /gretap1/, {}, 'wrong', INNER],
  // The path carries 1500, and nobody knows it.
  ['tunnel', /gretap1/, { paths: new Map() }, 'ok', INNER],
  ['fragment', /VLAN-tagged frames of br0/, tags('1'), 'ok', INNER],
  ['fragment', /VLAN-tagged frames of br0/, tags('0'), 'wrong', INNER],
  ['fragment', /VLAN-tagged frames of br0/, { sysctls: new Map() }, 'unknown', INNER],
  ['fragment', /TCP through gretap1/, CLAMPED, 'ok', INNER],
  ['fragment', /TCP through gretap1/, {}, 'wrong', INNER],
  ['fragment', /TCP through gretap1/, { nftJson: NOT_READ }, 'unknown', INNER],
  ['path', /path/, {}, 'ok'],
  ['path', /path/, withPath('eth9'), 'wrong'],
  ['path', /path/, { paths: new Map([['198.51.100.1', { known: undefined }]]) }, 'wrong'],
  ['path', /path/, { paths: new Map([['198.51.100.1', NOT_READ]]) }, 'unknown'],
  ['path', /path/, { paths: new Map() }, 'unknown'],
  ['rp-filter', /eth1/, {}, 'ok'],
  ['rp-filter', /eth1/, strict, 'ok'],
  ['rp-filter', /eth1/, { ...strict, ...withPath('vti1') }, 'wrong'],
  ['rp-filter', /eth1/, { sysctls: new Map() }, 'unknown'],
  ['queues', /queue 0/, {}, 'ok'],
  ['queues', /queue 0/, { queues: { known: [] } }, 'wrong'],
  ['queues', /queue 0/, held(0, 'suricata'), 'wrong'],
  ['queues', /queue 0/, held(0, undefined), 'unknown'],
  ['queues', /queues/, { queues: NOT_READ }, 'unknown'],
];

describe('a site', () => {
  it.each(CASES.map((each, i) => ({ name: `${each[0]} ${each[1].source}: ${each[3]} (${i})`, each })))(
    '$name',
    ({ each: [check, what, change, state, more] }) => {
      const lines = examine(ready(change), site(more)).filter((one) => one.group === 'site' && one.check === check);
      const found = lines.filter((one) => what.test(one.what));
      expect(found.map((one) => one.state)).toEqual([state]);
      if (state === 'wrong') expect(found[0]?.fix ?? found[0]?.hint).toBeDefined();
    },
  );

  it('of several other ends is judged by the paths to all of them', () => {
    const mesh = parseSite(
      FILE.replace('remote: 198.51.100.1', 'remotes: [198.51.100.1, 203.0.113.1]').replace(
        '  name: gretap1',
        '  type: vxlan',
      ),
      'a.yaml',
    );
    const near = ['198.51.100.1', { known: { dev: 'eth1', mtu: 1500 } }] as const;
    const found = (far: Reading<Path | undefined>, change: Change = {}) =>
      examine(ready(change, { paths: new Map([near, ['203.0.113.1', far]]) }), mesh)
        .filter(({ group, check }) => group === 'site' && (check === 'path' || check === 'rp-filter'))
        .map(({ what, state }) => `${what}: ${state}`);
    expect(found({ known: undefined })).toEqual([
      ...['path to 198.51.100.1: ok', 'path to 203.0.113.1: wrong', 'rp_filter of eth1: ok'],
    ]);
    expect(found({ known: { dev: 'eth2', mtu: 1500 } }, strict)).toEqual([
      ...['path to 198.51.100.1: ok', 'path to 203.0.113.1: wrong', 'rp_filter of eth1: wrong'],
    ]);
  });

  it('is not looked for without a file', () => {
    expect(examine(ready()).filter(({ group }) => group === 'site')).toEqual([]);
  });
});

describe('what is read', () => {
  it('takes counters from pairs of lines', () => {
    const text = 'Ip: ReasmOKs ReasmFails\nIp: 7 3\nUdp: InErrors\nUdp: 1\n';
    expect([...parseCounters(text)]).toEqual([
      ['IpReasmOKs', 7],
      ['IpReasmFails', 3],
      ['UdpInErrors', 1],
    ]);
  });

  it('distinguishes modules that are loaded, built in, loadable, missing and unknown', () => {
    const config = '# CONFIG_NFT_QUEUE is not set\nCONFIG_NET_IPGRE=m\nCONFIG_BRIDGE_NETFILTER=y\n';
    const states = (kernel: Partial<Parameters<typeof moduleStates>[1]>) =>
      Object.fromEntries(
        moduleStates(['xt_u32', 'nft_queue', 'ip_gre', 'br_netfilter'], {
          ...{ loaded: new Set(['xt_u32']), loadable: undefined, config: '' },
          ...kernel,
        }),
      );
    expect(states({})).toEqual({ xt_u32: 'loaded', nft_queue: 'unknown', ip_gre: 'unknown', br_netfilter: 'unknown' });
    expect(states({ config })).toEqual({
      ...{ xt_u32: 'loaded', nft_queue: 'missing', ip_gre: 'unknown', br_netfilter: 'built-in' },
    });
    expect(states({ loadable: new Set(['ip_gre']) })).toEqual({
      ...{ xt_u32: 'loaded', nft_queue: 'missing', ip_gre: 'available', br_netfilter: 'missing' },
    });
  });
});
