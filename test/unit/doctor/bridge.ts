/** Bridged frames on their way through iptables. */
import { type Case, INNER, CALLS, noSaves } from './cases.js';
import { type Change, NOT_READ, bridged, device, nft, saved, sysctls } from './machine.js';

const DOES_NOT_CALL = sysctls({ 'net/bridge/bridge-nf-call-iptables': '0' });
const iif = (key: string) => ({ match: { op: '==', left: { meta: { key } }, right: 'br0' } });
const except = { match: { op: '!=', left: { meta: { key: 'iifname' } }, right: 'br0' } };

const DROP = saved('filter :FORWARD DROP [0:0]');
const DROP_NFT = nft({ family: 'inet', hook: 'forward', policy: 'drop' });
const TAGGED: Change = {
  devices: { known: [device('br0', { kind: 'bridge', data: { vlan_filtering: 1, nf_call_iptables: 1 } })] },
};
const drops = (...rules: string[]) => ({ ...bridged(), ...CALLS, ...saved('filter :FORWARD DROP [0:0]', ...rules) });

export const BRIDGE: Case[] = [
  ['devices', { devices: NOT_READ }, 'unknown', /could not be read/],
  ['bridge-nf', {}, 'ok', /no bridge/],
  ['bridge-nf', bridged(), 'ok', /off, and no rule/],
  [
    'bridge-nf',
    { ...bridged(), ...saved(`mangle ${INNER}`), ...DOES_NOT_CALL },
    'wrong',
    /never see a frame/,
    /^sysctl -w net\.bridge/,
  ],
  [
    'bridge-nf',
    { ...bridged(), ...saved(`mangle ${INNER}`) },
    'wrong',
    /br_netfilter is not loaded/,
    /^modprobe br_netfilter && sysctl/,
  ],
  ['bridge-nf', { ...bridged(), ...saved(`mangle ${INNER}`), ...CALLS }, 'ok', /see bridged frames: 1$/],
  ['bridge-nf', { ...TAGGED, ...saved(`mangle ${INNER}`), ...DOES_NOT_CALL }, 'ok', /see bridged frames/],
  [
    'bridge-nf',
    { ...bridged(), ...saved(`mangle ${INNER.replace('FORWARD', 'PREROUTING')}`), ...CALLS },
    'wrong',
    /never matches/,
    /mangle FORWARD/,
  ],
  ['forward-policy', { ...bridged(), ...DROP, ...DOES_NOT_CALL }, 'ok', /do not pass iptables/],
  [
    'forward-policy',
    drops(),
    'wrong',
    /between the ports of br0 are dropped/,
    /^iptables-nft -I FORWARD -i br0 -o br0 -m physdev --physdev-is-bridged -j ACCEPT$/,
  ],
  ['forward-policy', drops('filter -A FORWARD -i eth0 -j ACCEPT'), 'wrong', /dropped/, /-I FORWARD/],
  ['forward-policy', { ...TAGGED, ...DROP, ...DOES_NOT_CALL }, 'wrong', /dropped/, /-I FORWARD/],
  [
    'forward-policy',
    {
      ...bridged(),
      ...CALLS,
      ...saved('filter :FORWARD ACCEPT [0:0]', 'filter -A FORWARD -j REJECT --reject-with icmp-port-unreachable'),
    },
    'wrong',
    /end with -A FORWARD -j REJECT/,
    /-I FORWARD/,
  ],
  [
    'forward-policy',
    { ...bridged(), ...CALLS, ...DROP_NFT },
    'wrong',
    /policy is drop/,
    /^nft -ae .insert rule inet t c iifname "br0"/,
  ],
  ['forward-policy', { ...bridged(), ...CALLS, saves: noSaves }, 'unknown', /could not be read/],
  ['forward-policy', drops('filter -A FORWARD -i br0 -p tcp -j ACCEPT'), 'unknown', /depends/, /-I FORWARD/],
  [
    'forward-policy',
    {
      ...bridged(),
      ...CALLS,
      ...nft({ family: 'inet', hook: 'forward', policy: 'drop', expr: [iif('iifname'), { accept: null }] }),
    },
    'unknown',
    /handle 4 is enough/,
  ],
  [
    'forward-policy',
    {
      ...bridged(),
      ...CALLS,
      ...nft({ family: 'inet', hook: 'forward', policy: 'drop', expr: [except, { accept: null }] }),
    },
    'unknown',
    /handle 4 is enough/,
  ],
  ['vlan', bridged(), 'ok', /VLAN filtering is off/],
  ['vlan', TAGGED, 'ok', /no iptables rule queues/],
  ['vlan', { ...TAGGED, ...saved(`mangle ${INNER}`) }, 'wrong', /with a tag do not reach/, /filter-vlan-tagged=1/],
  [
    'vlan',
    { ...TAGGED, ...saved(`mangle ${INNER}`), ...sysctls({ 'net/bridge/bridge-nf-filter-vlan-tagged': '1' }) },
    'ok',
    /sees tagged/,
  ],
  ['conntrack', bridged(), 'ok', /they stay fragments/],
  [
    'conntrack',
    {
      ...bridged(),
      ...nft({
        family: 'bridge',
        hook: 'forward',
        expr: [{ match: { op: 'in', left: { ct: { key: 'state' } }, right: 'new' } }],
      }),
    },
    'ok',
    /nft tracks/,
  ],
  [
    'conntrack',
    {
      ...bridged(),
      ...sysctls({ 'net/bridge/bridge-nf-call-iptables': '1', 'net/netfilter/nf_conntrack_count': '9' }),
    },
    'ok',
    /tracks 9 connections.*whole datagrams/,
  ],
  ['conntrack', { ...bridged(), nftJson: NOT_READ }, 'unknown', /not known/],
];

/** Cases in which every line of the check is to be ok, so that the policy is not merely passed over. */
export const LET_THROUGH: Change[] = [
  drops('filter -A FORWARD -m physdev --physdev-is-bridged -j ACCEPT'),
  drops('filter -A FORWARD -j ACCEPT'),
  drops('filter -A FORWARD -i br0 -o br0 -j ACCEPT'),
  drops('filter -A FORWARD -i br0 -o br0 -m physdev  --physdev-is-bridged -j ACCEPT'),
  {
    ...bridged(),
    ...CALLS,
    ...nft({
      family: 'inet',
      hook: 'forward',
      policy: 'drop',
      expr: [iif('iifname'), iif('oifname'), { accept: null }],
    }),
  },
];
