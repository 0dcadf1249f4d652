/** What becomes of a full-size packet on each path of a net, on routers that nobody has looked at. */
import { align } from '../../net/columns.js';
import { assumedFacts } from '../assumed.js';
import { tunnelSizes } from '../tunnel-sizes.js';
import type { Sizes } from '../sizes.js';
import { endsOf, type Net, type NetEnd, type NetPath } from './net.js';

interface PathSizes {
  path: NetPath;
  /** From the first end, and from the second. */
  sizes: readonly [Sizes, Sizes];
}

/** @param mtu bytes that each path carries, where no file says less */
export function pathSizes({ paths }: Pick<Net, 'paths'>, mtu?: number): PathSizes[] {
  const sizesOf = ({ parsed }: NetEnd) =>
    tunnelSizes(parsed, assumedFacts(parsed, mtu === undefined ? {} : { pathMtu: mtu }));
  return paths.map((path) => ({ path, sizes: [sizesOf(path.ends[0]), sizesOf(path.ends[1])] }));
}

/** Bytes of each packet on the wire: `1500 + 58`; both ways, where they differ. */
export function wireText(sizes: readonly Sizes[]): string {
  const texts = sizes.map(({ wire }) => wire.map(({ length }) => length).join(' + '));
  return [...new Set(texts)].join(' / ');
}

/** The net as a person looks at it: who is who, and what becomes of a full-size packet on each path. */
export function netText(net: Net, mtu?: number): string {
  const { name, file, shape, hub, sites } = net;
  const others = hub === undefined ? '' : `; all tunnels lead to ${hub}, which hands on between the others`;
  const rows = sites.flatMap((site) => {
    const [end] = endsOf(net, site);
    if (end === undefined) return [];
    const { underlay, bridge } = end.parsed;
    return [[site, end.reached, underlay, `${bridge.name}: ${bridge.ports.join(', ')}`]];
  });
  const measured = pathSizes(net, mtu).map(({ path: { ends: both }, sizes }) => {
    const [{ parsed, tunnel }] = both;
    const [one] = sizes;
    return [
      both.map(({ site }) => site).join(' – '),
      tunnel,
      parsed.tunnel.type,
      parsed.carrier.type,
      [...new Set(both.map((end) => end.parsed.engine))].join(' / '),
      ...[one.pathMtu, one.inner, one.outer].map(String),
      wireText(sizes),
      String(Math.min(one.fits, one.inner)),
    ];
  });
  const title = [
    'path',
    'tunnel',
    'type',
    'carrier',
    'engine',
    'path MTU',
    'packet',
    'outside',
    'on the wire',
    'whole',
  ];
  return [
    `net ${name} (${file}): ${shape} of ${sites.length} sites${others}`,
    '',
    ...table([['site', 'local', 'underlay', 'bridge'], ...rows], () => false),
    '',
    ...table([title, ...measured], (column) => [5, 6, 7, 9].includes(column)),
    '',
    'Bytes of IP packets: a full-size one of a host, the one around it, what it becomes on the wire, and the largest',
    `that stays whole. Each path is taken to carry ${mtu ?? 1500}, where no path-mtu says less.`,
    '',
  ].join('\n');
}

function table(rows: readonly (readonly string[])[], right: (column: number) => boolean): string[] {
  return align(
    rows.map((cells) => cells.map((text) => ({ text }))),
    right,
  );
}
