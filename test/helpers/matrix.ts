/**
 * The cells of the support matrix: carriers, and what router A does to help full-size packets into the tunnel. One
 * entry of {@link CARRIERS} is one more table in the document.
 */
import { isDeepStrictEqual } from 'node:util';
import { CARRIER_WAYS, type Cell, outcomeOf, type Seen, type Way, WAYS } from '../../scripts/lab/matrix.js';
import type { KernelSeries } from '../../scripts/lab/suites.js';
import { type Article, ROUTER_A, ROUTER_B } from './article.js';
import { fragments6, innerHeaders } from './capture6.js';
import { ENDS, L2TP_STAGES, type Stage, STAGES, VXLAN_STAGES } from './matrix-stages.js';
import { CORE_A, CORE_B, core6, coreMtu, routerA6, srv6Carriers, TENANT_A, TENANT_B } from './core6.js';
import { espCarrier, espInUdpCarrier } from './esp.js';
import { type Destination, hostB, IPV4, see, type Wan } from './matrix-sight.js';
import type { Namespace } from './netns.js';
import { type Addresses, INNER_A, INNER_B, routeBasedCarriers, type RouteBasedType } from './route-based.js';
import { ROUTER_C, thirdSite } from './third-site.js';
import { type SiteOptions, TunnelEnd } from './tunnel.js';
import { type WireGuard, wireguard, WIREGUARD_A, WIREGUARD_B } from './wireguard.js';

/** IPv6 routing header. */
const ROUTING = 43;

/** The site files of routers A and B, and of a third one. */
interface Ends {
  near: SiteOptions;
  far: SiteOptions;
  third?: SiteOptions;
}

export interface MatrixCarrier {
  /** Its heading in the document. */
  name: string;
  /** IP protocol of all that the WAN may carry. */
  protocol: number;
  /** The site file's `carrier:`, or more of it where the ends differ; `third` of a third site. */
  spec(net: Article): Promise<string | Ends>;
  /** What the network needs beyond the article's. */
  prepare?(net: Article): Promise<void>;
  /** The part of that which is on router A, for a new one. */
  router?(rA: Namespace): Promise<void>;
  /** Where it is not IPv4 in two fragments. */
  wan?: Wan;
  /** Which are seen; all of them where nothing is said. */
  ways?: readonly Way[];
  /** How those are come by, where the tunnel is no gretap; the first is also router B's. */
  stages?: readonly Stage[];
  /** Ends of the gretap as `ip link` takes them, where they are not the routers' own addresses. */
  ends?: readonly string[];
}

const routeBased = (type: RouteBasedType, addresses: Addresses, name: string): MatrixCarrier => ({
  ...{ name, protocol: 50, ways: CARRIER_WAYS, wan: { ...IPV4, whole: true } },
  ...(addresses === 'inner' ? { ends: ['local', INNER_A, 'remote', INNER_B] } : {}),
  async spec(net) {
    const [near, far] = await routeBasedCarriers(net, type, addresses);
    return { near: { carrier: near }, far: { carrier: far } };
  },
});

export const CARRIERS: readonly MatrixCarrier[] = [
  { name: 'plain', protocol: 47, spec: async () => 'plain' },
  { name: 'ESP transport, AES-GCM', protocol: 50, spec: (net) => espCarrier(net, 'transport', 'aes-gcm-256') },
  { name: 'ESP tunnel, AES-GCM', protocol: 50, spec: (net) => espCarrier(net, 'tunnel', 'aes-gcm-256') },
  {
    name: 'ESP in UDP transport, AES-GCM',
    protocol: 17,
    ways: CARRIER_WAYS,
    spec: (net) => espInUdpCarrier(net, 'transport', 'aes-gcm-256'),
  },
  segments('SRv6, one segment, second hop', 1500, 2),
  routeBased('vti', 'own', "VTI, the routers' addresses"),
  routeBased('xfrm-interface', 'inner', 'XFRM interface, addresses of its own'),
  insideWireguard(),
  ofType({ name: 'type l2tp, IP protocol 115', protocol: 115, tunnel: 'type: l2tp' }),
  ofType({ name: 'type l2tp, UDP', protocol: 17, tunnel: 'type: l2tp, encapsulation: udp' }),
  ofType({ name: 'type l2tp, over IPv6', protocol: 115, tunnel: 'type: l2tp', ipv6: true }),
  ofType({ name: 'type l2tp, ESP transport, AES-GCM', protocol: 50, tunnel: 'type: l2tp', sealed: true }),
  ofType({ name: 'type vxlan', protocol: 17, tunnel: 'type: vxlan' }),
  ofType({ name: 'type vxlan, three sites', protocol: 17, tunnel: 'type: vxlan', sites: 3 }),
  ofType({ name: 'type vxlan, ESP transport, AES-GCM', protocol: 50, tunnel: 'type: vxlan', sealed: true }),
];

interface TypeOptions {
  name: string;
  protocol: number;
  /** Words of `tunnel:`. */
  tunnel: string;
  ipv6?: boolean;
  sealed?: boolean;
  sites?: 2 | 3;
}

/** A tunnel of another type than gretap. */
function ofType({ name, protocol, tunnel, ipv6 = false, sealed = false, sites = 2 }: TypeOptions): MatrixCarrier {
  const more = [`tunnel: { ${tunnel} }`];
  const stages = tunnel.startsWith('type: l2tp') ? L2TP_STAGES : VXLAN_STAGES;
  return {
    ...{
      name,
      protocol,
      stages,
      ways: WAYS.filter((way) => stages.some(({ sights }) => sights.some((one) => one.way === way))),
    },
    ...(ipv6 && {
      prepare: core6,
      router: routerA6,
      wan: { filter: ['ip6 and not icmp6 and src host', CORE_A], pieces: 2, read: fragments6 },
    }),
    async spec(net) {
      const options = { more, ...(sealed && { carrier: await espCarrier(net, 'transport', 'aes-gcm-256') }) };
      if (sites === 3) return eachWithTheOthers(options);
      if (!ipv6) return { near: options, far: options };
      return {
        near: { ...options, local: CORE_A, remote: CORE_B },
        far: { ...options, local: CORE_B, remote: CORE_A },
      };
    },
  };
}

