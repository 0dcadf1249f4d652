/**
 * The cells of the support matrix: carriers, and what router A does to help full-size packets into the tunnel. One
 * entry of {@link CARRIERS} is one more table in the document.
 */
import { type Cell, outcomeOf, type Way, WAYS } from '../../scripts/lab/matrix.js';
import type { KernelSeries } from '../../scripts/lab/suites.js';
import { type Article, ROUTER_A, ROUTER_B } from './article.js';
import { type Daemon, startClearDf } from './clear-df.js';
import { espCarrier, espInUdpCarrier } from './esp.js';
import { see } from './matrix-sight.js';
import type { Namespace } from './netns.js';
import { type SiteOptions, TunnelEnd } from './tunnel.js';

export interface MatrixCarrier {
  /** Its heading in the document. */
  name: string;
  /** IP protocol of all that the WAN may carry. */
  protocol: number;
  /** The site file's `carrier:`. */
  spec(net: Article): Promise<string>;
}

export const CARRIERS: readonly MatrixCarrier[] = [
  { name: 'plain', protocol: 47, spec: async () => 'plain' },
  { name: 'ESP transport, AES-GCM', protocol: 50, spec: (net) => espCarrier(net, 'transport', 'aes-gcm-256') },
  { name: 'ESP tunnel, AES-GCM', protocol: 50, spec: (net) => espCarrier(net, 'tunnel', 'aes-gcm-256') },
  {
    name: 'ESP in UDP transport, AES-GCM',
    protocol: 17,
    spec: (net) => espInUdpCarrier(net, 'transport', 'aes-gcm-256'),
  },
];

/** One `tunnel up` on router A, and the cells to be seen while it is up, one after the other. */
interface Stage {
  site: SiteOptions;
  sights: { way: Way; enter?: (at: Namespace) => Promise<Leave> }[];
}

type Leave = () => Promise<void>;

const STAGES: readonly Stage[] = [
  {
    site: { engine: 'tunnel-flag' },
    sights: [{ way: 'tunnel-flag' }, { way: 'nothing', enter: takeFlagAway }, { way: 'article', enter: articleRule }],
  },
  { site: { engine: 'nfqueue', hook: 'br-netfilter' }, sights: [{ way: 'nfqueue br-netfilter' }] },
  { site: { engine: 'nfqueue', hook: 'nft-bridge' }, sights: [{ way: 'nfqueue nft-bridge' }] },
  { site: { engine: 'nft' }, sights: [{ way: 'nft' }] },
];

/** These ways of one carrier on one kernel, in the order of the document. The network is used up. */
export async function cellsOf(
  untouched: Article,
  kernel: KernelSeries,
  carrier: MatrixCarrier,
  ways: readonly Way[],
): Promise<Cell[]> {
  const spec = await carrier.spec(untouched);
  const cells: Cell[] = [];
  const far = raise(await site(untouched.rB, ROUTER_B, ROUTER_A, { carrier: spec, engine: 'tunnel-flag' }), kernel);
  let net = untouched;
  const stages = STAGES.map(({ site, sights }) => ({ site, sights: sights.filter(({ way }) => ways.includes(way)) }));
  for (const [number, stage] of stages.filter(({ sights }) => sights.length > 0).entries()) {
    if (number > 0) net = await freshRouter(net, `rA${number}`);
    const near = await site(net.rA, ROUTER_A, ROUTER_B, { ...stage.site, carrier: spec });
    // Both ends at once: most of the time goes into starting Node.
    const [here, there] = await Promise.all([raise(near, kernel), far]);
    const refused = here ?? there;
    for (const { way, enter } of stage.sights) {
      const cell = { carrier: carrier.name, way, kernel };
      if (refused !== undefined) {
        cells.push({ ...cell, outcome: 'cannot', refused });
        continue;
      }
      const leave = await enter?.(net.rA);
      const seen = await see(net, carrier.protocol);
      await leave?.();
      cells.push({ ...cell, outcome: outcomeOf(seen), seen });
    }
    if (here === undefined && near.runs) await near.running.stop();
  }
  return cells.sort((a, b) => WAYS.indexOf(a.way) - WAYS.indexOf(b.way));
}

