/**
 * The npm package nfqueue. It is no dependency of clear-df: it has a package.json and a lock of its own, is installed
 * from them into the bench's cache, and compiled there by its own binding.gyp.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../../test/helpers/tools.js';
import { CACHE } from '../lab/programs.js';
import type { Contender } from './contender.js';

const SOURCE = path.join(PROJECT, 'bench/contenders/npm-nfqueue');
const FOLDER = path.join(CACHE, 'npm-nfqueue');
const ADDON = path.join(FOLDER, 'node_modules/nfqueue/build/Release/nfqueue.node');
const FILES = ['package.json', 'package-lock.json', 'loop.cjs'];

/** The package has a parameter for it; its default of 65,535 bytes holds some dozen packets. */
const RECEIVE_BUFFER = 64 * 1024 * 1024;

export const npmNfqueue: Contender = {
  name: 'npm-nfqueue',
  rule: { kind: 'queue', takes: 'df', queues: 1 },
  clears: true,
  identifies: true,
  process: {
    command: async () => {
      await build();
      return [process.execPath, path.join(FOLDER, 'loop.cjs'), '0', String(RECEIVE_BUFFER)];
    },
    ready: /^ready$/m,
  },
};

function isCurrent(): boolean {
  const same = (file: string): boolean => {
    const [ours, theirs] = [path.join(SOURCE, file), path.join(FOLDER, file)];
    return existsSync(theirs) && readFileSync(ours, 'utf8') === readFileSync(theirs, 'utf8');
  };
  return existsSync(ADDON) && FILES.every(same);
}

async function build(): Promise<void> {
  if (isCurrent()) return;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const file of FILES) copyFileSync(path.join(SOURCE, file), path.join(FOLDER, file));
  const limits = { timeout: 300_000, stdin: 'ignore' } as const;
  // npm 12 runs no install script, and the npm before it warns: node-gyp is called by hand.
  await execa('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { ...limits, cwd: FOLDER });
  const headers = (await execa('bash', [path.join(PROJECT, 'scripts/build-native'), '--print-nodedir'])).stdout;
  const gyp = path.join(PROJECT, 'node_modules/.bin/node-gyp');
  await execa(gyp, ['rebuild', ...(headers === '' ? [] : [`--nodedir=${headers}`])], {
    ...limits,
    cwd: path.join(FOLDER, 'node_modules/nfqueue'),
  });
}
