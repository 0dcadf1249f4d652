/** A kernel parameter has a value. */
import type { Facts } from '../facts.js';
import type { Command, Condition, Item } from '../item.js';

interface SysctlOptions {
  reason: string;
  /** The parameter comes and goes with a module that this plan loads: nothing has to be put back. */
  fresh?: boolean;
  /** It is put back while this holds: others than tunnels of ours may rely on it. */
  backWhile?: Condition;
}

/** {@link Item.key} of a parameter's item. */
export function sysctlKey(name: string): string {
  return `sysctl ${name}`;
}

/** @param name with slashes, because device names may hold dots: `net/ipv4/conf/eth0.1/forwarding` */
export function sysctlItem(name: string, value: string, { reason, fresh = false, backWhile }: SysctlOptions): Item {
  const write = (text: string): Command => ({ argv: ['sysctl', '-w', `${name}=${text}`] });
  const back = (text: string): Command => ({
    ...write(text),
    ...(backWhile === undefined ? {} : { onlyWhile: backWhile }),
  });
  return {
    kind: 'sysctl',
    key: sysctlKey(name),
    desired: `${name} is ${value}`,
    reason,
    status(facts: Facts) {
      const found = facts.sysctls.get(name);
      if (found === value) return { state: 'in-sync' };
      return { state: 'differs', observed: found === undefined ? 'it is not there' : `it is ${found}` };
    },
    apply: () => [write(value)],
    undo(facts) {
      const before = facts.sysctls.get(name);
      return fresh || before === undefined || before === value ? [] : [back(before)];
    },
  };
}
