/**
 * Every carrier and every engine once, through one network: `article.ts` draws it. A site file for each router, the
 * tunnel up, full-size packets both ways, TCP and UDP, the tunnel down; and the WAN looked at all the while. Each router
 * has an engine of its own, so that one passage tells two of them. What
 * becomes of a packet on the WAN is what the planner says without having seen the routers.
 */
import { expect } from 'vitest';
import { type Article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from './article.js';
import type { Assumptions } from '../../src/tunnel/assumed.js';
import { Capture } from './capture.js';
import { CORE_A, CORE_B, core6, coreMtu, srv6Carriers } from './core6.js';
import { expectFlowsWhole } from './flows.js';
import { espCarrier, espInUdpCarrier } from './esp.js';
import { xfrmTroubles } from './kernel.js';
import type { Namespace } from './netns.js';
import { routeBasedCarriers, type RouteBasedType } from './route-based.js';
import { routerText } from './router-text.js';
import { ping } from './traffic.js';
import { downBoth, type SiteOptions, tunnelEnds, upBoth } from './tunnel.js';
import { wireguard, WIREGUARD_A, WIREGUARD_B, WIREGUARD_MTU } from './wireguard.js';

/** Site files of router A and of router B. */
type Sites = [SiteOptions, SiteOptions];

export interface Passage {
  name: string;
  /** For tcpdump: all that the WAN may carry. */
  wan: string;
  /** Makes what the carrier needs beyond the article's network; it stays. */
  sites(net: Article): Promise<Sites>;
  /** Of router A and of router B. */
  engines: [Engine, Engine];
  /** What the planner has to know of router A; default: that its links are of 1500 bytes. */
  machine?: Assumptions;
}

type Engine = Required<Pick<SiteOptions, 'engine'>> & Pick<SiteOptions, 'hook'>;

const FLAG: Engine = { engine: 'tunnel-flag' };
const BY_FLAG: [Engine, Engine] = [FLAG, FLAG];

const ESP = 'ip proto 50';
/** ESP in UDP, its fragments, and the ICMP error for what comes to a port that is not open yet. */
const ESP_IN_UDP = 'udp port 4500 or (ip[6:2] & 0x1fff != 0 and ip proto 17) or (icmp[0] = 3 and icmp[17] = 17)';

const both = (options: SiteOptions): Sites => [options, options];

function routeBased(type: RouteBasedType, addresses: 'own' | 'inner', engines: [Engine, Engine]): Passage {
  const sites = async (net: Article): Promise<Sites> => {
    const [a, b] = await routeBasedCarriers(net, type, addresses);
    return [{ carrier: a }, { carrier: b }];
  };
  return { name: `${type}, ${addresses} addresses`, wan: ESP, engines, sites };
}

export const PLAIN: Passage = {
  name: 'plain',
  wan: 'ip proto 47',
  engines: [{ engine: 'nfqueue', hook: 'br-netfilter' }, { engine: 'bpf' }],
  sites: async () => both({}),
};

export const ESP_TRANSPORT: Passage = {
  ...{ name: 'esp, transport mode', wan: ESP, engines: BY_FLAG },
  sites: async (net) => both({ carrier: await espCarrier(net, 'transport', 'aes-gcm-256') }),
};

export const ESP_TUNNEL: Passage = {
  ...{ name: 'esp, tunnel mode', wan: ESP, engines: BY_FLAG },
  sites: async (net) => both({ carrier: await espCarrier(net, 'tunnel', 'aes-gcm-256') }),
};

export const UDP_TRANSPORT: Passage = {
  ...{ name: 'esp-in-udp', wan: ESP_IN_UDP, engines: BY_FLAG },
  sites: async (net) => both({ carrier: await espInUdpCarrier(net, 'transport', 'aes-gcm-256') }),
};

export const VTI = routeBased('vti', 'own', [{ engine: 'nfqueue', hook: 'nft-bridge' }, FLAG]);
export const XFRM_INTERFACE = routeBased('xfrm-interface', 'inner', BY_FLAG);

export const SRV6: Passage = {
  ...{ name: 'srv6', wan: 'ip6', engines: BY_FLAG },
  async sites(net) {
    await core6(net);
    const { a, b } = srv6Carriers();
    return [a, b];
  },
};

export const WIREGUARD: Passage = {
  ...{ name: 'tun, WireGuard', wan: 'udp port 51820', engines: BY_FLAG },
  machine: { devices: { wg0: { mtu: WIREGUARD_MTU, kind: 'wireguard' } } },
  async sites(net) {
    await wireguard(net);
    const common = { carrier: 'tun', underlay: 'wg0' };
    return [
      { ...common, local: WIREGUARD_A, remote: WIREGUARD_B },
      { ...common, local: WIREGUARD_B, remote: WIREGUARD_A },
    ];
  },
};

/** Nobody has to help frames into an L2TPv3 session. */
const NONE: Engine = { engine: 'none' };

interface L2tpOptions {
  name: string;
  /** More words of `tunnel:`. */
  words?: string;
  ipv6?: boolean;
  /** Bytes of the link between w and router B; of both WAN links unless `behind`. */
  mtu?: number;
  behind?: boolean;
}

/** L2TPv3 over IP protocol 115 or UDP; over IPv6 the ends are those of the core. */
function l2tp({ name, words = '', ipv6 = false, mtu, behind = false }: L2tpOptions): Passage {
  const protocol = words.includes('udp') ? 17 : 115;
  const wan = ipv6 ? `ip6 proto ${protocol} or ip6 proto 44` : `ip proto ${protocol}`;
  return {
    ...{ name: `l2tp ${name}`, wan, engines: [NONE, NONE] },
    ...(mtu !== undefined && !behind && { machine: { devices: { eth1: mtu } } }),
    async sites(net) {
      if (ipv6) await core6(net);
      if (mtu !== undefined) await (behind ? farMtu(net, mtu) : coreMtu(net, mtu));
      const cookie = words.includes('cookie-size') ? `, cookie: ${await cookies(net, words, ipv6)}` : '';
      const more = [`tunnel: { type: l2tp${words}${cookie} }`, ...(behind ? [`path-mtu: ${mtu}`] : [])];
      const [local, remote] = ipv6 ? [CORE_A, CORE_B] : [ROUTER_A, ROUTER_B];
      return [
        { local, remote, more },
        { local: remote, remote: local, more },
      ];
    },
  };
}

/** A file of cookies for both routers, which are namespaces of one machine. */
async function cookies({ rA }: Article, words: string, ipv6: boolean): Promise<string> {
  const file = `${await rA.lab.scratch()}/cookies`;
  const [a, b] = ipv6 ? [CORE_A, CORE_B] : [ROUTER_A, ROUTER_B];
  const long = words.includes('cookie-size: 8') ? '44556677' : '';
  await rA.machine.writeFile(file, `'${a}': 0x00112233${long}\n'${b}': 0x8899aabb${long}\n`, 0o600);
  return file;
}

/** The MTU of the link behind w alone: router A does not see it. */
async function farMtu({ w, rB }: Article, mtu: number): Promise<void> {
  await w.ip('link', 'set', 'eth1', 'mtu', String(mtu));
  await rB.ip('link', 'set', 'eth1', 'mtu', String(mtu));
}

export const L2TP: readonly Passage[] = [
  l2tp({ name: 'over IPv4' }),
  l2tp({ name: 'over UDP, with cookies', words: ', encapsulation: udp, port: 1702, peer-port: 1702, cookie-size: 8' }),
  l2tp({ name: 'over IPv6, with cookies of 4 bytes', words: ', cookie-size: 4', ipv6: true }),
  l2tp({ name: 'over IPv6, no sublayer', words: ', sublayer: none', ipv6: true }),
  l2tp({ name: 'over UDP and IPv6', words: ', encapsulation: udp', ipv6: true }),
  // The routers' own links are narrow; then only one behind the first.
  l2tp({ name: 'over IPv6, an underlay of 1400', ipv6: true, mtu: 1400 }),
  l2tp({ name: 'over IPv6, a path of 1400', ipv6: true, mtu: 1400, behind: true }),
];

function sealed(name: string, words: string, seal: (net: Article) => Promise<string>, wan = ESP): Passage {
  const engines: [Engine, Engine] = name.startsWith('l2tp') ? [NONE, NONE] : [{ engine: 'nfqueue' }, { engine: 'bpf' }];
  const sites = async (net: Article) => both({ carrier: await seal(net), more: [`tunnel: { ${words} }`] });
  return { name, wan, engines, sites };
}

/** The other types of tunnel inside ESP. */
export const SEALED: readonly Passage[] = [
  sealed('l2tp in esp, transport mode', 'type: l2tp', (net) => espCarrier(net, 'transport', 'aes-gcm-256')),
  sealed('l2tp over UDP in esp, tunnel mode', 'type: l2tp, encapsulation: udp, port: 1702', (net) =>
    espCarrier(net, 'tunnel', 'aes-cbc-128-sha256'),
  ),
  sealed(
    'l2tp in esp-in-udp',
    'type: l2tp, sublayer: none',
    (net) => espInUdpCarrier(net, 'transport', 'aes-gcm-128'),
    ESP_IN_UDP,
  ),
  sealed('vxlan in esp, transport mode', 'type: vxlan', (net) => espCarrier(net, 'transport', 'aes-gcm-256')),
  sealed('vxlan in esp, tunnel mode', 'type: vxlan, port: 4790', (net) => espCarrier(net, 'tunnel', 'aes-gcm-256')),
  sealed('vxlan in esp-in-udp', 'type: vxlan', (net) => espInUdpCarrier(net, 'transport', 'aes-gcm-256'), ESP_IN_UDP),
];

/**
 * Runs one passage.
 *
 * Requests and replies of 1500 bytes leave each router, three of each: 12 times what `tunnel plan` says becomes of a
 * full-size packet. Of those, three requests come to a router's queue with DF.
 */
export async function expectPassage(net: Article, passage: Passage): Promise<void> {
  const { hA, rA, w, rB, hB } = net;
  const { wan: allowed, engines } = passage;
  // At once: a guest has two processors, and most of what is asked keeps one of them busy.
  const ofBoth = <T>(ask: (router: Namespace) => Promise<T>) => Promise.all([ask(rA), ask(rB)]);
  const [a, b] = await passage.sites(net);
  const ends = await tunnelEnds(net, { ...a, ...engines[0] }, { ...b, ...engines[1] });
  const before = await ofBoth(routerText);
  const troubles = await ofBoth(xfrmTroubles);
  const wan = await Capture.start(w, 'eth1', ['not arp and not icmp6'], 128);
  const { wire } = ends[0].sizes(passage.machine);
  await upBoth(ends);

  const pings = await Promise.all([ping(hA, HOST_B), ping(hB, HOST_A)]);
  for (const each of pings) expect(each).toMatchObject({ sent: 3, received: 3 });
  for (const { daemon, file } of ends.filter((end) => end.engine === 'nfqueue')) {
    expect((await daemon.settledStats()).totals, file).toMatchObject({ packets: 3, cleared: 3, leaked: 0 });
  }
  await expectFlowsWhole(net, 200_000, 50);
  expect(await ofBoth(xfrmTroubles)).toEqual(troubles);

  await downBoth(ends);
  await wan.finish(12 * wire.length);
  expect(await wan.lines([`not (${allowed})`])).toEqual(['']);
  const lengths = await wan.lengths();
  for (const { length } of wire) {
    expect(lengths.filter((one) => one === length).length, `packets of ${length}`).toBeGreaterThanOrEqual(12);
  }
  expect(await ofBoth(routerText)).toEqual(before);
}
