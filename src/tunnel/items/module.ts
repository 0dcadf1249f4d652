/** A kernel module is loaded. */
import type { Command, Condition, Item } from '../item.js';

interface ModuleOptions {
  reason: string;
  /** Unload it again under this condition; without one it stays, because others may use it unseen. */
  unloadWhile?: Condition;
}

export function moduleItem(name: string, { reason, unloadWhile }: ModuleOptions): Item {
  const unload: Command[] =
    unloadWhile === undefined ? [] : [{ argv: ['modprobe', '-r', name], mayFail: true, onlyWhile: unloadWhile }];
  return {
    kind: 'module',
    key: `module ${name}`,
    desired: `the kernel module ${name} is loaded`,
    reason,
    status: (facts) =>
      facts.modules.has(name) ? { state: 'in-sync' } : { state: 'differs', observed: 'it is not loaded' },
    apply: () => [{ argv: ['modprobe', name] }],
    undo: (facts) => (facts.modules.has(name) ? [] : unload),
  };
}

/** Whether a tunnel module makes gre0, ip_vti0 and the like where it is loaded; 2: nowhere (kernel 5.10 and later). */
const FALLBACKS = 'net/core/fb_tunnels_only_for_init_net';
const NOWHERE = '2';

/**
 * A module of tunnel devices, loaded without the devices that it would make unasked.
 *
 * It stays when the tunnel goes: unloading it would take every device of its kind with it, in all network namespaces.
 * Only the initial namespace has the parameter; loaded from another one, the module brings its own devices along.
 * @param name ip_gre, ip_vti
 * @param what `gretap devices`
 */
export function tunnelModuleItem(name: string, what: string): Item {
  const item = moduleItem(name, {
    reason: `${what} are part of it; it stays loaded, because others may use it unseen`,
  });
  const set = (value: string): Command => ({ argv: ['sysctl', '-w', `${FALLBACKS}=${value}`] });
  return {
    ...item,
    apply(facts) {
      const before = facts.sysctls.get(FALLBACKS);
      if (before === undefined || before === NOWHERE) return item.apply(facts);
      return [set(NOWHERE), ...item.apply(facts), set(before)];
    },
    undo(facts) {
      const before = facts.sysctls.get(FALLBACKS);
      // For an `up` that was killed between the two.
      return facts.modules.has(name) || before === undefined || before === NOWHERE ? [] : [set(before)];
    },
  };
}
