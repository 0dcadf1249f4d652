/** What two ends of a tunnel have to say alike: carried from one file to the other, and compared at the end. */
import { siteError } from '../site/error.js';
import type { CarrierSpec, Site } from '../site/site.js';
import { secretFile } from '../secrets.js';
import { type Leaves, withLeaves } from './merge.js';
import type { NetEnd } from './net.js';
import { MADE } from './schema.js';

/** Keys with one value for both ends. */
const SAME = [
  ...['mtu', 'path-mtu', 'carrier.type', 'carrier.mode', 'carrier.cipher', 'carrier.keys', 'carrier.ike.psk'],
  ...['type', 'key', 'vni', 'encapsulation', 'sublayer', 'cookie', 'cookie-size'].map((key) => `tunnel.${key}`),
];

interface Sided {
  own: string;
  other: string;
  /** One stands for both, where only one is said. */
  alike: boolean;
  /** Where the key belongs only to one type of tunnel. */
  type?: Site['tunnel']['type'];
}

/** Keys of which one end has its own and the other end's, and the other end has the same two exchanged. */
const SIDED: readonly Sided[] = [
  { own: 'tunnel.port', other: 'tunnel.peer-port', alike: true, type: 'l2tp' },
  { own: 'tunnel.tunnel-id', other: 'tunnel.peer-tunnel-id', alike: true },
  { own: 'tunnel.session-id', other: 'tunnel.peer-session-id', alike: true },
  { own: 'carrier.port', other: 'carrier.remote-port', alike: true },
  { own: 'carrier.ike.local-id', other: 'carrier.ike.remote-id', alike: false },
  { own: 'carrier.inner.local', other: 'carrier.inner.remote', alike: false },
];

/** What one end's own values mean for the other end. @param type of the tunnel */
export function mirrored(own: Leaves, type: string): Leaves {
  const pairs = SIDED.filter((pair) => pair.type === undefined || pair.type === type);
  const same = type === 'vxlan' ? [...SAME, 'tunnel.port'] : SAME;
  return new Map(
    [...own].flatMap(([path, leaf]) => {
      if (same.includes(path)) return [[path, leaf] as const];
      const pair = pairs.find(({ own: one, other }) => path === one || path === other);
      return pair === undefined ? [] : [[path === pair.own ? pair.other : pair.own, leaf] as const];
    }),
  );
}

/** The other side of what has two and of which only one is said. @param common what stands above for all sites */
export function bothSided(leaves: Leaves, common: Leaves, type: string): Leaves {
  let whole = leaves;
  for (const { own, other, alike, type: only } of SIDED) {
    if (!alike || (only !== undefined && only !== type)) continue;
    for (const [path, opposite] of [
      [own, other],
      [other, own],
    ] as const) {
      const said = common.get(opposite) ?? whole.get(opposite);
      if (!whole.has(path) && said !== undefined) whole = withLeaves(whole, { [path]: said });
    }
  }
  return whole;
}

type Value = string | number | undefined;

interface Compared {
  /** Where it stands in the first end's file, and in the second one's. */
  keys: readonly [string, string];
  of: readonly [(site: Site) => Value, (site: Site) => Value];
}

const same = (key: string, of: (site: Site) => Value): Compared => ({ keys: [key, key], of: [of, of] });

function sided(own: string, other: string, ofOwn: (site: Site) => Value, ofOther: (site: Site) => Value): Compared[] {
  return [
    { keys: [own, other], of: [ofOwn, ofOther] },
    { keys: [other, own], of: [ofOther, ofOwn] },
  ];
}

const tunnelValue = (name: string) => (site: Site) => (site.tunnel as unknown as Record<string, Value>)[name];
const carrierValue = (name: string) => (site: Site) => (site.carrier as unknown as Record<string, Value>)[name];
const ikeOf = ({ carrier }: Site) => ('ike' in carrier ? carrier.ike : undefined);
const innerOf = ({ carrier }: Site) => ('inner' in carrier ? carrier.inner : undefined);

