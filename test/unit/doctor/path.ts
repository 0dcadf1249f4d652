/** The path to the other end. */
import type { Device } from '../../../src/doctor/machine.js';
import { type Case } from './cases.js';
import { type Change, NOT_READ, bridged, device, sysctls } from './machine.js';

const learnt = (destination: string, dev: string): Change => ({
  learnt: { known: [{ destination, dev, mtu: 1462, expires: 599 }] },
});

const strict = sysctls({ 'net/ipv4/conf/eth0/rp_filter': '1', 'net/ipv4/conf/eth1/rp_filter': '1' });
const overVti = (change: Change): Change => ({
  devices: { known: [...(bridged().devices as { known: [] }).known, device('vti1', { kind: 'vti' })] },
  paths: new Map([['198.51.100.1', { known: { dev: 'vti1', mtu: 1480 } }]]),
  ...change,
});

const onVlan = (): Change => {
  const gretaps = (bridged().devices as { known: Device[] }).known.filter(({ kind }) => kind === 'gretap');
  return { devices: { known: [device('eth0.100', { kind: 'vlan' }), device('vti1', { kind: 'vti' }), ...gretaps] } };
};

const overGre = (ignoresDf: boolean): Change => ({
  devices: { known: [device('gre1', { kind: 'gre', data: { ignore_df: ignoresDf } })] },
  ...learnt('10.2.0.2', 'gre1'),
});

export const PATH: Case[] = [
  ['pmtu-cache', {}, 'ok', /none/],
  [
    'pmtu-cache',
    { ...bridged(), ...learnt('198.51.100.1', 'eth1') },
    'wrong',
    /far end of gretap1/,
    /^ip route flush cache$/,
  ],
  ['pmtu-cache', { ...bridged(), ...learnt('10.0.0.9', 'br0') }, 'wrong', /behind br0/, /flush cache/],
  ['pmtu-cache', { ...bridged(), ...learnt('203.0.113.9', 'eth1') }, 'ok', /neither/],
  ['pmtu-cache', overVti(learnt('198.51.100.1', 'vti1')), 'ok', /harmless/],
  ['pmtu-cache', overGre(true), 'wrong', /a host behind gre1, which takes packets of 1500/, /flush cache/],
  ['pmtu-cache', overGre(false), 'ok', /neither/],
  ['pmtu-cache', { learnt: NOT_READ }, 'unknown', /could not be read/],
  ['frag-fails', {}, 'ok', /FragFails 0/],
  ['frag-fails', { counters: NOT_READ }, 'unknown', /could not be read/],
  ['rp-filter', bridged(), 'ok', /no other device/],
  ['rp-filter', { ...bridged(), ...strict }, 'ok', /strict elsewhere|no other/],
  ['rp-filter', overVti(strict), 'unknown', /strict on eth1/, /rp_filter=2/],
  // In net.ipv4.conf.eth0.100 sysctl would take the last dot for a folder.
  [
    'rp-filter',
    overVti({ ...strict, ...sysctls({ 'net/ipv4/conf/eth0.100/rp_filter': '1' }), ...onVlan() }),
    'unknown',
    /strict on eth0\.100/,
    /^sysctl -w net\/ipv4\/conf\/eth0\.100\/rp_filter=2$/,
  ],
  ['rp-filter', { ...bridged(), paths: new Map() }, 'unknown', /not known/],
];