let sites = 0;

/** Each with a name of its own: the journals of one guest are in one folder. */
async function site(at: Namespace, local: string, remote: string, options: SiteOptions): Promise<TunnelEnd> {
  return TunnelEnd.write(at, `site${++sites}`, local, remote, options);
}

/**
 * A router A without a past, on the same wires: in a guest that is far quicker than `clear-df tunnel down`, which has
 * stories of its own.
 */
async function freshRouter(net: Article, name: string): Promise<Article> {
  const rA = await net.lab.namespace(name);
  for (const dev of ['eth0', 'eth1']) {
    await net.rA.ip('link', 'set', dev, 'netns', rA.name);
    await rA.ip('link', 'set', dev, 'up');
  }
  await rA.ip('address', 'add', `${ROUTER_A}/24`, 'dev', 'eth1');
  await rA.ip('route', 'add', 'default', 'via', '192.168.200.2');
  return { ...net, rA };
}

/**
 * `clear-df tunnel up`. @returns undefined when it is up, or in which words it was refused
 * @throws Error when it failed otherwise, or had changed something before it refused
 */
async function raise(end: TunnelEnd, kernel: KernelSeries): Promise<string | undefined> {
  const before = await stateOf(end.at);
  try {
    await end.up();
    return undefined;
  } catch (error) {
    const words = /ended \(4\) before saying [^\n]*\n([^]*)$/.exec((error as Error).message)?.[1];
    if (words === undefined) throw error;
    const after = await stateOf(end.at);
    if (after !== before)
      throw new Error(`refused, but changed something: ${words}\n${before}\n${after}`, { cause: error });
    return refusal(words, end.file, kernel);
  }
}

/** The error itself, without what the next run, or the next update of the kernel, has differently. */
function refusal(words: string, file: string, kernel: KernelSeries): string {
  const release = new RegExp(`\\b${kernel.replace('.', '\\.')}[.+~\\w-]*-amd64`, 'g');
  const oneLine = words.trim().replaceAll(file, 'site.yaml').replaceAll(release, kernel).replace(/\s+/g, ' ');
  return oneLine.replace(/^clear-df: /, '').replace(' hint: ', '. Hint: ');
}

/** A device that has just been made finds its carrier a moment later, whatever else happens. */
const CARRIER = /NO-CARRIER,|,LOWER_UP| state \w+| linkdown/g;

/** Everything of a router that `tunnel up` may change. */
async function stateOf(at: Namespace): Promise<string> {
  const commands = ['ip -d link', 'ip address', 'ip route', 'ip rule', 'ip xfrm state', 'ip xfrm policy'];
  const others = ['nft list ruleset', 'iptables-legacy-save -M /bin/true', 'sysctl -a 2>/dev/null | grep bridge-nf'];
  const text = await at.exec('sh', ['-c', [...commands, ...others].join('; ').concat('; true')]);
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replace(CARRIER, '');
}

/** The tunnel as the article has it: the kernel compares a frame's size with the path's MTU again. */
async function takeFlagAway(at: Namespace): Promise<Leave> {
  const change = (flag: string): Promise<string> =>
    at.ip('link', 'change', 'gretap1', 'type', 'gretap', 'local', ROUTER_A, 'remote', ROUTER_B, 'nopmtudisc', flag);
  await change('noignore-df');
  const shown = await at.ip('-d', 'link', 'show', 'gretap1');
  if (/ignore-df/.test(shown.replace('noignore-df', '')) || !shown.includes('mtu 1500')) throw new Error(shown);
  return async () => void (await change('ignore-df'));
}

/** That, the article's rule, and a clear-df that has nothing but the queue. */
async function articleRule(at: Namespace): Promise<Leave> {
  const giveFlagBack = await takeFlagAway(at);
  const rule = ['OUTPUT', '-p', 'gre', '-j', 'NFQUEUE', '--queue-num', '0'];
  await at.exec('iptables', ['-t', 'mangle', '-A', ...rule]);
  const daemon: Daemon = await startClearDf(at, '0');
  return async () => {
    await at.exec('iptables', ['-t', 'mangle', '-D', ...rule]);
    await daemon.stop();
    await giveFlagBack();
  };
}
