/** One bridge hands its IPv4 frames to iptables, whatever the namespace's default is. */
import { linkOf } from '../facts.js';
import type { Command, Item } from '../item.js';

/**
 * `nf_call_iptables` of `ip link set … type bridge` (BROPT_NF_CALL_IPTABLES); either it or the sysctl is enough. It is put
 * back also on a bridge that the plan makes: another tunnel may keep the bridge and not need this.
 */
export function bridgeCallItem(name: string, reason: string): Item {
  const set = (value: number): Command => ({
    argv: ['ip', 'link', 'set', 'dev', name, 'type', 'bridge', 'nf_call_iptables', String(value)],
  });
  return {
    kind: 'bridge-call',
    key: `bridge-call ${name}`,
    desired: `${name} hands its IPv4 frames to iptables`,
    reason,
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: `there is no ${name}` };
      const value = link.data['nf_call_iptables'];
      return Number(value) === 1
        ? { state: 'in-sync' }
        : { state: 'differs', observed: `nf_call_iptables is ${value === undefined ? 'not there' : Number(value)}` };
    },
    apply: () => [set(1)],
    undo(facts) {
      const value = linkOf(facts, name)?.data['nf_call_iptables'];
      // The bridge may have gone with another tunnel.
      return value === undefined || Number(value) === 1 ? [] : [{ ...set(Number(value)), mayFail: true }];
    },
  };
}
