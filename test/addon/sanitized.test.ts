/**
 * The same lives again, with the addon compiled under AddressSanitizer and
 * UBSan. Leaks are asked for too; those of Node itself are not ours, so only
 * reports that name the addon count.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patient } from '../helpers/slowness.js';
import { fixture } from './run.js';

const CSRC = path.join(import.meta.dirname, '..', '..', 'csrc');
const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-sanitized-'));
const addon = path.join(folder, 'clear_df.node');
const addonApi = createRequire(import.meta.url)('node-addon-api') as { include_dir: string };
const environment: Record<string, string> = { CLEAR_DF_ADDON: addon };

/** Node's headers, as its own build configuration names them, or next to the binary, or Debian's. */
async function headers(): Promise<string> {
  const { stdout } = await execa('scripts/build-native', ['--print-nodedir']);
  return path.join(stdout.trim(), 'include', 'node');
}

beforeAll(async () => {
  const common = [
    '-g',
    '-O1',
    '-fPIC',
    '-fno-omit-frame-pointer',
    '-fsanitize=address,undefined',
    '-D_GNU_SOURCE',
    `-I${CSRC}`,
  ];
  const include = [`-I${addonApi.include_dir}`, `-I${await headers()}`];
  const sources = readdirSync(CSRC, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.(c|cc)$/.test(name) && !/\.bpf\.c$|fastpath/.test(name),
  );
  const compile = async (file: string): Promise<string> => {
    const object = path.join(folder, `${path.basename(file)}.o`);
    const language = file.endsWith('.cc')
      ? [
          'g++',
          '-std=c++17',
          '-fexceptions',
          '-DNAPI_VERSION=8',
          '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
          '-DBUILDING_NODE_EXTENSION',
          ...include,
        ]
      : ['gcc', '-std=c11'];
    const [compiler = '', ...flags] = language;
    await execa(compiler, [...flags, ...common, '-c', path.join(CSRC, file), '-o', object]);
    return object;
  };
  const objects = await Promise.all(sources.map(compile));
  await execa('g++', ['-shared', ...common, ...objects, '-lnetfilter_queue', '-lmnl', '-o', addon]);
  const { stdout: asan } = await execa('gcc', ['-print-file-name=libasan.so']);
  const { stdout: ubsan } = await execa('gcc', ['-print-file-name=libubsan.so']);
  const { stdout: cxx } = await execa('gcc', ['-print-file-name=libstdc++.so']);
  // The C++ library along with it: the sanitizer looks its throw up when it starts.
  environment['PRELOAD'] = [asan, ubsan, cxx].join(':');
  environment['ASAN_OPTIONS'] = 'detect_leaks=1:exitcode=99:alloc_dealloc_mismatch=0';
  environment['UBSAN_OPTIONS'] = 'print_stacktrace=1:halt_on_error=1:exitcode=98';
  environment['LSAN_OPTIONS'] = 'exitcode=0:max_leaks=0';
}, patient(180_000));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Only Node runs with the sanitizer preloaded; ip, iptables and sh stay plain. */
const around = ['sh', '-c', 'LD_PRELOAD="$PRELOAD" exec setarch --addr-no-randomize "$@"', 'sh'];

/** Reports that name the addon's own code. */
function reports(stderr: string): string[] {
  return stderr
    .split(/\n(?=(?:Direct|Indirect) leak|=+\d+=+ERROR: Address|.*runtime error)/)
    .filter((report) => /(leak of|ERROR: AddressSanitizer|runtime error)/.test(report))
    .filter((report) => /csrc\/|cdf_|ManglerWrap|RulesWrap|EspInUdpWrap|ERROR: AddressSanitizer/.test(report));
}

describe('under AddressSanitizer and UBSan', () => {
  test.each([
    ['cycles.cjs', '10'],
    ['threads.cjs', ''],
    ['refused.cjs', ''],
    ['ends-parent.cjs', 'close'],
    ['ends-parent.cjs', 'exit'],
    ['ends-worker.cjs', 'terminate'],
    ['espinudp.cjs', 'cycles'],
    ['espinudp.cjs', 'threads'],
    ['espinudp.cjs', 'refused'],
  ])(
    '%s %s',
    async (file, argument) => {
      const { result, stderr } = await fixture([file, argument], environment, around);
      expect(reports(stderr)).toEqual([]);
      expect(result, stderr).toBeDefined();
    },
    patient(180_000),
  );
});
