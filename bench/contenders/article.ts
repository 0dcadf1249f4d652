/** The article's way, in C. */
import { program } from '../lab/programs.js';
import type { Contender } from './contender.js';

export const article: Contender = {
  name: 'article',
  rule: { kind: 'queue', takes: 'df', queues: 1 },
  clears: true,
  identifies: true,
  endsInFlood: true,
  process: { command: async () => [await program('article'), '0'], ready: /^ready$/m },
};
