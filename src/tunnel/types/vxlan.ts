/**
 * Frames in VXLAN (RFC 7348): one device for any number of other ends. What comes from one of them is never sent to
 * another one, so sites that all name each other make no loop.
 */
import { vxlanOverhead } from '../../net/overhead.js';
import { moduleItem } from '../items/module.js';
import { fdbItem, vxlanItem } from '../items/vxlan.js';
import { machineError, siteError } from '../site/error.js';
import { remotesOf, type Site, type VxlanTunnel } from '../site/site.js';
import { type Facts, linkOf } from '../facts.js';
import type { TunnelType } from './type.js';

export const vxlan: TunnelType<VxlanTunnel> = {
  what: 'a VXLAN',
  layers: () => vxlanOverhead(),
  // `vxlan_rcv` looks for the device by port and identifier, whoever sends, to whichever address; and `vxlan_xmit` sends to
  // whoever a frame has come from, which may be a site that is none any more.
  flow({ port, vni }) {
    const own = `udp dport ${port} @th,96,24 ${vni}`;
    return {
      ...{ name: 'VXLAN', protocol: 'udp', ports: { local: port, remote: port }, anySource: true },
      ...{ arrivals: [own], departure: own },
    };
  },
  engines: ['bpf', 'nfqueue'],
  carriers: ['plain', 'esp', 'esp-in-udp'],
  ipv6: false,
  several: true,
  asks: ['fdb'],
  modules: () => [moduleItem('vxlan', { reason: 'VXLAN devices; it stays loaded, because others may use it unseen' })],
  device: ({ name, vni, port }, { site, ends }) => [
    vxlanItem(name, {
      ...{ local: ends.local, vni, port },
      reason: 'carries Ethernet frames in UDP, and learns which address is behind which site; sets no DF outside',
    }),
    ...remotesOf(site).map((remote) =>
      fdbItem(
        name,
        remote,
        'broadcasts, multicast and frames for addresses that are not known yet are copied to this site',
      ),
    ),
  ],
  refuse: refuseContradictions,
  check: checkTaken,
  notes: ({ port }, site) => {
    const sites = remotesOf(site).length + 1;
    return [
      `firewalls of all routers${site.carrier.type === 'plain' ? ' and on the path' : ''} must let UDP ${port} through${site.fragment === 'inner' ? '' : ', fragments included'}`,
      ...(site.fragment === 'inner'
        ? []
        : [
            'inner IPv6 that is too large for one outer packet is answered with packet-too-big: hosts send smaller ones',
          ]),
      ...(sites === 2
        ? []
        : [
            `${sites} sites: each file names all others in remotes; no site hands on between two others, so there is no loop, ` +
              'and one that is missing in a file does not hear from that one',
          ]),
    ];
  },
};

function refuseContradictions(_spec: VxlanTunnel, site: Site): void {
  const remotes = remotesOf(site);
  const twice = remotes.findIndex((remote, i) => remotes.indexOf(remote) !== i);
  if (twice > 0) {
    throw siteError(
      site,
      `remotes.${twice}`,
      `${remotes[twice]} is named twice; every broadcast would arrive twice there`,
      'name each site once',
    );
  }
  const own = remotes.indexOf(site.local);
  if (own > 0) {
    const reason = `${site.local} is the local address as well (${site.place('local')})`;
    throw siteError(site, `remotes.${own}`, reason, 'remotes has all sites but this one');
  }
  if (site.hook === 'nft-bridge') {
    throw siteError(
      site,
      'hook',
      'nft-bridge was not tried before a VXLAN device: UDP GSO packets would pass the queue with DF',
      'hook: br-netfilter, or engine: bpf',
    );
  }
}

/** `vxlan_vni_in_use`, and the socket that devices of one port share. */
function checkTaken({ name, vni, port }: VxlanTunnel, site: Site, facts: Facts): void {
  const twin = facts.links.find(
    ({ kind, name: other, data }) =>
      kind === 'vxlan' && other !== name && Number(data['id']) === vni && Number(data['port']) === port,
  );
  if (twin !== undefined) {
    throw machineError(
      'CONFLICT',
      site,
      'tunnel.vni',
      `${twin.name} is a VXLAN with identifier ${vni} at UDP ${port} already; the kernel accepts one (EEXIST)`,
      `another vni or port on all ends, or, if it is not in use: ip link delete dev ${twin.name}`,
    );
  }
  const device = linkOf(facts, name);
  if (device !== undefined && device.kind !== 'vxlan') {
    throw machineError(
      'CONFLICT',
      site,
      'tunnel.name',
      `${name} is there already and is no VXLAN`,
      'choose another name',
    );
  }
}
