/** Routes, and the source address of those into segments. */
import { isIpv6 } from '../../net/address6.js';
import { type Facts, NO_TUNSRC, type Route, type TableRoute } from '../facts.js';
import type { Command, Item } from '../item.js';

/** An IPv4 route of the main table goes by another device than before. */
export function routeItem(route: Route, dev: string, reason: string): Item {
  const { destination, via } = route;
  const metric = valueBehind(route.words, 'metric');
  // Replaced in place, so that there is no moment without it.
  const command = (words: readonly string[]) => ({ argv: ['ip', 'route', 'replace', destination, ...words] });
  // Of several nexthops, only those by this device.
  const moved = route.words.map((word, i) => (route.words[i - 1] === 'dev' && word === route.dev ? dev : word));
  const gateway = via === undefined ? '' : ` via ${via}`;
  return {
    kind: 'route',
    key: `route ${destination}${metric === undefined ? '' : ` metric ${metric}`}`,
    desired: `the route to ${destination}${gateway} uses ${dev}`,
    reason,
    status(facts) {
      const found = facts.routes.find(
        (other) =>
          other.destination === destination && other.via === via && valueBehind(other.words, 'metric') === metric,
      );
      if (found?.dev === dev) return { state: 'in-sync' };
      return { state: 'differs', observed: found === undefined ? 'there is no such route' : `it uses ${found.dev}` };
    },
    apply: () => [command(moved)],
    undo: () => [command(route.words)],
  };
}

function valueBehind(words: readonly string[], word: string): string | undefined {
  const at = words.indexOf(word);
  return at < 0 ? undefined : words[at + 1];
}

interface TableRouteOptions {
  family: 4 | 6;
  /** Number, or `main` for IPv6. */
  table: string;
  /** One host. */
  destination: string;
  /** As `ip route add` takes them: `encap seg6 mode encap segs fc00::1 dev eth1`. */
  words: readonly string[];
  /** Of what `ip route show` prints of it: each of these has to be there, word for word. */
  shown: readonly string[];
  desired: string;
  reason: string;
}

/** There is a route in one routing table, with the words that it was given. */
export function tableRouteItem(options: TableRouteOptions): Item {
  const { family, table, destination, words, shown, desired: wanted, reason } = options;
  const at = [`${destination}/${family === 4 ? 32 : 128}`, ...(table === 'main' ? [] : ['table', table])];
  const ip = ['ip', ...(family === 6 ? ['-6'] : []), 'route'];
  return {
    kind: 'table-route',
    key: `route ${destination} table ${table}`,
    desired: wanted,
    reason,
    status({ tableRoutes }) {
      const found = tableRoutes.find(
        (one) => one.family === family && one.table === table && one.destination === destination,
      );
      if (found === undefined) return { state: 'differs', observed: 'there is no such route' };
      if (holds(found, shown)) return { state: 'in-sync' };
      const [command, ...rest] = [...ip, 'delete', ...at];
      return {
        state: 'conflict',
        observed: `table ${table} has: ${destination} ${found.words.join(' ')}`,
        hint: `see whose it is, or: ${command} ${rest.join(' ')}`,
      };
    },
    apply: () => [{ argv: [...ip, 'add', ...at, ...words] }],
    change: () => [{ argv: [...ip, 'replace', ...at, ...words] }],
    // Routes of a VRF's table outlive the VRF where they lead to other devices.
    undo: () => [{ argv: [...ip, 'delete', ...at], mayFail: true }],
  };
}

/**
 * The route to the other end has an MTU of its own: the path carries less than its first link does. Over IPv6 nobody but
 * this router cuts (RFC 8200 §4.5), and what it learns of the path does not reach the socket of an L2TPv3 tunnel.
 * @param path as it was before: device and gateway stay as they are
 * @param mtu bytes
 */
