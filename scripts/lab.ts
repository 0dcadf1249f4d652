/**
 * Stories on stock Debian kernels, emulated by QEMU: needs neither root nor KVM.
 *
 *   npm run lab                           what npm test runs
 *   npm run lab -- --kernel 7.2           every story on 7.2; may be given several times
 *   npm run lab -- --kernel 6.1-arm64     every story that is told on arm64
 *   npm run lab -- --all                  every story on every kernel
 *   npm run lab -- --story article        files or tests whose name holds this
 *   npm run lab -- --rates                 how fast TCP goes through each engine, side by side
 *   npm run lab -- --story matrix --all --write   writes docs/support-matrix.md anew
 *   npm run lab -- --keep                 keeps the guests' consoles, and says where
 *   npm run lab -- --shell [--kernel X]   a fresh guest on this terminal
 */
import { readdirSync } from 'node:fs';
import { Command } from 'commander';
import { execa } from 'execa';
import { type Offer, offers } from './lab/fetch.js';
import { prepare, shell } from './lab/qemu.js';
import { GUESTS } from './tiers.js';

interface LabOptions {
  kernel: string[];
  all?: boolean;
  story?: string;
  rates?: boolean;
  write?: boolean;
  keep?: boolean;
  shell?: boolean;
}

/** One of the kernels that the archive has. @throws Error that names those there are */
async function offered(name: string | undefined): Promise<Offer> {
  const { kernels, others, missing } = await offers(undefined, name === undefined ? [] : ['arm64']);
  const found = name === undefined ? kernels.at(-1) : [...kernels, ...others].find((one) => one.name === name);
  if (found !== undefined) return found;
  const there = [...kernels, ...others].map((one) => one.name).join(', ') || missing.map(({ why }) => why).join('; ');
  throw new Error(`the archive has no kernel ${name ?? ''}; it has: ${there}`);
}

const program = new Command('lab')
  .description('runs stories on stock Debian kernels, emulated')
  .option(
    '--kernel <series>',
    'only this one, as 6.1 or 6.1-arm64; may be repeated',
    (text, before: string[]) => [...before, text],
    [] as string[],
  )
  .option('--all', 'every story on every kernel')
  .option('--story <name>', 'files of test/lab, or tests, whose name holds this')
  .option('--rates', 'figures instead of stories: TCP through each engine')
  .option('--write', 'docs/support-matrix.md becomes what the stories see')
  .option('--keep', "keep the guests' consoles")
  .option('--shell', 'a shell in a fresh guest on this terminal instead of stories')
  .parse();

async function stories({ kernel, all, story, rates, write, keep }: LabOptions): Promise<number> {
  for (const name of kernel) await offered(name);
  const files = readdirSync('test/lab').filter((file) => /\.(test|more)\.ts$/.test(file) && file.includes(story ?? ''));
  const filter = story === undefined ? [] : files.length > 0 ? files.map((file) => `test/lab/${file}`) : ['-t', story];
  const { exitCode } = await execa(
    'node_modules/.bin/vitest',
    ['run', '--project', rates === true ? 'rates' : 'lab', `--maxWorkers=${GUESTS}`, ...filter],
    {
      stdio: 'inherit',
      reject: false,
      env: {
        ...(kernel.length > 0 && { CLEAR_DF_LAB_KERNELS: kernel.join(',') }),
        ...(all === true && { CLEAR_DF_LAB_ALL: '1' }),
        ...(write === true && { CLEAR_DF_LAB_WRITE: '1' }),
        ...((story !== undefined || all === true || kernel.length > 0) && { CLEAR_DF_MORE: '1' }),
        ...(keep === true && { CLEAR_DF_LAB_KEEP: '1' }),
      },
    },
  );
  return exitCode ?? 1;
}

const options = program.opts<LabOptions>();
try {
  if (options.shell === true) await shell(await prepare(await offered(options.kernel[0]), true));
  else process.exitCode = await stories(options);
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
