import { defineConfig } from 'vitest/config';

const SECOND = 1000;

/** Stories that npm test has no time for are told when they are asked for: see test/lab/kernels.ts. */
const ASKED = ['ALL', 'KERNELS', 'MORE'].some((name) => (process.env[`CLEAR_DF_LAB_${name}`] ?? '') !== '');
const LAB_KINDS = ASKED ? ['test', 'more'] : ['test'];

/** One project per tier; `scripts/test.ts` runs them in order. */
function tier(name: string, options: { serial?: boolean; testTimeout: number; kinds?: string[]; setup?: string }) {
  return {
    test: {
      name,
      include: (options.kinds ?? ['test']).map((kind) => `test/${name}/**/*.${kind}.ts`),
      ...(options.setup === undefined ? {} : { globalSetup: options.setup }),
      pool: 'forks' as const,
      fileParallelism: options.serial !== true,
      testTimeout: options.testTimeout,
      hookTimeout: Math.max(60 * SECOND, options.testTimeout),
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      tier('unit', { testTimeout: 30 * SECOND }),
      tier('native', { testTimeout: 120 * SECOND }),
      tier('addon', { testTimeout: 60 * SECOND, serial: true }),
      tier('oracle', { testTimeout: 300 * SECOND, serial: true }),
      tier('netns', { testTimeout: 120 * SECOND, serial: true }),
      // Side by side: a guest keeps one core busy most of the time. How many: scripts/test.ts, scripts/lab.ts.
      tier('lab', { testTimeout: 300 * SECOND, setup: 'test/lab/setup.ts', kinds: LAB_KINDS }),
      tier('examples', { testTimeout: 60 * SECOND, serial: true }),
      tier('pack', { testTimeout: 300 * SECOND, serial: true }),
      // Figures, not a tier: `npm run lab -- --rates`.
      tier('rates', { testTimeout: 1800 * SECOND, serial: true, kinds: ['rates'] }),
    ],
  },
});
