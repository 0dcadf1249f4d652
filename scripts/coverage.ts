/**
 * Which lines no test reaches.
 *
 *   npm run coverage              C by the native, fuzz and addon tiers, then TypeScript by the unit tier
 *   npm run coverage -- c         only C; needs root for the addon tier
 *   npm run coverage -- ts        only TypeScript
 *
 * C is compiled by clang with counters in it (llvm-cov); fuzz targets read their kept inputs once. What is left, and why,
 * is in docs/coverage.md.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { type FileLines, readLcov } from './coverage/lcov.js';
import { PROJECT } from './lab/cache.js';
import { inLanes } from './lanes.js';
import { fuzzTargets } from './tiers.js';

const CSRC = path.join(PROJECT, 'csrc');
const COUNTERS = ['-fprofile-instr-generate', '-fcoverage-mapping', '-g', '-O1', '-fPIC', '-D_GNU_SOURCE', '-w'];
const LIBRARIES = ['-lnetfilter_queue', '-lmnl', '-lpthread', '-lm'];
const TIERS = ['native', 'fuzz', 'addon'] as const;

const { positionals } = parseArgs({ allowPositionals: true });
const wants = (kind: string) => positionals.length === 0 || positionals.includes(kind);

const sources = readdirSync(CSRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(c|cc)$/.test(file) && !file.endsWith('.bpf.c'))
  .sort();

/** Several at once, one a core. */
const each = <T>(list: readonly T[], work: (one: T) => Promise<void>) => inLanes(list, availableParallelism(), work);

class Covered {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'clear-df-coverage-'));
  readonly binaries: string[] = [];
  private readonly object = (file: string) => path.join(this.folder, `${path.basename(file)}.o`);

  async compile(): Promise<void> {
    const api = createRequire(import.meta.url)('node-addon-api') as { include_dir: string };
    const { stdout: node } = await execa('scripts/build-native', ['--print-nodedir'], { cwd: PROJECT });
    const cxx = ['-std=c++17', '-fexceptions', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'];
    cxx.push('-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', '-I', path.join(PROJECT, api.include_dir));
    cxx.push('-I', api.include_dir, '-I', path.join(node, 'include/node'));
    await each(sources, async (file) => {
      const [compiler, flags] = file.endsWith('.cc') ? ['clang++', cxx] : ['clang', ['-std=c11']];
      const words = [...flags, ...COUNTERS, '-I', CSRC, '-c', path.join(CSRC, file), '-o', this.object(file)];
      await execa(compiler, words);
    });
    const core = sources.filter((file) => file.endsWith('.c')).map(this.object);
    await execa('ar', ['rcs', path.join(this.folder, 'core.a'), ...core]);
  }

  async run(tier: (typeof TIERS)[number]): Promise<void> {
    const env = { LLVM_PROFILE_FILE: path.join(this.folder, tier, '%p-%m.profraw') };
    mkdirSync(path.join(this.folder, tier));
    if (tier === 'native') await this.programs(env);
    if (tier === 'fuzz') await this.fuzz(env);
    if (tier === 'addon') await this.addon(env);
  }

  private async link(file: string, ...flags: string[]): Promise<string> {
    const binary = path.join(this.folder, path.basename(file, '.c'));
    const words = [...COUNTERS, ...flags, '-I', CSRC, file, path.join(this.folder, 'core.a'), ...LIBRARIES];
    await execa('clang', [...words, '-o', binary]);
    this.binaries.push(binary);
    return binary;
  }

  private async programs(env: Record<string, string>): Promise<void> {
    const folder = path.join(PROJECT, 'test/native');
    await each(
      readdirSync(folder).filter((name) => name.endsWith('_test.c')),
      async (name) => {
        await execa(await this.link(path.join(folder, name), '-std=c11'), { env, cwd: PROJECT });
      },
    );
  }

  private async fuzz(env: Record<string, string>): Promise<void> {
    await each(fuzzTargets(), async (name) => {
      const binary = await this.link(path.join(PROJECT, `test/fuzz/${name}.c`), '-std=c11', '-fsanitize=fuzzer');
      await execa(binary, ['-runs=0', path.join(PROJECT, 'test/fuzz/corpus', name)], { env });
    });
  }

  private async addon(env: Record<string, string>): Promise<void> {
    const addon = path.join(this.folder, 'clear_df.node');
    const objects = sources.filter((file) => !file.includes('fastpath')).map(this.object);
    await execa('clang++', ['-shared', ...COUNTERS, ...objects, ...LIBRARIES, '-o', addon]);
    this.binaries.push(addon);
    const words = ['run', '--project', 'addon', '--reporter=dot'];
    const options = { cwd: PROJECT, reject: false, env: { ...env, CLEAR_DF_COVERED: addon } } as const;
    const { failed, stdout } = await execa('node_modules/.bin/vitest', words, options);
    if (failed) console.error(`coverage: the addon tier failed:\n${stdout.slice(-2000)}`);
  }

  /** Of some tiers together. */
  async lines(tiers: readonly string[]): Promise<FileLines[]> {
    const raw = tiers.flatMap((tier) =>
      readdirSync(path.join(this.folder, tier)).map((name) => path.join(this.folder, tier, name)),
    );
    const merged = path.join(this.folder, 'merged.profdata');
    await execa('llvm-profdata', ['merge', '-sparse', ...raw, '-o', merged]);
    const objects = this.binaries.flatMap((binary) => ['-object', binary]).slice(1);
    const words = ['export', '-format=lcov', `-instr-profile=${merged}`, ...objects];
    const { stdout } = await execa('llvm-cov', words, { maxBuffer: 1 << 28 });
    return readLcov(stdout, CSRC);
  }
}

const percent = ({ reached, lines }: { reached: number; lines: number }) =>
  lines === 0 ? '' : `${Math.floor((reached / lines) * 100)} %`;

async function coverC(): Promise<void> {
  const covered = new Covered();
  try {
    await covered.compile();
    for (const tier of TIERS) await covered.run(tier);
    const byTier = new Map<string, Map<string, FileLines>>();
    for (const tier of TIERS) {
      byTier.set(tier, new Map((await covered.lines([tier])).map((file) => [file.name, file])));
    }
    console.log('\nfile, lines reached by native, fuzz, addon, and by all three; lines that none reaches');
    for (const file of await covered.lines(TIERS)) {
      const parts = TIERS.map((tier) => {
        const one = byTier.get(tier)?.get(file.name);
        return (one === undefined ? '' : percent(one)).padStart(6);
      });
      console.log(`${file.name.padEnd(30)}${parts.join('')}${percent(file).padStart(7)}  ${file.missing.join(' ')}`);
    }
  } finally {
    rmSync(covered.folder, { recursive: true, force: true });
  }
}

async function coverTypeScript(): Promise<void> {
  const projects = ['--project', 'unit', '--project', 'unit-mocking'];
  const words = ['run', ...projects, '--reporter=dot', '--coverage.enabled', '--coverage.provider=v8'];
  words.push('--coverage.include=src/**', '--coverage.reporter=text', '--coverage.reportsDirectory=.cache/coverage');
  const { exitCode } = await execa('node_modules/.bin/vitest', words, {
    cwd: PROJECT,
    stdio: 'inherit',
    reject: false,
  });
  process.exitCode = exitCode ?? 1;
}

if (wants('c')) await coverC();
if (wants('ts')) await coverTypeScript();
