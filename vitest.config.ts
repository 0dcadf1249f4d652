import { defineConfig } from 'vitest/config';
import { patient } from './test/helpers/slowness.js';

const SECOND = 1000;
/** For tests that take seconds at most: only what hangs needs it, on a machine however busy. */
const HANGS = 180 * SECOND;

/** What `npm test` has no time for, `npm run test:all` runs. */
const KINDS = process.env['CLEAR_DF_MORE'] === '1' ? ['test', 'more'] : ['test'];

/**
 * Of the netns tier, what wants the machine to itself: floods fill each core's backlog, which all namespaces share, the
 * bench is one to a machine, and the doctor compares what is the machine's.
 */
const ALONE = ['bench', 'bench-here', 'doctor', 'flood', 'life', 'memory'].map((name) => `test/netns/${name}.*.ts`);

interface Tier {
  testTimeout: number;
  serial?: boolean;
  kinds?: string[];
  setup?: string;
  include?: string[];
  exclude?: string[];
  /** Groups run one after the other. */
  group?: number;
}

/** One project per tier, or two; `scripts/test.ts` runs them in order. */
function tier(name: string, { testTimeout, serial, kinds = KINDS, setup, include, exclude = [], group = 0 }: Tier) {
  return {
    test: {
      name,
      include: include ?? kinds.map((kind) => `test/${name}/**/*.${kind}.ts`),
      exclude,
      ...(setup === undefined ? {} : { globalSetup: setup }),
      pool: 'forks' as const,
      fileParallelism: serial !== true,
      sequence: { groupOrder: group },
      testTimeout: patient(testTimeout),
      hookTimeout: patient(Math.max(60 * SECOND, testTimeout)),
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      tier('unit', { testTimeout: HANGS }),
      tier('native', { testTimeout: HANGS }),
      tier('addon', { testTimeout: HANGS, serial: true }),
      tier('oracle', { testTimeout: 300 * SECOND, serial: true }),
      tier('netns', { testTimeout: HANGS, exclude: ALONE }),
      tier('netns-alone', {
        ...{ testTimeout: HANGS, serial: true, group: 1 },
        include: ALONE.flatMap((file) => KINDS.map((kind) => file.replace('.*.', `.${kind}.`))),
      }),
      // Side by side: a guest keeps one core busy most of the time. How many: scripts/tiers.ts.
      tier('lab', { testTimeout: 300 * SECOND, setup: 'test/lab/setup.ts' }),
      tier('examples', { testTimeout: HANGS, serial: true }),
      tier('pack', { testTimeout: 300 * SECOND, serial: true }),
      // Figures, not a tier: `npm run lab -- --rates`.
      tier('rates', { testTimeout: 1800 * SECOND, serial: true, kinds: ['rates'], setup: 'test/lab/setup.ts' }),
    ],
  },
});
