/** The packed tarball in an empty folder, install scripts disabled: everything a stranger does with it. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { compareVersions } from '../../scripts/lab/suites.js';
import { prebuiltName } from '../../src/native/binary.js';
import { MORE } from '../helpers/more.js';
import { patient } from '../helpers/slowness.js';
import { snapshot } from '../unit/report-samples.js';
import { capture, expectCleared } from './capture.js';
import { Consumer, ROOT } from './consumer.js';
import { askedOf, CEILINGS } from './symbols.js';

let consumer: Consumer;

/** Of this machine; `npm run test:all` packs, and so looks at, all. */
const ADDONS = (MORE ? ['x64', 'arm64'] : [process.arch]).flatMap((architecture) =>
  ['clear_df', 'clear_df_fastpath'].map((addon) => `prebuilds/linux-${architecture}-glibc/${addon}.node`),
);

beforeAll(async () => {
  consumer = await Consumer.create();
}, patient(300_000));

afterAll(() => {
  consumer?.dispose();
});

/** Runs `clear-df pcap` on {@link capture}; `before` is put in front of the command. */
async function mangleCapture(...before: string[]) {
  const input = consumer.write('in.pcap', capture());
  const folder = path.join(consumer.folder, 'out');
  mkdirSync(folder, { recursive: true });
  await execa('chmod', ['777', folder]);
  const output = path.join(folder, `${before[0] ?? 'plain'}-${Date.now()}.pcap`);
  const [command, ...args] = [
    ...before,
    path.join(consumer.folder, 'node_modules', '.bin', 'clear-df'),
    'pcap',
    input,
    output,
  ];
  return { output, ...(await consumer.run(command, ...args)) };
}

test('holds what is needed to run and to build, and nothing else', () => {
  const { files } = consumer.packed;
  const wanted = [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'addon.gyp',
    'scripts/build-native',
    'csrc/packet/clear.c',
    'csrc/node/addon.cc',
    'dist/esm/index.js',
    'dist/esm/index.d.ts',
    'dist/cjs/index.js',
    'dist/cjs/index.d.ts',
    'dist/cjs/package.json',
    'bin/clear-df.cjs',
    'dist/esm/cli/main.js',
    'dist/esm/plan.js',
    'dist/cjs/plan.js',
    'examples/embed.mjs',
    'examples/plan.mjs',
    ...ADDONS,
  ];
  expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
  expect(files.filter((file) => /^(test|src|build|bench|node_modules|\.)/.test(file))).toEqual([]);
  // By a file of this name yarn, pnpm and bun take a package for one that has to be built when it is installed.
  expect(files).not.toContain('binding.gyp');
});

test('takes at most 12 MB, with every package that it needs', async () => {
  const { stdout } = await consumer.run('du', '-sk', 'node_modules');
  expect(Number(/^\d+/.exec(stdout)?.[0])).toBeLessThanOrEqual(12 * 1024);
  // What is joined is licensed by others.
  for (const folder of ['dist', 'dist/esm/cli']) {
    expect(readFileSync(consumer.installed(folder, 'LICENSES'), 'utf8')).toMatch(/^zod \d[^]*MIT License/m);
  }
});

test.each(ADDONS)('%s asks for nothing newer than Debian 11 has', async (addon) => {
  const asked = await askedOf(consumer.installed(addon));
  expect(asked.filter(({ library }) => library === 'GLIBC')).not.toEqual([]);
  expect(asked.filter(({ library, version }) => compareVersions(version, CEILINGS[library] ?? '') > 0)).toEqual([]);
});

