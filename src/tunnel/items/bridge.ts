/** There is a bridge of this name. */
import { linkOf } from '../facts.js';
import type { Item } from '../item.js';

export function bridgeItem(name: string, reason: string): Item {
  return {
    kind: 'bridge',
    key: `bridge ${name}`,
    desired: `there is a bridge ${name}`,
    reason,
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: 'there is none' };
      if (link.kind === 'bridge') return { state: 'in-sync' };
      const found = `${name} is a ${link.kind ?? 'hardware'} device`;
      return { state: 'conflict', observed: found, hint: 'choose another bridge.name' };
    },
    apply: () => [{ argv: ['ip', 'link', 'add', 'name', name, 'type', 'bridge'] }],
    undo: (facts) =>
      linkOf(facts, name) === undefined
        ? [
            {
              argv: ['ip', 'link', 'delete', 'dev', name, 'type', 'bridge'],
              mayFail: true,
              // Our own ports have left it by then; what is still in it came from someone else.
              onlyWhile: { noPorts: name },
            },
          ]
        : [],
  };
}
