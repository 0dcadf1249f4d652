/** The tarball as each package manager installs it: nothing is built, the command and the library work. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { patient } from '../helpers/slowness.js';
import { capture, expectCleared } from './capture.js';
import { Consumer } from './consumer.js';

interface Manager {
  name: string;
  /** Words of `npx`; the tarball's name follows. */
  add: string[];
  /** What it reads beside package.json. */
  files: Record<string, string>;
  /** In front of what runs in its folder. */
  run: string[];
}

/** Yarn 2 and later. */
const berry = (linker: string): Manager => ({
  name: `yarn 4 (${linker})`,
  add: ['@yarnpkg/cli-dist@4', 'add'],
  files: {
    'yarn.lock': '',
    '.yarnrc.yml': `enableTelemetry: false\nenableImmutableInstalls: false\nnodeLinker: ${linker}\n`,
  },
  run: ['npx', '-y', '@yarnpkg/cli-dist@4', 'exec'],
});
const MANAGERS: Manager[] = [
  { name: 'yarn 1', add: ['yarn@1', 'add'], files: {}, run: [] },
  berry('node-modules'),
  berry('pnp'),
  { name: 'pnpm', add: ['pnpm@10', 'add'], files: {}, run: [] },
  { name: 'bun', add: ['bun@1', 'add'], files: {}, run: [] },
];

/** Resolved by the manager's own rules, which under PnP is no file of node_modules. */
const COMMAND = `
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { ClearDf } = require('clear-df');
if (typeof ClearDf.open !== 'function') throw new Error('the library has no ClearDf.open');
const main = path.join(path.dirname(require.resolve('clear-df/package.json')), 'bin/clear-df.cjs');
const { status } = spawnSync(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status);`;

let consumer: Consumer;

beforeAll(async () => {
  consumer = await Consumer.create();
}, patient(300_000));

afterAll(() => {
  consumer?.dispose();
});

describe.each(MANAGERS)('$name', ({ name, add, files, run }) => {
  let folder = '';

  const within = async (words: readonly string[]) => {
    const [command = '', ...args] = words;
    // A folder of the checkout's tools in front of PATH would be the wrong manager's.
    const env = {
      PATH: (process.env['PATH'] ?? '')
        .split(':')
        .filter((each) => !each.includes('node_modules'))
        .join(':'),
    };
    return execa(command, args, { cwd: folder, env, reject: false, stdin: 'ignore', timeout: patient(240_000) });
  };

  beforeAll(() => {
    folder = path.join(consumer.folder, name.replaceAll(/\W+/g, '-'));
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
  });

  test('installs it and builds nothing', async () => {
    const tarball = `clear-df@file:${path.join(consumer.folder, consumer.packed.filename)}`;
    const { exitCode, all } = await execa('npx', ['-y', ...add, tarball], {
      ...{ cwd: folder, all: true, reject: false, stdin: 'ignore', timeout: patient(240_000) },
    });
    expect(exitCode, all).toBe(0);
    const built = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(built.filter((file) => /clear-df.*\bbuild\/|\.o$/.test(file))).toEqual([]);
  });

  test('the command loads the addon, and the library is found', async () => {
    writeFileSync(path.join(folder, 'run.cjs'), COMMAND);
    writeFileSync(path.join(folder, 'in.pcap'), capture());
    const version = await within([...run, 'node', 'run.cjs', '--version']);
    expect(version.stdout, version.stderr).toBe(consumer.packed.version);
    const pcap = await within([...run, 'node', 'run.cjs', 'pcap', 'in.pcap', 'out.pcap']);
    expect(pcap.exitCode, pcap.stderr).toBe(0);
    expectCleared(path.join(folder, 'out.pcap'));
    expect(readFileSync(path.join(folder, 'package.json'), 'utf8')).toContain('"clear-df"');
  });
});