describe('the command', () => {
  test('--version is the package’s', async () => {
    const { exitCode, stdout } = await consumer.run('npx', '--no-install', 'clear-df', '--version');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: consumer.packed.version });
  });

  test('--help names the commands', async () => {
    const { exitCode, stdout } = await consumer.run('npx', '--no-install', 'clear-df', '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\brun\b[^]*\brules\b[^]*\bpcap\b/);
  });

  describe('loads what it needs, and nothing else', () => {
    // All of it are 1,900 kB; commander, which reads the command line, is 60.
    test.each([
      ['--version', 20],
      ['--help', 120],
    ])('%s', async (flag, most) => {
      const { kilobytes, builtins } = await consumer.loadedBy(flag);
      expect(kilobytes).toBeLessThan(most);
      expect(builtins).toEqual([]);
    });

    // Beside that, what checks the answer.
    test('stats', async () => {
      const body = JSON.stringify(snapshot());
      const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1');
      try {
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        const { kilobytes, builtins } = await consumer.loadedBy('stats', '--from', `127.0.0.1:${port}`);
        expect(kilobytes).toBeLessThan(300);
        expect(builtins).toEqual(['http']);
      } finally {
        server.close();
      }
    });
  });

  // Node's own answer to `import`, or to `??=`, would be a stack and exit code 1.
  test.each([
    ['v0.12.18', 'linux', 'Node.js v0.12.18'],
    ['v18.20.4', 'linux', 'Node.js v18.20.4'],
    ['v20.16.0', 'linux', 'Node.js v20.16.0'],
    ['v22.0.0', 'darwin', 'this is darwin'],
  ])('on Node %s and %s says in one line what is needed', async (version, platform, words) => {
    const fake = { version, platform };
    const define = `Object.defineProperties(process, ${JSON.stringify(
      Object.fromEntries(Object.entries(fake).map(([name, value]) => [name, { value }])),
    )})`;
    const preload = ['--require', consumer.write('fake.cjs', define)];
    const { exitCode, stdout, stderr } = await consumer.run('node', ...preload, 'node_modules/.bin/clear-df', 'run');
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(stderr).toMatch(/^clear-df: [^\n]*; clear-df needs (Linux|20\.17 or later)$/);
    expect(stderr).toContain(words);
  });

  test('pcap works for nobody, without any privilege', async () => {
    const nobody = [
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      '--bounding-set=-all',
      '--no-new-privs',
    ];
    const { exitCode, stderr, output } = await mangleCapture(...nobody);
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    expectCleared(output);
  });
});

describe('the library', () => {
  const names = `JSON.stringify([typeof ClearDf.open, Object.keys(all).sort()])`;

  test('is the same by import and by require', async () => {
    consumer.write('names.mjs', `import * as all from 'clear-df'; const { ClearDf } = all; console.log(${names});`);
    consumer.write(
      'names.cjs',
      `const { __esModule, ...all } = require('clear-df'); const { ClearDf } = all; console.log(${names});`,
    );
    const esm = await consumer.run('node', 'names.mjs');
    const cjs = await consumer.run('node', 'names.cjs');
    expect(esm).toMatchObject({ exitCode: 0, stderr: '' });
    expect(esm.stdout).toContain('"function"');
    expect(cjs).toEqual(esm);
  });

  test('plans a tunnel by import and by require, without anything native', async () => {
    const spec = `{ local: '192.168.200.1', remote: '172.16.0.1', underlay: 'eth1', bridge: { ports: ['eth0'] } }`;
    const use = `console.log(JSON.stringify(plan(${spec}).sizes.wire.map(({ length }) => length)));`;
    consumer.write('plan.mjs', `import { plan } from 'clear-df/plan'; ${use}`);
    consumer.write('plan.cjs', `const { plan } = require('clear-df/plan'); ${use}`);
    const expected = { exitCode: 0, stdout: '[1500,58]', stderr: '' };
    expect(await consumer.run('node', 'plan.mjs')).toEqual(expected);
    expect(await consumer.run('node', 'plan.cjs')).toEqual(expected);
  });

  // One file each, as people deploy. What the library cannot take along is its binary: it stays a package of its own.
  const spec = `{ local: '10.0.0.1', remote: '10.0.0.2', underlay: 'eth1', bridge: { ports: ['eth0'] } }`;
  const planner = {
    text: `import { plan } from 'clear-df/plan'; console.log(plan(${spec}).engine);`,
    says: 'tunnel-flag',
  };
  const library = { text: `import { ClearDf } from 'clear-df'; console.log(typeof ClearDf.open);`, says: 'function' };
  // A neutral platform has no modules of Node: a bundle that needed one would not be made.
  const neutral = ['--platform=neutral', '--main-fields=module,main'];
  const external = ['--platform=node', '--external:clear-df'];
  test.each([
    ['clear-df/plan', 'esm', planner, neutral],
    ['clear-df/plan', 'cjs', planner, neutral],
    ['clear-df', 'esm', library, external],
    ['clear-df', 'cjs', library, external],
  ])('%s bundled by esbuild as %s works', async (_, format, { text, says }, flags) => {
    consumer.write('entry.mjs', text);
    const out = `bundled.${format === 'esm' ? 'mjs' : 'cjs'}`;
    const esbuild = path.join(ROOT, 'node_modules', '.bin', 'esbuild');
    const common = ['--bundle', '--log-level=warning', `--format=${format}`, `--outfile=${out}`];
    expect(await consumer.run(esbuild, 'entry.mjs', ...common, ...flags)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await consumer.run('node', out)).toEqual({ exitCode: 0, stdout: says, stderr: '' });
  });

  test('refuses a wrong option before it loads anything native', async () => {
    consumer.write('wrong.mjs', `import { ClearDf } from 'clear-df'; await ClearDf.open({ queues: '70000' });`);
    const { exitCode, stderr } = await consumer.run('node', 'wrong.mjs');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/queues: '?70000'? is not accepted/);
  });

  test('has types for ES modules and for CommonJS', async () => {
    const use = (policy: string) => `
      import { ClearDf } from 'clear-df';
      export async function use(): Promise<number> {
        await using mangler = await ClearDf.open({ queues: '0:3', identification: '${policy}' });
        mangler.on('fault', ({ queue, kind }) => console.error(queue, kind));
        const { cleared } = mangler.stats();
        return cleared;
      }`;
    const files = ['good.mts', 'good.cts', 'bad.mts', 'bad.cts'];
    for (const file of files) consumer.write(file, use(file.startsWith('good') ? 'random' : 'dice'));
    const flags = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--lib',
      'es2022,esnext.disposable',
      '--module',
      'node16',
    ];
    const types = ['--types', 'node', '--typeRoots', path.join(ROOT, 'node_modules', '@types')];
    const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = await consumer.run('node', tsc, ...flags, ...types, ...files);
    const errors = stdout.split('\n').filter((line) => line.includes('error TS'));
    expect(errors.sort()).toEqual([
      expect.stringMatching(/^bad\.cts.*"dice"' is not assignable/),
      expect.stringMatching(/^bad\.mts.*"dice"' is not assignable/),
    ]);
  });
});

