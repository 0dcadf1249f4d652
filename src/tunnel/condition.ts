/** Whether a command of an undo may still run: between `up` and `down` others may have come to rely on what we made. */
import type { Facts } from './facts.js';
import type { Command } from './item.js';

/**
 * Why a command has to be left out now, in words; undefined when it may run.
 * @param settled whether a parameter's value is somebody's will; one that an `up` which was cut short has not come to
 *   yet has the value that the kernel gave it
 */
export function unmet(
  { onlyWhile }: Command,
  facts: Facts,
  settled: (sysctl: string) => boolean = () => true,
): string | undefined {
  if (onlyWhile === undefined) return undefined;
  for (const [name, value] of Object.entries(onlyWhile.sysctls ?? {})) {
    const found = facts.sysctls.get(name);
    if (found !== undefined && found !== value && settled(name))
      return `${name} is ${found} now: someone else relies on it`;
  }
  if (onlyWhile.noBridgeCalls === true) {
    const caller = facts.links.find(
      ({ kind, data }) => kind === 'bridge' && Number(data['nf_call_iptables'] ?? 0) !== 0,
    );
    if (caller) return `bridge ${caller.name} hands its frames to iptables`;
  }
  const { noPorts, noRoutesWith } = onlyWhile;
  if (noRoutesWith !== undefined) {
    const words = ` ${noRoutesWith.join(' ')} `;
    const route = facts.tableRoutes.find((one) => ` ${one.words.join(' ')} `.includes(words));
    if (route) return `the route to ${route.destination} (${noRoutesWith.join(' ')}) relies on it`;
  }
  const port = noPorts === undefined ? undefined : facts.links.find(({ master }) => master === noPorts);
  return port && `${port.name} is a port of ${noPorts}, and not by this tunnel`;
}