/** `a key file`, `external`, `ike` with a pre-shared key or certificates. */
function keysOf({ carrier }: { carrier: CarrierSpec }): Value {
  if (!('keys' in carrier)) return undefined;
  if (carrier.ike !== undefined) return `ike by ${carrier.ike.proof.kind}`;
  return carrier.keys === 'external' ? 'external' : 'a key file';
}

/** In the order in which they are judged. */
const COMPARED: readonly Compared[] = [
  same('tunnel.type', tunnelValue('type')),
  same('tunnel.key', tunnelValue('key')),
  same('tunnel.vni', tunnelValue('vni')),
  same('tunnel.encapsulation', tunnelValue('encapsulation')),
  same('tunnel.sublayer', tunnelValue('sublayer')),
  same('tunnel.cookie-size', ({ tunnel }) => (tunnel.type === 'l2tp' ? tunnel.cookie?.bytes : undefined)),
  ...sided('tunnel.tunnel-id', 'tunnel.peer-tunnel-id', tunnelValue('tunnelId'), tunnelValue('peerTunnelId')),
  ...sided('tunnel.session-id', 'tunnel.peer-session-id', tunnelValue('sessionId'), tunnelValue('peerSessionId')),
  same('tunnel.port', ({ tunnel }) => (tunnel.type === 'vxlan' ? tunnel.port : undefined)),
  ...sided('tunnel.port', 'tunnel.peer-port', l2tpPort('port'), l2tpPort('peerPort')),
  same('carrier.type', carrierValue('type')),
  same('carrier.mode', carrierValue('mode')),
  same('carrier.cipher', carrierValue('cipher')),
  same('carrier.keys', keysOf),
  ...sided('carrier.port', 'carrier.remote-port', carrierValue('port'), carrierValue('remotePort')),
  ...sided(
    'carrier.ike.local-id',
    'carrier.ike.remote-id',
    (site) => ikeOf(site)?.localId,
    (site) => ikeOf(site)?.remoteId,
  ),
  ...sided(
    'carrier.inner.local',
    'carrier.inner.remote',
    (site) => innerOf(site)?.local,
    (site) => innerOf(site)?.remote,
  ),
  ...sided('carrier.sid', 'carrier.segments', carrierValue('sid'), ({ carrier }) =>
    carrier.type === 'srv6' ? carrier.segments.at(-1) : undefined,
  ),
  same('path-mtu', ({ pathMtu }) => pathMtu),
];

function l2tpPort(name: 'port' | 'peerPort'): (site: Site) => Value {
  return ({ tunnel }) => (tunnel.type === 'l2tp' && tunnel.encapsulation === 'udp' ? tunnel[name] : undefined);
}

/**
 * Refuses two ends that are no mirror images of each other.
 * @throws ClearDfError USAGE with the place of the second end's value
 */
export function refuseUnlike(one: NetEnd, two: NetEnd): void {
  for (const { keys, of } of COMPARED) {
    const [first, second] = [of[0](one.parsed), of[1](two.parsed)];
    if (first === second) continue;
    const values = `${valueText(second)}, and site ${one.site} has ${keys[0]} ${valueText(first)} (${one.parsed.place(keys[0])})`;
    throw siteError(two.parsed, keys[1], `${values}; two ends of a tunnel mirror each other`, hintOf(keys));
  }
  if ((one.secret === undefined) === (two.secret === undefined)) return;
  const key = secretFile(two.parsed)?.key ?? 'carrier';
  const reason = `a file is to be made for one end alone, and site ${one.site} has another (${one.parsed.place(key)})`;
  throw siteError(two.parsed, key, reason, `write ${key} once: ${MADE}, or the name of a file that both ends have`);
}

function valueText(value: Value): string {
  return value === undefined ? 'none' : String(value);
}

function hintOf([first, second]: readonly [string, string]): string {
  if ([first, second].includes('carrier.sid')) return "the last of an end's segments is the sid of the other end";
  return first === second
    ? `write ${second} once, above for all sites or in one of the two`
    : `write ${first} in one of the two: the other one's ${second} follows from it`;
}
