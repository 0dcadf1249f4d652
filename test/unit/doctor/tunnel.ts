/** gretap devices. */
import { type Case, CALLS, INNER, OUTER, MASKED, yes, no, maybe, noSaves, tunnel } from './cases.js';
import type { Device } from '../../../src/doctor/machine.js';
import { type Change, NOT_READ, bridged, device, nft, saved } from './machine.js';

const ah = (source: string, destination: string): Change => ({
  transforms: { known: [{ source, destination, protocol: 'ah' }] },
});
const esp: Change = { transforms: { known: [{ source: '192.0.2.1', destination: '198.51.100.1', protocol: 'esp' }] } };
const roomy: Change = { paths: new Map([['198.51.100.1', { known: { dev: 'eth1', mtu: 1538 } }]]) };
const nearlyRoomy: Change = { paths: new Map([['198.51.100.1', { known: { dev: 'eth1', mtu: 1537 } }]]) };
const inKernel = nft({ family: 'bridge', hook: 'forward', expr: MASKED });

const ROUTED = saved('mangle -A FORWARD -j NFQUEUE --queue-num 0');
const leaving = (right: unknown, op = '==') => ({ match: { op, left: { meta: { key: 'oifname' } }, right } });
const toBridgeQueue = (...matches: unknown[]) =>
  nft({ family: 'bridge', hook: 'forward', expr: [...matches, { queue: { num: 0 } }] });
const byHash = nft({ family: 'bridge', hook: 'forward', expr: [{ queue: { num: { symhash: { mod: 4 } } } }] });

/** gretap1 with 1458 bytes, what fits one outer packet, and a bridge that has followed it. */
const cutBefore = (br0: Partial<Device>, ...changes: Change[]): Change => {
  const { devices } = bridged({}, { mtu: 1458 });
  if (devices === undefined || 'unknown' in devices) throw new Error('there are no devices');
  const all = devices.known.map((one) => (one.name === 'br0' ? { ...one, mtu: 1458, ...br0 } : one));
  return Object.assign({}, bridged(), { devices: { known: all } }, ...changes) as Change;
};

const PROGRAM: Change = { fastPaths: { known: [{ device: 'gretap1', direction: 'egress', name: 'a' }] } };

const ALONE = { master: undefined };

/** An l2tpeth says no kind. */
const L2TP = device('l2tp1', { kind: undefined, master: 'br0', mtu: 1458 });

