/** Site files with `fragment: inner`, each wrong in one way. See `tunnel-wrong-sites.ts`. */
import type { WrongSite } from './tunnel-wrong-sites.js';

/** Lines 1 to 5; line 6 follows. */
const HEAD = 'local: 192.168.200.1\nremote: 172.16.0.1\nunderlay: eth1\nbridge: { ports: [eth0] }\nfragment: inner\n';

const refused = (title: string, text: string, line: number, key: string, ...words: string[]): WrongSite => ({
  ...{ title, text, line, key, words, code: 'USAGE' },
});

export const WRONG_FRAGMENTS: WrongSite[] = [
  refused('a cut nobody knows', HEAD.replace('inner', 'both'), 5, 'fragment', "'both'", 'outer or inner'),
  refused(
    'a cut before L2TPv3',
    `${HEAD}tunnel: { type: l2tp }\n`,
    5,
    'fragment',
    'fragment header, also those that fit',
  ),
  refused('a cut before WireGuard', `${HEAD}carrier: tun\n`, 5, 'fragment', 'inside the packets of the VPN'),
  refused(
    'a cut before a VTI',
    `${HEAD}carrier: { type: vti, keys: k }\n`,
    5,
    'fragment',
    'GRE is cut before it is encrypted',
  ),
  refused(
    'a cut before an XFRM interface',
    `${HEAD}carrier: { type: xfrm-interface, keys: k }\n`,
    5,
    'fragment',
    'with carrier xfrm-interface',
  ),
  refused(
    'a program behind the cut',
    `${HEAD}engine: bpf\n`,
    6,
    'engine',
    'bpf does not go with fragment: inner',
    'behind the bridge',
  ),
  refused('a flag for what is too large', `${HEAD}engine: tunnel-flag\n`, 6, 'engine', 'nothing too large comes there'),
  refused('a hook that does not cut', `${HEAD}hook: nft-bridge\n`, 6, 'hook', 'it is br_netfilter that cuts'),
  refused(
    'DF outside that is cleared',
    `${HEAD}tunnel: { pmtudisc: true }\n`,
    6,
    'tunnel.pmtudisc',
    'which fragment: inner is to prevent',
  ),
];
