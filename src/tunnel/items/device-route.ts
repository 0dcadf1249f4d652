/** A table of the routing policy has an IPv4 route to one host. */
import type { Item } from '../item.js';

export interface DeviceRouteOptions {
  table: number;
  /** Metric, where several routes lead to the same host. */
  metric?: number;
  reason: string;
}

/** By a device, with the source address that its packets get; or nowhere. */
export type DeviceTarget = { dev: string; source: string } | 'unreachable';

/** @param host without a prefix length */
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
  return {
    kind: 'device-route',
    key: `device-route ${number} ${host} ${nowhere ? 'unreachable' : target.dev}`,
    desired: `table ${number} leads to ${host} ${text}${metric === undefined ? '' : `, metric ${metric}`}`,
    reason,
    status({ tableRoutes }) {
      const found = tableRoutes.some(
        (route) =>
          route.family === 4 &&
          route.table === number &&
          route.destination === host &&
          (nowhere ? route.type === 'unreachable' : route.type === undefined && route.dev === target.dev),
      );
      return found ? { state: 'in-sync' } : { state: 'differs', observed: 'it does not' };
    },
    apply: () => [{ argv: ['ip', 'route', 'add', ...words] }],
    // A route goes with its device.
    undo: () => [{ argv: ['ip', 'route', 'delete', ...words], mayFail: true }],
  };
}
