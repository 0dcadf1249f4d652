/** A program at a device's egress clears DF (tc, BPF). */
import type { IdentificationPolicy } from '../enums.js';
import type { Command, Item } from '../item.js';

interface FastPathOptions {
  /** The instance's. */
  name: string;
  identification: IdentificationPolicy;
  reason: string;
}

/** By what a command of this begins; carried out without starting another process. */
export const FAST_PATH_COMMAND = ['clear-df', 'fast-path'] as const;

export function fastPathItem(device: string, { name, identification, reason }: FastPathOptions): Item {
  const command = (verb: 'attach' | 'detach', ...more: string[]): Command['argv'] => [
    ...FAST_PATH_COMMAND,
    verb,
    device,
    '--name',
    name,
    ...more,
  ];
  return {
    kind: 'fast-path',
    key: `fast-path ${device}`,
    desired: `a program at the egress of ${device} clears DF, identification ${identification}`,
    reason,
    status({ fastPath }) {
      if (fastPath === undefined) return { state: 'differs', observed: 'whether it is attached could not be read' };
      switch (fastPath.state) {
        case 'absent':
          return { state: 'differs', observed: 'no program of this tunnel is attached' };
        case 'conflict':
          return fastPath;
        case 'attached': {
          const { identification: found = identification } = fastPath;
          if (found === identification) return { state: 'in-sync' };
          return { state: 'differs', observed: `its identification is ${found}` };
        }
      }
    },
    apply: () => [{ argv: command('attach', '--identification', identification) }],
    // With the device it is gone already.
    undo: () => [{ argv: command('detach'), mayFail: true }],
  };
}