export const TUNNEL: Case[] = [
  ['devices', {}, 'ok', /there is none/],
  ['devices', { devices: NOT_READ }, 'unknown', /could not be read/],
  ['mtu', tunnel({}), 'ok', /no port of br0 has more/],
  ['mtu', bridged({}, { mtu: 1462 }), 'wrong', /ports of br0 have 1500/, /^ip link set gretap1 mtu 1500$/],
  // Smaller is right where the bridge cuts before the tunnel: iptables sees its frames, and a queue those for the port.
  ['mtu', cutBefore({}, saved(`mangle ${INNER}`), CALLS), 'ok', /queues larger IPv4 frames before it, and br0 cuts/],
  ['mtu', cutBefore({}, saved(`mangle ${INNER}`)), 'wrong', /larger frames are dropped/, /mtu 1500$/],
  ['mtu', cutBefore({}, CALLS), 'wrong', /larger frames are dropped/, /mtu 1500$/],
  ['mtu', cutBefore({}, toBridgeQueue(), CALLS), 'wrong', /larger frames are dropped/],
  ['mtu', cutBefore({}, { saves: noSaves }, CALLS), 'unknown', /could not be read/],
  [
    'mtu',
    cutBefore({ mtu: 1500 }, saved(`mangle ${INNER}`), CALLS),
    'wrong',
    /br0 has an MTU of 1500: it cuts larger frames into pieces of that/,
    /^ip link set br0 mtu 1458$/,
  ],
  [
    'mtu',
    { devices: { known: [device('br0', { kind: 'bridge' }), device('eth0', { master: 'br0' }), L2TP] } },
    'wrong',
    /1458, but other ports of br0 have 1500/,
    /^ip link set l2tp1 mtu 1500, if what is behind l2tp1 takes that$/,
  ],
  ['full-size', tunnel({ ignore_df: true }), 'ok', /fragmented outside/],
  ['full-size', bridged({}, { txErrors: 41 }), 'wrong', /1538 bytes.*dropped silently.*41/, /nopmtudisc ignore-df$/],
  ['full-size', tunnel({}, roomy), 'ok', /fit the path/],
  ['full-size', tunnel({}, nearlyRoomy), 'wrong', /exceed the path's MTU of 1537/, /ignore-df/],
  ['full-size', tunnel({ okey: '0.0.0.5' }, roomy), 'wrong', /1542 bytes/, /ignore-df/],
  ['full-size', tunnel({}, saved(`mangle ${INNER}`)), 'ok', /queues them before/],
  ['full-size', tunnel({}, inKernel), 'ok', /clears DF before/],
  ['full-size', tunnel({}, PROGRAM), 'ok', /a program at its egress \(clear-df:a\) clears DF/],
  [
    'full-size',
    tunnel({}, inKernel, { can: { nftBridgeQueue: yes, nftClearsDf: no('7.2') } }),
    'wrong',
    /whether this kernel lets it: no/,
    /ignore-df/,
  ],
  [
    'full-size',
    tunnel({}, inKernel, { can: { nftBridgeQueue: yes, nftClearsDf: maybe('') } }),
    'unknown',
    /lets it: unknown/,
  ],
  // Rules of which it is not known whether they see what leaves by gretap1, and such as surely do or do not.
  ['full-size', tunnel({}, saved(`mangle ${INNER.replace('--physdev-out', '! --physdev-out')}`)), 'unknown', /depends/],
  ['full-size', tunnel({}, saved(`mangle ${INNER.replace('FORWARD', 'MINE')}`)), 'unknown', /mangle MINE queues/],
  ['full-size', tunnel({}, saved(`mangle ${INNER.replace('gretap1', 'gre+')}`)), 'ok', /queues them before/],
  ['full-size', tunnel({}, saved(`mangle ${INNER.replace('gretap1', 'eth+')}`)), 'wrong', /dropped silently/],
  ['full-size', tunnel({}, ROUTED), 'wrong', /dropped silently/],
  ['full-size', tunnel({}, ROUTED, CALLS), 'unknown', /mangle FORWARD queues.*depends/],
  [
    'full-size',
    tunnel({}, saved(`mangle ${OUTER.replace('OUTPUT', 'POSTROUTING')}`), CALLS),
    'wrong',
    /dropped silently/,
  ],
  ['full-size', tunnel({}, toBridgeQueue()), 'ok', /queues them before/],
  ['full-size', tunnel({}, toBridgeQueue(leaving('gre*'))), 'ok', /queues them before/],
  ['full-size', tunnel({}, toBridgeQueue(leaving({ set: ['eth0', 'gretap1'] }))), 'ok', /queues them before/],
  ['full-size', tunnel({}, toBridgeQueue(leaving('eth0'))), 'wrong', /dropped silently/],
  ['full-size', tunnel({}, toBridgeQueue(leaving('@ports'))), 'unknown', /depends/],
  ['full-size', tunnel({}, toBridgeQueue(leaving('gretap1', '!='))), 'unknown', /depends/],
  ['full-size', tunnel({}, byHash), 'unknown', /handle 4 of bridge t c finds its queue in a form/],
  ['full-size', tunnel({}, { paths: new Map() }), 'unknown', /not known/],
  ['full-size', tunnel({}, { saves: noSaves }), 'unknown', /could not be read/],
  ['outer-df', tunnel({}), 'ok', /nopmtudisc/],
  ['outer-df', tunnel({ pmtudisc: true }, saved(`mangle ${INNER}`)), 'wrong', /pmtudisc sets it/, /nopmtudisc$/],
  ['outer-df', tunnel({ pmtudisc: true }, saved(`mangle ${OUTER}`)), 'ok', /queues it/],
  [
    'outer-df',
    tunnel({ pmtudisc: true }, saved('mangle -A OUTPUT -j MINE', 'mangle -A MINE -j NFQUEUE --queue-num 0')),
    'unknown',
    /mangle MINE depends on the jumps/,
  ],
  ['outer-df', tunnel({ pmtudisc: true }, { saves: noSaves }), 'unknown', /could not be read/],
  ['ttl', tunnel({}), 'ok', /inherited/],
  ['ttl', tunnel({ ttl: 64, pmtudisc: true }), 'wrong', /fixed to 64/, /ttl inherit nopmtudisc$/],
  ['ttl', tunnel({ ttl: 64 }), 'ok', /nopmtudisc holds/],
  ['seq', tunnel({}), 'ok', /none/],
  ['seq', tunnel({ iseq: true }), 'wrong', /^iseq:/, /noseq/],
  ['seq', tunnel({ oseq: true }), 'wrong', /^oseq:/, /noseq/],
  ['csum', tunnel({}), 'ok', /none/],
  ['csum', tunnel({ ocsum: true }), 'ok', /4 bytes more/],
  ['ah', tunnel({}, esp), 'ok', /none/],
  ['ah', tunnel({}, ah('192.0.2.1/32', '198.51.100.1/32')), 'wrong', /signs the identification/, /use ESP/],
  ['ah', tunnel({}, ah('192.0.2.9', '198.51.100.9')), 'ok', /none/],
  ['ah', tunnel({}, { transforms: NOT_READ }), 'unknown', /could not be read/],
  // Devices of other kinds, of MTU 1500 over one of 1500, as ports of a bridge.
  [
    'full-size',
    other('vxlan', { df: 'unset' }),
    'wrong',
    /1550 bytes.*frag-needed.*df unset/,
    /fast-path attach gretap1, or clear-df/,
  ],
  ['full-size', other('geneve', {}), 'wrong', /a Geneve device drops them/, /--hook bridge --out-dev gretap1/],
  ['full-size', other('vxlan', { df: 'set' }), 'wrong', /df set: a VXLAN sets DF/, /make it anew/],
  ['full-size', other('vxlan', {}, { mtu: 1450 }), 'ok', /1500 bytes outside fit/],
  ['mtu', other('vxlan', {}, { mtu: 1450 }), 'wrong', /ports of br0 have 1500: larger frames are dropped/, /mtu 1500$/],
  ['full-size', other('vxlan', {}, {}, saved(`mangle ${INNER}`)), 'ok', /queues them before/],
  ['full-size', other('vxlan', {}, {}, PROGRAM), 'ok', /a program at its egress/],
  // The uplink is a port of another bridge, or is down.
  ['full-size', uplink({ master: 'vmbr0' }, device('vmbr0', { kind: 'bridge' })), 'wrong', /1550 bytes/, /fast-path/],
  ['full-size', uplink({ up: false }), 'unknown', /no device is up that they could leave by/],
  ['full-size', other('vxlan', { local6: '2001:db8::1' }), 'wrong', /over IPv6 refuses/, /type: l2tp/],
  ['full-size', other('geneve', { remote: '2001:db8::1' }, {}, PROGRAM), 'wrong', /over IPv6 refuses/, /type: l2tp/],
  ['full-size', other('ip6gretap', {}), 'wrong', /an ip6gretap over IPv6/, /type: l2tp/],
  [
    'full-size',
    erspan({}, { txErrors: 41 }),
    'wrong',
    /1550 bytes.*nothing clears DF before.*silently \(TX errors of gretap1: 41\)/,
    /^clear-df fast-path attach gretap1, or clear-df --queue 0 .*; or make it anew with nopmtudisc ignore-df/,
  ],
  ['full-size', erspan({ erspan_ver: 0 }), 'wrong', /1538 bytes/, /^ip link change gretap1 type erspan .* ignore-df$/],
  ['full-size', erspan({ erspan_ver: 0, pmtudisc: true }), 'wrong', /pmtudisc/, /^ip link change .* ignore-df$/],
  ['full-size', erspan({ erspan_ver: 0, ignore_df: true }, { txErrors: 3 }), 'ok', /fragmented outside/],
  ['full-size', erspan({ erspan_ver: 2 }), 'wrong', /1554 bytes/, /make it anew/],
  ['full-size', erspan({ erspan_ver: undefined }), 'unknown', /does not print erspan_ver/],
  ['full-size', erspan({ erspan_ver: undefined, ignore_df: true }), 'ok', /fragmented outside/],
  ['full-size', erspan({ pmtudisc: true }, {}, PROGRAM), 'wrong', /pmtudisc, the default, sets DF/, /^make it anew/],
  ['full-size', erspan({}, {}, PROGRAM), 'ok', /a program at its egress/],
  ['full-size', erspan({}, {}, saved(`mangle ${INNER}`)), 'ok', /queues them before/],
  ['full-size', erspan({}, {}, { saves: noSaves }), 'unknown', /could not be read/],
  ['full-size', erspan({}, {}, { paths: new Map() }), 'unknown', /not known/],
  ['full-size', erspan({}, { mtu: 1450 }), 'ok', /1500 bytes outside fit the path/],
  ['mtu', erspan({}, { mtu: 1450 }), 'wrong', /ports of br0 have 1500/, /^ip link set gretap1 mtu 1500$/],
  ['full-size', erspan({ ignore_df: true }), 'ok', /fragmented outside/],
  ['full-size', erspan({ ignore_df: true }, { txErrors: 3 }), 'unknown', /gretap1: 3.*link change/, /make it anew/],
  // One that frames are mirrored to.
  ['full-size', erspan({}, { ...ALONE, mtu: 1450 }), 'ok', /mirrored to it arrives truncated to 1450 bytes/],
  ['full-size', erspan({}, ALONE), 'wrong', /1550 bytes/, /^clear-df fast-path attach gretap1; or make it anew/],
  ['full-size', erspan({}, ALONE, saved(`mangle ${INNER}`)), 'wrong', /1550 bytes/],
  ['full-size', erspan({}, ALONE, PROGRAM), 'ok', /a program at its egress/],
];

/** ERSPAN of type II. */
function erspan(data: Record<string, unknown>, parts: Partial<Device> = {}, change: Change = {}): Change {
  return { ...bridged({ erspan_ver: 1, ...data }, { kind: 'erspan', ...parts }), ...change };
}

function other(kind: string, data: Record<string, unknown>, parts = {}, change: Change = {}): Change {
  return { ...bridged({}, { kind, data, ...parts }), ...change };
}

/** A bridged VXLAN, with another eth1. */
function uplink(parts: Partial<Device>, ...more: Device[]): Change {
  const change = other('vxlan', {});
  const devices = change.devices !== undefined && 'known' in change.devices ? change.devices.known : [];
  return {
    ...change,
    devices: { known: [...devices.map((one) => (one.name === 'eth1' ? { ...one, ...parts } : one)), ...more] },
  };
}
