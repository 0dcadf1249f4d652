/** Tunnels that encrypt, for the story that takes one thing after the other away: `test/lab/taking-away.more.ts`. */
import type { Facts } from '../../src/tunnel/facts.js';
import { link } from '../unit/tunnel-samples.js';
import { type Article, ROUTER_B } from './article.js';
import { espCarrier, espInUdpCarrier } from './esp.js';
import { routeBasedCarriers, type Addresses, type RouteBasedType } from './route-based.js';
import type { SiteOptions } from './tunnel.js';
import { wireguard } from './wireguard.js';

const ENGINE = 'tunnel-flag';
/** The WAN's own address on rA's link. */
export const WAN = '192.168.200.2';

export interface Story {
  name: string;
  /** Site options of both ends. */
  options(net: Article): Promise<[SiteOptions, SiteOptions]>;
  /** The machine that the plan is made for, where it is not the sample's. */
  facts?: Partial<Facts>;
  /** For tcpdump: UDP that would be the tunnel's own; other UDP is ESP, or WireGuard. */
  readable?: string;
  /** The device that frames have to go into. */
  device?: string;
  /** What whoever looks after the device does when it is up again. */
  whenUp?: readonly (readonly string[])[];
  /** What else is taken away together with both guards, so that something does leave. */
  control: 'policy' | 'rule' | 'device';
}

/** @param tunnel words of `tunnel:`, where it is no gretap */
const both = async (
  carrier: Promise<string>,
  engine = ENGINE,
  tunnel?: string,
): Promise<[SiteOptions, SiteOptions]> => {
  const more = tunnel === undefined ? [] : [`tunnel: { ${tunnel} }`];
  const options = { carrier: await carrier, engine, more };
  return [options, options];
};
const byDevice = (type: RouteBasedType, addresses: Addresses) => async (net: Article) =>
  (await routeBasedCarriers(net, type, addresses)).map((carrier) => ({ carrier, engine: ENGINE })) as [
    SiteOptions,
    SiteOptions,
  ];

/** Commands of `ip` beside WireGuard's own: as it is set up, and whenever the device has come up. */
interface Routes {
  once: readonly string[];
  whenUp: readonly string[];
}

/** By WireGuard; with routes of its own no network of its own leads to the other end. */
function vpn(name: string, covering: { table: string; length: number }, routes?: Routes): Story {
  const whenUp = (routes?.whenUp ?? []).map((words) => ['ip', ...words.split(' ')]);
  return {
    ...{ name, control: 'device', device: 'wg0', whenUp },
    facts: {
      links: [link('eth0'), link('eth1'), link('wg0', { mtu: 1420, kind: 'wireguard' })],
      path: { dev: 'wg0', mtu: 1420, source: '10.97.0.1', via: undefined },
      covering: { dev: 'wg0', ...covering },
    },
    async options(net) {
      const { a, b } = await wireguard(net);
      if (routes !== undefined) {
        const address = ['address add 10.97.0.1/32 dev wg0', 'address delete 10.97.0.1/24 dev wg0'];
        for (const words of [...address, ...routes.once, ...routes.whenUp]) await net.rA.ip(...words.split(' '));
      }
      const end = { carrier: 'tun', engine: ENGINE, underlay: 'wg0' };
      return [
        { ...end, local: a.address, remote: b.address },
        { ...end, local: b.address, remote: a.address },
      ];
    },
  };
}

export const STORIES: readonly Story[] = [
  { name: 'esp', control: 'policy', options: (net) => both(espCarrier(net, 'transport', 'aes-gcm-256')) },
  { name: 'xfrm-interface own', control: 'rule', device: 'ipsec0', options: byDevice('xfrm-interface', 'own') },
  vpn('tun', { table: 'main', length: 24 }),
  // As wg-quick has it.
  vpn(
    'tun, default route of its own',
    { table: '51820', length: 0 },
    {
      ...{ once: ['rule add preference 32764 to 10.97.0.0/24 lookup 51820'] },
      whenUp: ['route add default dev wg0 table 51820'],
    },
  ),
  // The WAN's default route stays behind the VPN's.
  vpn(
    'tun, the default route',
    { table: 'main', length: 0 },
    {
      once: [
        `route add ${ROUTER_B} via ${WAN}`,
        `route add default via ${WAN} metric 100`,
        `route delete default via ${WAN}`,
      ],
      whenUp: ['route add default dev wg0'],
    },
  ),
  { name: 'vti own', control: 'rule', device: 'vti1', options: byDevice('vti', 'own') },
  { name: 'vti inner', control: 'device', device: 'vti1', options: byDevice('vti', 'inner') },
  { name: 'xfrm-interface inner', control: 'device', device: 'ipsec0', options: byDevice('xfrm-interface', 'inner') },
  {
    ...{ name: 'l2tp in esp', control: 'policy' },
    options: async (net) => both(espCarrier(net, 'transport', 'aes-gcm-256'), 'none', 'type: l2tp'),
  },
  {
    ...{ name: 'vxlan in esp', control: 'policy', readable: 'udp port 4789' },
    options: async (net) => both(espCarrier(net, 'tunnel', 'aes-gcm-256'), 'bpf', 'type: vxlan'),
  },
  {
    name: 'esp-in-udp',
    control: 'policy',
    options: (net) => both(espInUdpCarrier(net, 'transport', 'aes-gcm-256', 'keepalive: 0')),
  },
];
