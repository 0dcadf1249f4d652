/** Whether a command of an undo may still run: between `up` and `down` others may have come to rely on what we made. */
import type { Facts } from './facts.js';
import type { Command } from './item.js';

/** Why a command has to be left out now, in words; undefined when it may run. */
export function unmet({ onlyWhile }: Command, facts: Facts): string | undefined {
  if (onlyWhile === undefined) return undefined;
  for (const [name, value] of Object.entries(onlyWhile.sysctls ?? {})) {
    const found = facts.sysctls.get(name);
    if (found !== undefined && found !== value) return `${name} is ${found} now: someone else relies on it`;
  }
  if (onlyWhile.noBridgeCalls === true) {
    const caller = facts.links.find(
      ({ kind, data }) => kind === 'bridge' && Number(data['nf_call_iptables'] ?? 0) !== 0,
    );
    if (caller) return `bridge ${caller.name} hands its frames to iptables`;
  }
  return undefined;
}
