/** The one rule of the router that a contender needs. */
import { DF_SET, MAIN } from '../../test/helpers/clear-df.js';
import type { Namespace } from '../../test/helpers/netns.js';

export type Rule =
  | { kind: 'none' }
  /** Hands packets to queues from 0 on. */
  | { kind: 'queue'; takes: Taken; queues: number }
  /** Finds packets with DF set and lets them pass. */
  | { kind: 'prefilter' }
  /** Clears DF in the kernel. */
  | { kind: 'nft' }
  /** No rule, but clear-df's program where packets leave, and no process. */
  | { kind: 'fast-path' };

/** Those with DF set; of these, TCP with identification 0, which is what the fast path leaves to a queue; or all. */
export type Taken = 'df' | 'df-unnumbered' | 'all';

const MATCHES: Record<Taken, readonly string[]> = {
  df: DF_SET,
  'df-unnumbered': ['-p', 'tcp', '-m', 'u32', '--u32', '4&0xffff4000=0x4000'],
  all: [],
};

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
    case 'fast-path':
      await fastPath(router, 'attach');
      return;
    case 'prefilter':
      await append(router, [...DF_SET, '-j', 'ACCEPT']);
      return;
    case 'queue': {
      const { queues } = rule;
      const target = queues === 1 ? ['--queue-num', '0'] : ['--queue-balance', `0:${queues - 1}`];
      await append(router, [...MATCHES[rule.takes], '-j', 'NFQUEUE', ...target, '--queue-bypass']);
    }
  }
}

async function append(router: Namespace, words: string[]): Promise<void> {
  await router.exec('iptables', ['-t', 'mangle', '-A', 'PREROUTING', '-i', 'eth0', ...words]);
}

/** clear-df's own program at the device that packets leave by. */
async function fastPath(router: Namespace, what: 'attach' | 'detach'): Promise<void> {
  await router.exec(process.execPath, [MAIN, 'fast-path', what, 'eth1', '--name', TABLE]);
}

/** Takes it out again. */
export async function removeRule(router: Namespace, rule: Rule): Promise<void> {
  if (rule.kind === 'none') return;
  if (rule.kind === 'nft') await router.exec('nft', ['delete', 'table', 'ip', TABLE]);
  else if (rule.kind === 'fast-path') await fastPath(router, 'detach');
  else await router.exec('iptables', ['-t', 'mangle', '-F', 'PREROUTING']);
}
