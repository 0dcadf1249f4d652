/** The one rule of the router that a contender needs. */
import { DF_SET } from '../../test/helpers/clear-df.js';
import type { Namespace } from '../../test/helpers/netns.js';

export type Rule =
  | { kind: 'none' }
  /** Hands packets to queues from 0 on: those with DF set, or all. */
  | { kind: 'queue'; prefilter: boolean; queues: number }
  /** Finds packets with DF set and lets them pass. */
  | { kind: 'prefilter' }
  /** Clears DF in the kernel. */
  | { kind: 'nft' };

const TABLE = 'bench';

const NFT = `table ip ${TABLE} {
  chain prerouting {
    type filter hook prerouting priority mangle; policy accept;
    iifname "eth0" ip frag-off & 0x4000 != 0 ip frag-off set ip frag-off & 0xbfff
  }
}
`;

/** Puts the rule in; the router has no other. */
export async function installRule(router: Namespace, rule: Rule): Promise<void> {
  switch (rule.kind) {
    case 'none':
      return;
    case 'nft':
      await router.feed(NFT, 'nft', ['-f', '-']);
      return;
    case 'prefilter':
      await append(router, [...DF_SET, '-j', 'ACCEPT']);
      return;
    case 'queue': {
      const { queues } = rule;
      const target = queues === 1 ? ['--queue-num', '0'] : ['--queue-balance', `0:${queues - 1}`];
      await append(router, [...(rule.prefilter ? DF_SET : []), '-j', 'NFQUEUE', ...target, '--queue-bypass']);
    }
  }
}

async function append(router: Namespace, words: string[]): Promise<void> {
  await router.exec('iptables', ['-t', 'mangle', '-A', 'PREROUTING', '-i', 'eth0', ...words]);
}

/** Takes it out again. */
export async function removeRule(router: Namespace, rule: Rule): Promise<void> {
  if (rule.kind === 'none') return;
  if (rule.kind === 'nft') await router.exec('nft', ['delete', 'table', 'ip', TABLE]);
  else await router.exec('iptables', ['-t', 'mangle', '-F', 'PREROUTING']);
}
