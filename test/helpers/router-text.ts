/** Everything that a tunnel could leave behind on a router, as text: what two moments are compared by. */
import type { Namespace } from './netns.js';
import { shown } from './shown.js';

/** Lines of shell. `ip -d link` shows a bridge's timers, but before and after a tunnel there is no bridge. */
const SHOWN = {
  link: 'ip -d link',
  address: 'ip address',
  rule: 'ip rule',
  route: 'ip route show table all',
  states: 'ip xfrm state',
  policies: 'ip xfrm policy',
  legacy: 'iptables-legacy-save',
  iptables: 'iptables-nft-save',
  nft: 'nft list ruleset',
  rule6: 'ip -6 rule',
  route6: 'ip -6 route show table all | sort',
  segments: 'ip sr tunsrc show',
  vrf: "grep -r '' /proc/sys/net/vrf | sort",
  bridge: "grep -r '' /proc/sys/net/bridge | sort",
  ipv4: "grep -r '' /proc/sys/net/ipv4 | sort",
};

/** Lines and figures that no two moments share, each with its reason. */
const UNLIKE: [RegExp, string][] = [
  // A device that has just been made finds its carrier a moment later, whatever else happens.
  [/NO-CARRIER,|,LOWER_UP| state \w+| linkdown/g, ''],
  // iptables-save says when it was run.
  [/^#.*$/gm, ''],
  // Packets and bytes that a chain or rule has seen.
  [/\[\d+:\d+\]/g, ''],
  [/packets \d+ bytes \d+/g, ''],
];

/** By what it was read with; empty texts stay in, so that a tool which says nothing any more shows. */
export async function routerText(at: Namespace): Promise<Record<string, string>> {
  const texts = Object.entries(await shown(at, SHOWN));
  return Object.fromEntries(
    texts.map(([name, text]) => [name, UNLIKE.reduce((left, [pattern, by]) => left.replace(pattern, by), text).trim()]),
  );
}
