import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { MORE } from './test/helpers/more.js';
import { patient } from './test/helpers/slowness.js';

const SECOND = 1000;
/** For tests that take seconds at most: only what hangs needs it, on a machine however busy. */
const HANGS = 180 * SECOND;

const KINDS = MORE ? ['test', 'more'] : ['test'];

/**
 * Of the netns tier, what wants the machine to itself: floods fill each core's backlog, which all namespaces share, the
 * bench is one to a machine, and the doctor compares what is the machine's.
 */
const ALONE = ['bench', 'bench-here', 'doctor', 'flood', 'life', 'memory'].map((name) => `test/netns/${name}.*.ts`);

/** Files of the unit tier that replace a module, for whoever imports it after them as well. */
const MOCKING = readdirSync('test/unit', { recursive: true, encoding: 'utf8' })
  .map((file) => `test/unit/${file}`)
  .filter((file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes('vi.mock('));

/** Short files that take long, because their tests are shared ones: begun last, they would run alone at the end. */
const LONG = ['rules', 'rules-backends', 'tunnel-refusals', 'vxlan', 'fragment-inner', 'fragment-loss'].map(
  (name) => `netns/${name}.test.ts`,
);

/** In a fresh clone vitest goes by size. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

interface Tier {
  testTimeout: number;
  serial?: boolean;
  /** Files of one process import every module once, which takes half of the time that each its own takes. */
  together?: boolean;
  kinds?: string[];
  setup?: string;
  include?: string[];
  exclude?: string[];
  /** Groups run one after the other. */
  group?: number;
}

/** One project per tier, or two; `scripts/test.ts` runs them in order. */
function tier(
  name: string,
  { testTimeout, serial, together, kinds = KINDS, setup, include, exclude = [], group = 0 }: Tier,
) {
  return {
    test: {
      name,
      include: include ?? kinds.map((kind) => `test/${name}/**/*.${kind}.ts`),
      exclude,
      ...(setup === undefined ? {} : { globalSetup: setup }),
      pool: 'forks' as const,
      isolate: together !== true,
      fileParallelism: serial !== true,
      sequence: { groupOrder: group },
      testTimeout: patient(testTimeout),
      hookTimeout: patient(Math.max(60 * SECOND, testTimeout)),
    },
  };
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      tier('unit', { testTimeout: HANGS, together: true, exclude: MOCKING }),
      tier('unit-mocking', { testTimeout: HANGS, include: MOCKING }),
      tier('native', { testTimeout: HANGS }),
      tier('addon', { testTimeout: HANGS }),
      tier('oracle', { testTimeout: 300 * SECOND }),
      tier('netns', { testTimeout: HANGS, exclude: ALONE }),
      tier('netns-alone', {
        ...{ testTimeout: HANGS, serial: true, group: 1 },
        include: ALONE.flatMap((file) => KINDS.map((kind) => file.replace('.*.', `.${kind}.`))),
      }),
      // How many side by side: scripts/tiers.ts.
      tier('lab', { testTimeout: 300 * SECOND, setup: 'test/lab/setup.ts' }),
      tier('examples', { testTimeout: HANGS }),
      tier('pack', { testTimeout: 300 * SECOND, serial: true }),
      // Figures, not a tier: `npm run lab -- --rates`.
      tier('rates', { testTimeout: 1800 * SECOND, serial: true, kinds: ['rates'], setup: 'test/lab/setup.ts' }),
    ],
  },
});