/** Three site files, each of which names the other two routers. */
function eachWithTheOthers(options: SiteOptions): Ends {
  const routers = [ROUTER_A, ROUTER_B, ROUTER_C];
  const without = (own: string) => ({ ...options, remotes: routers.filter((router) => router !== own) });
  return { near: without(ROUTER_A), far: without(ROUTER_B), third: without(ROUTER_C) };
}

/** The gretap between the addresses of a VPN; what leaves are its packets, each whole. */
function insideWireguard(): MatrixCarrier {
  let vpn: WireGuard | undefined;
  const made = (): WireGuard => {
    if (vpn === undefined) throw new Error('the VPN is made first');
    return vpn;
  };
  return {
    ...{ name: 'tun, WireGuard', protocol: 17, ways: CARRIER_WAYS, wan: { ...IPV4, whole: true } },
    ends: ['local', WIREGUARD_A, 'remote', WIREGUARD_B],
    prepare: async (net) => void (vpn = await wireguard(net)),
    router: async (rA) => made().again(rA),
    async spec() {
      const common = { carrier: 'tun', underlay: made().a.device };
      return {
        near: { ...common, local: WIREGUARD_A, remote: WIREGUARD_B },
        far: { ...common, local: WIREGUARD_B, remote: WIREGUARD_A },
      };
    },
  };
}

/** @param pieces that a full-size packet leaves in */
function segments(name: string, core: number, pieces: number): MatrixCarrier {
  const { a, b } = srv6Carriers();
  return {
    ...{ name, protocol: ROUTING, ways: CARRIER_WAYS, spec: async () => ({ near: a, far: b }) },
    async prepare(net) {
      await core6(net);
      await coreMtu(net, core);
    },
    router: routerA6,
    wan: { filter: ['ip6 and not icmp6 and src host', CORE_A], pieces, read: innerHeaders },
    ends: ['local', TENANT_A, 'remote', TENANT_B, 'dev', 'vrf100'],
  };
}

/** These ways of one carrier on one kernel, in the order of the document. The network is used up. */
export async function cellsOf(
  untouched: Article,
  kernel: KernelSeries,
  carrier: MatrixCarrier,
  ways: readonly Way[],
): Promise<Cell[]> {
  await carrier.prepare?.(untouched);
  const given = await carrier.spec(untouched);
  const spec: Ends = typeof given === 'string' ? { near: { carrier: given }, far: { carrier: given } } : given;
  const cells: Cell[] = [];
  const { stages: all = STAGES } = carrier;
  const { engine = 'none' } = all[0]?.site ?? {};
  const third = spec.third && (await thirdSite(untouched));
  const others = [await site(untouched.rB, ROUTER_B, ROUTER_A, { ...spec.far, engine })];
  if (third) others.push(await site(third.router, ROUTER_C, '', { ...spec.third, engine }));
  const far = Promise.all(others.map(async (end) => raise(end, kernel)));
  let net = untouched;
  const stages = all.map(({ site, sights }) => ({ site, sights: sights.filter(({ way }) => ways.includes(way)) }));
  for (const [number, stage] of stages.filter(({ sights }) => sights.length > 0).entries()) {
    if (number > 0) net = await freshRouter(net, `rA${number}`, carrier);
    const near = await site(net.rA, ROUTER_A, ROUTER_B, { ...stage.site, ...spec.near });
    // Both ends at once: most of the time goes into starting Node.
    const [here, there] = await Promise.all([raise(near, kernel), far]);
    const refused = [here, ...there].find((words) => words !== undefined);
    for (const { way, enter } of stage.sights) {
      const cell = { carrier: carrier.name, way, kernel };
      if (refused !== undefined) {
        cells.push({ ...cell, outcome: 'cannot', refused });
        continue;
      }
      const leave = await enter?.(net.rA, carrier.ends ?? ENDS);
      const seen = await seeAll(net, carrier, third?.destination);
      await leave?.();
      cells.push({ ...cell, outcome: outcomeOf(seen), seen });
    }
    if (here === undefined && near.runs) await near.running.stop();
  }
  return cells.sort((a, b) => WAYS.indexOf(a.way) - WAYS.indexOf(b.way));
}

/** What becomes of packets to host B, and to the third site's host alike. @throws Error where it differs */
async function seeAll(net: Article, { protocol, wan }: MatrixCarrier, third: Destination | undefined): Promise<Seen> {
  const first = await see(net, hostB(net), protocol, wan);
  if (third === undefined) return first;
  const second = await see(net, third, protocol, wan);
  if (isDeepStrictEqual(first, second)) return first;
  throw new Error(`host B and host C are not alike: ${JSON.stringify({ first, second })}`);
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
async function freshRouter(net: Article, name: string, carrier: MatrixCarrier): Promise<Article> {
  const rA = await net.lab.namespace(name);
  for (const dev of ['eth0', 'eth1']) {
    await net.rA.ip('link', 'set', dev, 'netns', rA.name);
    await rA.ip('link', 'set', dev, 'up');
  }
  await rA.ip('address', 'add', `${ROUTER_A}/24`, 'dev', 'eth1');
  await rA.ip('route', 'add', 'default', 'via', '192.168.200.2');
  await carrier.router?.(rA);
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