describe('what is missing is named', () => {
  test('libnetfilter_queue, with its package', async () => {
    // In a mount namespace of its own, the library's folder is one of links to all others.
    const script = `set -e
      lib=$(ldd "$1" | sed -n 's/.*libnetfilter_queue.* => \\(.*\\) (.*/\\1/p'); shift
      folder=$(dirname "$(readlink -f "$lib")"); farm=$(mktemp -d)
      trap 'umount "$farm" && rmdir "$farm"' EXIT
      mount -t tmpfs none "$farm"; mkdir "$farm/real" "$farm/links"
      mount --bind "$folder" "$farm/real"
      ln -s "$farm"/real/* "$farm/links/"; rm "$farm"/links/libnetfilter_queue*
      mount --bind "$farm/links" "$folder"
      trap - EXIT
      exec "$@"`;
    const binary = consumer.installed('prebuilds', prebuiltName(), 'clear_df.node');
    const { exitCode, stderr } = await mangleCapture('unshare', '--mount', 'bash', '-c', script, 'bash', binary);
    expect(stderr).toContain('libnetfilter_queue.so.1');
    expect(stderr).toContain('apt-get install libnetfilter-queue1');
    expect(exitCode).toBe(4);
  });

  test('a binary for this platform, with the command that builds it', async () => {
    renameSync(consumer.installed('prebuilds'), consumer.installed('hidden'));
    const without = await mangleCapture();
    expect(without.exitCode).toBe(4);
    expect(without.stderr).toContain(`no binary for ${prebuiltName()}`);
    expect(without.stderr).toContain('npm explore clear-df -- npm run build:native');
  });

  // What the command does scripts/setup has done to this checkout: it takes some twenty seconds.
  if (MORE)
    test('a binary for this platform: the command that builds it works', async () => {
      const built = await consumer.run('npm', 'explore', 'clear-df', '--', 'npm', 'run', 'build:native');
      expect(built.exitCode, built.stderr).toBe(0);
      const after = await mangleCapture();
      expect(after.exitCode, after.stderr).toBe(0);
      expectCleared(after.output);
    });
});
