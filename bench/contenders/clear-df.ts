/** clear-df as it is built in this tree, by its own command line, with the flags that make a difference here. */
import { existsSync } from 'node:fs';
import { MAIN } from '../../test/helpers/clear-df.js';
import type { Taken } from '../lab/rule.js';
import type { ContenderName } from '../record/catalogue.js';
import type { Contender } from './contender.js';

interface Variant {
  gso?: 'on' | 'off';
  takes?: Taken;
  queues?: number;
  /** More flags of `run`. */
  flags?: readonly string[];
}

function clearDf(name: ContenderName, { gso = 'on', takes = 'df', queues = 1, flags = [] }: Variant = {}): Contender {
  const range = queues === 1 ? '0' : `0:${queues - 1}`;
  return {
    name,
    rule: { kind: 'queue', takes, queues },
    clears: true,
    identifies: true,
    process: {
      command: async () => {
        if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build makes it`);
        return [process.execPath, MAIN, 'run', '--queue', range, '--gso', gso, ...flags];
      },
      ready: /clear-df is running/,
    },
  };
}

export const clearDfs: readonly Contender[] = [
  { name: 'fast-path', rule: { kind: 'fast-path' }, clears: true, identifies: true },
  clearDf('fast-path-queue', {
    takes: 'df-unnumbered',
    flags: ['--fast-path', 'require', '--fast-path-dev', 'eth1'],
  }),
  clearDf('clear-df'),
  clearDf('clear-df-segments', { gso: 'off' }),
  clearDf('clear-df-all', { takes: 'all' }),
  clearDf('clear-df-single', { flags: ['--batch', '1', '--coalesce', '0'] }),
  clearDf('clear-df-prompt', { flags: ['--coalesce', '0'] }),
  clearDf('clear-df-2', { queues: 2 }),
  clearDf('clear-df-3', { queues: 3 }),
  clearDf('clear-df-4', { queues: 4 }),
];
