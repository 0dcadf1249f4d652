/** The kernel, its modules, tools and rights. */
import { type Case, MASKED, yes, no, maybe } from './cases.js';
import { type Change, nft } from './machine.js';

const withModules = (states: Record<string, 'missing' | 'unknown' | 'available' | 'loaded'>): Change => ({
  modules: new Map(Object.entries(states)),
});

export const KERNEL: Case[] = [
  ['version', {}, 'ok', /6\.12/],
  ['version', { kernel: '4.19.0' }, 'unknown', /older than 5\.10/],
  ['version', { kernel: 'next' }, 'unknown', /no kernel version/],
  ['end-dt4', {}, 'ok', /yes: since 5\.11/],
  ['end-dt4', { kernel: '5.10.0-30' }, 'ok', /no: it needs 5\.11/],
  ['end-dt4', { kernel: 'next' }, 'unknown', /not known/],
  ['nft-clears-df', { can: { nftBridgeQueue: yes, nftClearsDf: no('7.2') } }, 'ok', /^no rule relies/],
  ['nft-clears-df', { nftJson: { unknown: 'nft is not installed' } }, 'unknown', /not installed/],
  ['nft-clears-df', nft({ expr: MASKED }), 'ok', /yes: a packet/],
  [
    'nft-clears-df',
    { can: { nftBridgeQueue: yes, nftClearsDf: no('7.2') }, ...nft({ expr: MASKED }) },
    'wrong',
    /ip t c handle 4/,
    /--install-rules/,
  ],
  [
    'nft-clears-df',
    { can: { nftBridgeQueue: yes, nftClearsDf: maybe('no root') }, ...nft({ expr: MASKED }) },
    'unknown',
    /no root/,
  ],
  ['nft-bridge-queue', {}, 'ok', /yes/],
  ['nft-bridge-queue', { can: { nftClearsDf: yes, nftBridgeQueue: no('7.2') } }, 'ok', /no rule relies/],
  [
    'nft-bridge-queue',
    {
      can: { nftClearsDf: yes, nftBridgeQueue: no('7.2') },
      ...nft({ family: 'bridge', hook: 'forward', expr: [{ queue: { num: 3 } }] }),
    },
    'wrong',
    /bridge t c/,
    /--queue 3/,
  ],
  ['nft-bridge-queue', { can: { nftClearsDf: yes, nftBridgeQueue: maybe('6.18') } }, 'unknown', /6\.18/],
  ['rights', {}, 'ok', /held/],
  ['rights', { netAdmin: 'no' }, 'unknown', /not held/, /sudo/],
  ['rights', { netAdmin: 'unknown' }, 'unknown', /does not show it/],
  ['tools', { tools: new Map([['ip', { state: 'present', version: 'iproute2-6.1' }]]) }, 'ok', /iproute2-6\.1/],
  [
    'tools',
    { tools: new Map([['ip', { state: 'missing', install: 'apt-get install iproute2' }]]) },
    'wrong',
    /not installed/,
    /apt-get install iproute2/,
  ],
  [
    'tools',
    {
      tools: new Map([
        ['nft', { state: 'missing', install: 'apt-get install nftables' }],
        ['iptables', { state: 'missing', install: 'apt-get install iptables' }],
      ]),
    },
    'wrong',
    /not installed/,
    /nftables/,
  ],
  [
    'tools',
    {
      tools: new Map([
        ['nft', { state: 'missing', install: 'apt-get install nftables' }],
        ['iptables', { state: 'unknown' }],
      ]),
    },
    'unknown',
    /its rules are not known/,
    /nftables/,
  ],
  ['modules', withModules({ nfnetlink_queue: 'missing' }), 'wrong', /not in this kernel/, /boot a kernel/],
  ['modules', withModules({}), 'unknown', /neither loaded/],
];

/** Cases that are about one module among several: by its name. */
export const MODULES: Case[] = [
  ['nfnetlink_queue', withModules({ nfnetlink_queue: 'available' }), 'ok', /can be loaded/],
  ['xt_NFQUEUE', withModules({ xt_NFQUEUE: 'missing', nft_queue: 'loaded' }), 'ok', /nft_queue is/],
  [
    'xt_NFQUEUE',
    withModules({ xt_NFQUEUE: 'missing', nft_queue: 'missing' }),
    'wrong',
    /not in this kernel/,
    /xt_NFQUEUE/,
  ],
  [
    'nft_queue',
    withModules({ nft_queue: 'missing', xt_NFQUEUE: 'missing' }),
    'wrong',
    /not in this kernel/,
    /nft_queue/,
  ],
  ['ip_gre', withModules({ ip_gre: 'missing' }), 'ok', /no gretap tunnel/],
  ['br_netfilter', withModules({ br_netfilter: 'missing' }), 'ok', /through nft only/],
  ['xt_u32', withModules({ xt_u32: 'unknown' }), 'unknown', /neither/],
];
