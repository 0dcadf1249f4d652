/** Frames in GRE (RFC 2784): what most sites use. */
import { greOverhead } from '../../net/overhead.js';
import { tunnelModuleItem } from '../items/module.js';
import { gretapItem } from '../items/tunnel-device.js';
import type { GretapTunnel } from '../site/site.js';
import type { TunnelType } from './type.js';

export const gretap: TunnelType<GretapTunnel> = {
  what: 'a gretap',
  layers: ({ key }) => greOverhead(key !== undefined),
  flow: ({ key }) => ({ name: 'GRE', protocol: 'gre', key }),
  engines: ['tunnel-flag', 'bpf', 'nfqueue'],
  carriers: ['plain', 'esp', 'esp-in-udp', 'srv6', 'tun', 'vti', 'xfrm-interface'],
  ipv6: false,
  several: false,
  modules: () => [tunnelModuleItem('ip_gre', 'gretap devices')],
  device: ({ name, key, pmtudisc, ttl }, { ends, ignoreDf }) => [
    gretapItem(name, {
      ...{ ...ends, key, pmtudisc, ttl, ignoreDf },
      reason: pmtudisc
        ? 'carries Ethernet frames in GRE; DF is set on every outer header, as tunnel.pmtudisc requests, and is cleared there'
        : `carries Ethernet frames in GRE; ${ignoreDf ? 'neither sets nor copies DF, nor looks for it inside' : 'sets no DF of its own'}`,
    }),
  ],
  notes: () => [],
};