export function pathRouteItem(
  remote: string,
  { dev, via }: { dev: string; via?: string | undefined },
  mtu: number,
): Item {
  const six = isIpv6(remote);
  const ip = ['ip', ...(six ? ['-6'] : []), 'route'];
  const host = `${remote}/${six ? 128 : 32}`;
  const words = [...(via === undefined ? [] : ['via', via]), 'dev', dev];
  const phrases = [...(via === undefined ? [] : [`via ${via}`]), `dev ${dev}`, `mtu ${mtu}`];
  // Of the main table: IPv4 routes there are `routes`, IPv6 ones are among those of all tables.
  const found = (facts: Facts) =>
    six
      ? facts.tableRoutes.find((one) => one.family === 6 && one.table === 'main' && one.destination === remote)
      : facts.routes.find(({ destination }) => destination === remote);
  return {
    kind: 'path-route',
    key: `path-route ${remote}`,
    desired: `the route to ${remote} has an MTU of ${mtu} bytes`,
    reason: `path-mtu: the path carries less than ${dev}; without it larger packets would be sent, and lost`,
    status(facts) {
      const route = found(facts);
      if (route === undefined) return { state: 'differs', observed: 'there is no such route' };
      if (holds(route, phrases)) return { state: 'in-sync' };
      const hint = `see whose it is; or give it the MTU by hand, and leave path-mtu out: ${[...ip, 'delete', host].join(' ')}`;
      return { state: 'conflict', observed: `there is a route already: ${remote} ${route.words.join(' ')}`, hint };
    },
    apply: () => [{ argv: [...ip, 'add', host, ...words, 'mtu', String(mtu)] }],
    change: () => [{ argv: [...ip, 'replace', host, ...words, 'mtu', String(mtu)] }],
    // Whatever gateway and MTU later versions of the file have given it.
    undo: () => [{ argv: [...ip, 'delete', host], mayFail: true }],
  };
}

function holds({ words }: Pick<TableRoute, 'words'>, wanted: readonly string[]): boolean {
  const text = ` ${words.join(' ')} `;
  return wanted.every((phrase) => text.includes(` ${phrase} `));
}

interface DeviceRouteOptions {
  table: number;
  /** Metric, where several routes lead to the same host. */
  metric?: number;
  reason: string;
}

/** By a device, with the source address that its packets get; or nowhere. */
type DeviceTarget = { dev: string; source: string } | 'unreachable';

/**
 * A table of the routing policy has an IPv4 route to one host.
 * @param host without a prefix length
 */
export function deviceRouteItem(
  host: string,
  target: DeviceTarget,
  { table, metric, reason }: DeviceRouteOptions,
): Item {
  const number = String(table);
  const nowhere = target === 'unreachable';
  const words = [
    ...(nowhere ? ['unreachable', `${host}/32`] : [`${host}/32`, 'dev', target.dev, 'src', target.source]),
    ...(metric === undefined ? [] : ['metric', String(metric)]),
    ...['table', number],
  ];
  const text = nowhere ? 'nowhere' : `by ${target.dev}`;
  const find = ({ tableRoutes }: Facts) =>
    tableRoutes.find(
      (route) =>
        route.family === 4 &&
        route.table === number &&
        route.destination === host &&
        (nowhere ? route.type === 'unreachable' : route.type === undefined && route.dev === target.dev),
    );
  return {
    kind: 'device-route',
    key: `device-route ${number} ${host} ${nowhere ? 'unreachable' : target.dev}`,
    desired: `table ${number} leads to ${host} ${text}${metric === undefined ? '' : `, metric ${metric}`}`,
    reason,
    status(facts) {
      const found = find(facts);
      if (found === undefined) return { state: 'differs', observed: 'it does not' };
      const source = valueBehind(found.words, 'src');
      // One that was seen without its source counts as it is.
      if (nowhere || source === undefined || source === target.source) return { state: 'in-sync' };
      return { state: 'differs', observed: `its source is ${source}` };
    },
    apply: (facts) => [{ argv: ['ip', 'route', find(facts) === undefined ? 'add' : 'replace', ...words] }],
    // A route goes with its device.
    undo: () => [{ argv: ['ip', 'route', 'delete', ...words], mayFail: true }],
  };
}

const TUNSRC_KEY = 'tunsrc';

/** The source address of packets that are put into IPv6 with segments: one for a whole network namespace. */
export function tunsrcItem(source: string, reason: string): Item {
  const set = (address: string, more: Partial<Command> = {}): Command => ({
    argv: ['ip', 'sr', 'tunsrc', 'set', address],
    ...more,
  });
  const before = ({ tunsrc }: Facts) => tunsrc ?? NO_TUNSRC;
  return {
    kind: 'tunsrc',
    key: TUNSRC_KEY,
    desired: `packets with segments come from ${source}`,
    reason,
    status(facts) {
      const found = before(facts);
      if (found === source) return { state: 'in-sync' };
      if (found === NO_TUNSRC) return { state: 'differs', observed: 'the kernel chooses one' };
      return {
        state: 'conflict',
        observed: `they come from ${found}, all of this network namespace: set by another tenant's file, or by hand`,
        hint: `carrier.source: ${found}, the same for every tenant; or, if unused: ip sr tunsrc set ${NO_TUNSRC}`,
      };
    },
    apply: () => [set(source)],
    change: () => [set(source)],
    undo: (facts) =>
      before(facts) === source ? [] : [set(before(facts), { onlyWhile: { noRoutesWith: ['encap', 'seg6'] } })],
  };
}
