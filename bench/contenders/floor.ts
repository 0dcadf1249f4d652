/** What NFQUEUE itself costs: who only accepts, and who hands packets back. */
import { program } from '../lab/programs.js';
import type { Contender } from './contender.js';

function floor(name: 'null' | 'echo'): Contender {
  return {
    name,
    rule: { kind: 'queue', takes: 'df', queues: 1 },
    clears: false,
    identifies: false,
    ...(name === 'echo' ? { datagramsOnly: true } : {}),
    process: { command: async () => [await program('floor'), name, '0'], ready: /^ready$/m },
  };
}

export const floors: readonly Contender[] = [floor('null'), floor('echo')];
