/** An IPv4 route of the main table goes by another device than before. */
import type { Route } from '../facts.js';
import type { Item } from '../item.js';

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
