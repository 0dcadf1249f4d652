/** A kernel module is loaded. */
import type { Command, Condition, Item } from '../item.js';

export interface ModuleOptions {
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
