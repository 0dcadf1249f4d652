/** Devices that IPv4 is routed into, behind a LAN of 1500 bytes. */
import type { Case } from './cases.js';
import type { Device } from '../../../src/doctor/machine.js';
import { type Change, NOT_READ, device, saved, sysctls } from './machine.js';

const ENDS = { local: '192.0.2.1', remote: '198.51.100.1' };
const FORWARDS = sysctls({ 'net/ipv4/ip_forward': '1' });

/** A router with one LAN and one tunnel device, over a path of 1500 bytes. */
function routed(kind: string, mtu: number, data: Record<string, unknown> = {}, ...changes: Change[]): Change {
  const tunnel = device('tun1', { kind, mtu, data });
  const devices = { known: [device('lan0'), device('wan0'), tunnel, device('off', { up: false, mtu: 9000 })] };
  const paths = new Map([[ENDS.remote, { known: { dev: 'wan0', mtu: 1500 } }]]);
  return Object.assign({ devices, paths }, FORWARDS, ...changes) as Change;
}

const gre = (mtu: number, flags: Record<string, unknown> = {}, ...changes: Change[]): Change =>
  routed('gre', mtu, { ...ENDS, ...flags }, ...changes);
const FORWARDS6 = sysctls({ 'net/ipv6/conf/all/forwarding': '1' });
const sit = (mtu: number, data: Record<string, unknown> = {}, ...changes: Change[]): Change =>
  routed('sit', mtu, { ...ENDS, ...data }, FORWARDS6, ...changes);
const path = (mtu: number): Change => ({ paths: new Map([[ENDS.remote, { known: { dev: 'wan0', mtu } }]]) });
const IGNORES = { ignore_df: true, pmtudisc: false };
const OWN = 'mangle -A PREROUTING -i lan0 -m comment --comment clear-df:default -j NFQUEUE --queue-num 0';

export const ROUTED: Case[] = [
  ['routed', gre(1476), 'ok', /more than 1476 bytes are refused.* --in-dev lan0 --larger-than mtu --out-dev tun1$/],
  [
    'routed',
    gre(1500),
    'wrong',
    /MTU is 1500, but 1476 bytes fit/,
    /^ip link change tun1 type gre .*nopmtudisc ignore-df$/,
  ],
  ['routed', gre(1500, { okey: '0.0.0.5' }), 'wrong', /but 1472 bytes fit/],
  ['routed', gre(1500, { ttl: 64 }), 'wrong', /refused all the same/, /ttl inherit nopmtudisc ignore-df$/],
  ['routed', gre(1476, IGNORES), 'wrong', /ignore-df, but an MTU of 1476/, /^ip link set tun1 mtu 1500$/],
  ['routed', gre(1500, IGNORES), 'ok', /carries 1500 bytes, and no device/],
  ['routed', gre(1500, {}, saved(OWN)), 'ok', /mangle PREROUTING feeds.*clears DF before/],
  ['routed', gre(1500, {}, saved(OWN.replace('clear-df:default', 'mine'))), 'wrong', /refused all the same/],
  [
    'routed',
    gre(1500, {}, { fastPaths: { known: [{ device: 'lan0', direction: 'ingress', name: 'a' }] } }),
    'ok',
    /ingress of lan0/,
  ],
  ['routed', gre(1500, {}, { saves: new Map([['iptables-nft', NOT_READ]]) }), 'unknown', /could not be read/],
  ['routed', gre(1476, {}, sysctls({ 'net/ipv4/ip_forward': '0' })), 'ok', /nothing is forwarded/],
  ['routed', routed('ipip', 1480, ENDS), 'ok', /more than 1480 bytes/],
  ['routed', routed('ipip', 1500, ENDS), 'wrong', /but 1480 bytes fit/, /^ip link set tun1 mtu 1480$/],
  ['routed', routed('wireguard', 1420), 'ok', /more than 1420 bytes.* --in-dev DEV /],
  ['routed', routed('wireguard', 1500), 'ok', /carries 1500 bytes, and no device/],
  ['routed', routed('tun', 1400, { type: 'tun' }), 'ok', /more than 1400 bytes/],
  ['routed', routed('xfrm', 1438), 'ok', /more than 1438 bytes/],
  // IPv6 in IPv4.
  [
    'routed',
    sit(1480),
    'ok',
    /more than 1480.*told \(ICMPv6 packet too big\).*: ip link change tun1 type sit .* nopmtudisc && ip -6 route flush cache && ip link set tun1 mtu 1500$/,
  ],
  ['routed', sit(1480, { pmtudisc: false }), 'ok', /hosts do not hear that: ip link set tun1 mtu 1500$/],
  ['routed', sit(1500, { pmtudisc: false }), 'ok', /carries 1500 bytes, and no device/],
  [
    'routed',
    sit(1500),
    'wrong',
    /1480 bytes fit the path, and pmtudisc.*told of 1480/,
    /^ip link change tun1 type sit local 192.0.2.1 remote 198.51.100.1 nopmtudisc && ip -6 route flush cache$/,
  ],
  ['routed', sit(1500, { ttl: 64 }), 'wrong', /1480 bytes/, / ttl inherit nopmtudisc && ip -6 route flush cache$/],
  ['routed', sit(1500, {}, path(1200)), 'wrong', /but 1280 bytes fit/],
  ['routed', sit(1500, {}, path(1520)), 'ok', /carries 1500 bytes/],
  ['routed', sit(1500, {}, { paths: new Map([[ENDS.remote, NOT_READ]]) }), 'ok', /carries 1500 bytes/],
  ['routed', sit(1500, {}, FORWARDS), 'ok', /nothing is forwarded here \(net\.ipv6/],
  ['routed', sit(1480, { remote: 'any' }), 'unknown', /no far end of its own/],
  // It is no LAN that larger packets of IPv4 come from.
  ['routed', beside(device('sit1', { kind: 'sit', mtu: 1480, data: ENDS })), 'ok', /no device has a larger MTU/],
];

/** A gre of 1400 bytes with nothing but this beside it. */
function beside(other: Device): Change {
  const devices = [device('tun1', { kind: 'gre', mtu: 1400, data: ENDS }), other];
  return { devices: { known: devices }, ...FORWARDS };
}
