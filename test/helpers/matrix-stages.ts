/** What router A is made to do for the support matrix, stage by stage: `matrix.ts`. */
import type { Way } from '../../scripts/lab/matrix.js';
import { ROUTER_A, ROUTER_B } from './article.js';
import { type Daemon, startClearDf } from './clear-df.js';
import type { Namespace } from './netns.js';
import type { SiteOptions } from './tunnel.js';

/** One `tunnel up` on router A, and the cells to be seen while it is up, one after the other. */
export interface Stage {
  site: SiteOptions;
  sights: { way: Way; enter?: (at: Namespace, ends: readonly string[]) => Promise<Leave> }[];
}

type Leave = () => Promise<void>;

/** Of the gretap, as `ip link` takes them. */
export const ENDS = ['local', ROUTER_A, 'remote', ROUTER_B];

export const STAGES: readonly Stage[] = [
  {
    site: { engine: 'tunnel-flag' },
    sights: [{ way: 'tunnel-flag' }, { way: 'nothing', enter: takeFlagAway }, { way: 'article', enter: articleRule }],
  },
  { site: { engine: 'nfqueue', hook: 'br-netfilter' }, sights: [{ way: 'nfqueue br-netfilter' }] },
  { site: { engine: 'nfqueue', hook: 'nft-bridge' }, sights: [{ way: 'nfqueue nft-bridge' }] },
  { site: { engine: 'bpf' }, sights: [{ way: 'bpf' }] },
];
export const L2TP_STAGES: readonly Stage[] = [{ site: { engine: 'none' }, sights: [{ way: 'none' }] }];
export const VXLAN_STAGES: readonly Stage[] = [
  { site: { engine: 'bpf' }, sights: [{ way: 'bpf' }, { way: 'nothing', enter: takeProgramAway }] },
  { site: { engine: 'nfqueue', hook: 'br-netfilter' }, sights: [{ way: 'nfqueue br-netfilter' }] },
];

/** The tunnel as the article has it: the kernel compares a frame's size with the path's MTU again. */
async function takeFlagAway(at: Namespace, ends: readonly string[]): Promise<Leave> {
  const change = (flag: string): Promise<string> =>
    at.ip('link', 'change', 'gretap1', 'type', 'gretap', ...ends, 'nopmtudisc', flag);
  await change('noignore-df');
  const shown = await at.ip('-d', 'link', 'show', 'gretap1');
  if (/ignore-df/.test(shown.replace('noignore-df', '')) || !shown.includes('mtu 1500')) throw new Error(shown);
  return async () => void (await change('ignore-df'));
}

/** A VXLAN as any other. */
async function takeProgramAway(at: Namespace): Promise<Leave> {
  const program = await at.exec('tc', ['-j', 'filter', 'show', 'dev', 'vxlan1', 'egress']);
  if (!program.includes('bpf')) throw new Error(`there is no program: ${program}`);
  await at.exec('tc', ['qdisc', 'del', 'dev', 'vxlan1', 'clsact']);
  return async () => undefined;
}

/** That, the article's rule, and a clear-df that has nothing but the queue. */
async function articleRule(at: Namespace, ends: readonly string[]): Promise<Leave> {
  const giveFlagBack = await takeFlagAway(at, ends);
  const rule = ['OUTPUT', '-p', 'gre', '-j', 'NFQUEUE', '--queue-num', '0'];
  await at.exec('iptables', ['-t', 'mangle', '-A', ...rule]);
  const daemon: Daemon = await startClearDf(at, '0');
  return async () => {
    await at.exec('iptables', ['-t', 'mangle', '-D', ...rule]);
    await daemon.stop();
    await giveFlagBack();
  };
}
