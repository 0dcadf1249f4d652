/** What takes each command back that `doctor --fix` may run. */
import { describe, expect, it } from 'vitest';
import { changeGre } from '../../src/doctor/gre-device.js';
import {
  addVlan,
  callIptables,
  type Fix,
  fixText,
  insertIptables,
  insertNft,
  replaceNft,
  setMtu,
  setParameter,
  type Words,
} from '../../src/doctor/fix.js';
import { cutOutside } from '../../src/doctor/sit.js';
import { device } from './doctor/machine.js';

describe('what takes a fix back', () => {
  const sysctls = new Map([
    ['net/ipv4/conf/eth0.100/rp_filter', '1'],
    ['net/ipv4/ipfrag_max_dist', '4'],
  ]);
  const gretap = device('gretap1', {
    kind: 'gretap',
    data: { local: '192.0.2.1', remote: '192.0.2.2', ttl: 64, pmtudisc: true, iseq: true, oseq: true },
  });
  it.each<[string, Fix, string, string]>([
    [
      'a parameter',
      setParameter({ sysctls }, 'net/ipv4/ipfrag_max_dist', 64),
      'sysctl -w net.ipv4.ipfrag_max_dist=64',
      'sysctl -w net.ipv4.ipfrag_max_dist=4',
    ],
    [
      'a parameter of a VLAN',
      setParameter({ sysctls }, 'net/ipv4/conf/eth0.100/rp_filter', 2),
      'sysctl -w net/ipv4/conf/eth0.100/rp_filter=2',
      'sysctl -w net/ipv4/conf/eth0.100/rp_filter=1',
    ],
    [
      'a module',
      callIptables({ sysctls }, 'net/bridge/bridge-nf-call-iptables'),
      'modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1',
      'modprobe -r br_netfilter',
    ],
    ['an MTU', setMtu(device('g', { mtu: 1462 }), 1500), 'ip link set g mtu 1500', 'ip link set g mtu 1462'],
    [
      'a rule',
      insertIptables('iptables-nft', 'FORWARD', ['-i', 'br0', '-j', 'ACCEPT']),
      'iptables-nft -I FORWARD -i br0 -j ACCEPT',
      'iptables-nft -D FORWARD -i br0 -j ACCEPT',
    ],
    [
      'a rule of nft',
      insertNft('ip filter FORWARD', 'accept'),
      "nft -ae 'insert rule ip filter FORWARD accept'",
      "nft 'delete rule ip filter FORWARD handle 7'",
    ],
    [
      'a text of nft',
      replaceNft('ip t c', 4, 'ip id set 0', 'ip id set 1'),
      "nft 'replace rule ip t c handle 4 ip id set 1'",
      "nft 'replace rule ip t c handle 4 ip id set 0'",
    ],
    ['a VLAN', addVlan('gretap1', 5), 'bridge vlan add dev gretap1 vid 5', 'bridge vlan del dev gretap1 vid 5'],
    [
      'flags of a gretap',
      changeGre(gretap, 'nopmtudisc', 'ignore-df'),
      'ip link change gretap1 type gretap local 192.0.2.1 remote 192.0.2.2 nopmtudisc ignore-df',
      'ip link change gretap1 type gretap local 192.0.2.1 remote 192.0.2.2 pmtudisc noignore-df',
    ],
    [
      'a TTL',
      changeGre(gretap, 'ttl inherit', 'nopmtudisc'),
      'ip link change gretap1 type gretap local 192.0.2.1 remote 192.0.2.2 ttl inherit nopmtudisc',
      'ip link change gretap1 type gretap local 192.0.2.1 remote 192.0.2.2 ttl 64 pmtudisc',
    ],
    [
      'pmtudisc of a sit, and what it has learnt',
      cutOutside({ ...gretap, name: 'sit1', kind: 'sit' }),
      'ip link change sit1 type sit local 192.0.2.1 remote 192.0.2.2 ttl inherit nopmtudisc && ip -6 route flush cache',
      'ip link change sit1 type sit local 192.0.2.1 remote 192.0.2.2 ttl 64 pmtudisc',
    ],
    [
      'sequence numbers',
      changeGre(gretap, 'noseq'),
      'ip link change gretap1 type gretap local 192.0.2.1 remote 192.0.2.2 noseq',
      'ip link change gretap1 type gretap local 192.0.2.1 remote 192.0.2.2 iseq oseq',
    ],
  ])('%s', (_, fix, text, back) => {
    expect(fixText(fix)).toBe(text);
    const printed = fix.commands.map(() => 'insert rule ip filter FORWARD accept # handle 7\n');
    expect(fixText({ ...fix, commands: fix.undo(printed) as readonly Words[] })).toBe(back);
  });
});
