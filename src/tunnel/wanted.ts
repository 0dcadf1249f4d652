/** What of the machine a site depends on: said here, read by `src/host/facts.ts`. Pure. */
import type { Abilities } from './abilities.js';
import { carrierAsks, carrierDevices, pathOf } from './carriers/table.js';
import { typeAsks } from './types/table.js';
import type { Engine, Site, TunnelTypeName } from './site/site.js';

/** A site, or as much of one as is known. */
export type Subject = Pick<
  Site,
  'name' | 'local' | 'remote' | 'moreRemotes' | 'underlay' | 'bridge' | 'tunnel' | 'engine' | 'carrier'
>;

type Ends = Pick<Site, 'local' | 'remote'>;

/** What a site asks beside what is read for every one; without a site, what is asked of any machine. */
export interface Wanted {
  /** Whose sysctls count. */
  devices: readonly string[];
  /** The route whose MTU and device count. */
  path?: { to: string; from: string };
  /** Other ends behind the first, from the tunnel's own address. */
  morePaths?: { to: readonly string[]; from: string } | undefined;
  /** The route by which the other end would be reached without the carrier's device. */
  covering?: Ends | undefined;
  tunsrc: boolean;
  l2tp: boolean;
  /** The device whose forwarding database counts. */
  fdb?: string | undefined;
  /** The device that may bear a program of the fast path, and whose. */
  fastPath?: { name: string; device: string } | undefined;
  /** Keys may be agreed upon by IKE. */
  ike?: Subject;
  abilities: readonly Ability[];
}

/** What a machine may be able to do. */
export type Ability = keyof Abilities;

/** Those that any engine may depend on. */
export const ABILITIES: readonly Ability[] = ['ignoreDf', 'fastPath', 'bridgeQueue', 'nftBridgeQueue'];

/** What is to be read and tried for a site; for none, every ability is. */
export function wantedBy(site: Subject | undefined): Wanted {
  if (site === undefined) return { devices: [], tunsrc: false, l2tp: false, abilities: ABILITIES };
  const { name, local, remote, moreRemotes, tunnel, engine, carrier } = site;
  const { type, name: device } = tunnel;
  return {
    devices: devicesOf(site),
    path: pathOf(site),
    morePaths: moreRemotes?.length ? { to: moreRemotes, from: local } : undefined,
    covering: carrierAsks(carrier.type, 'covering') ? { local, remote } : undefined,
    tunsrc: carrierAsks(carrier.type, 'tunsrc'),
    l2tp: typeAsks(type, 'l2tp'),
    fdb: typeAsks(type, 'fdb') ? device : undefined,
    fastPath: engine === 'bpf' || engine === 'auto' ? { name, device } : undefined,
    ike: site,
    abilities: [
      ...abilitiesOf(engine).filter((ability) => concerns(ability, type)),
      ...(carrierAsks(carrier.type, 'endDt4') ? (['endDt4'] as const) : []),
    ],
  };
}

/** The devices that a site names. */
export function devicesOf({ underlay, bridge, tunnel, carrier }: Subject): string[] {
  return [underlay, bridge.name, ...bridge.ports, tunnel.name, ...carrierDevices(carrier)];
}

/** Whether a type of tunnel has an engine for which it counts. */
function concerns(ability: Ability, type: TunnelTypeName): boolean {
  if (type === 'l2tp') return false;
  return ability !== 'ignoreDf' || type === 'gretap';
}

/** Those that an engine depends on; all where it is still to be chosen. */
function abilitiesOf(engine: Engine | 'auto'): readonly Ability[] {
  switch (engine) {
    case 'nfqueue':
      return ['bridgeQueue', 'nftBridgeQueue'];
    case 'tunnel-flag':
      return ['ignoreDf'];
    case 'none':
      return [];
    case 'bpf':
      return ['fastPath', 'bridgeQueue', 'nftBridgeQueue'];
    default:
      return ABILITIES;
  }
}
