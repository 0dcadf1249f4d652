/**
 * Compiles every C program of this folder with the production sources and runs
 * it; each line of its TAP output (`ok 1 - name`) is a test here. All programs
 * run under AddressSanitizer and UBSan, those with threads once more under
 * ThreadSanitizer.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { execa, execaSync } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { inLanes } from '../../scripts/lanes.js';
import { patient } from '../helpers/slowness.js';
import { type Outcome, readTap } from './tap.js';

const ROOT = path.join(import.meta.dirname, '..', '..');
const CSRC = path.join(ROOT, 'csrc');
const COMMON = ['-std=c11', '-D_GNU_SOURCE', '-g', '-O1', '-fno-omit-frame-pointer', '-Wall', '-Wextra', '-I', CSRC];
const LIBRARIES = ['-lnetfilter_queue', '-lmnl', '-lpthread', '-lm'];
const MINUTES = 60_000;

/** Sanitizers need a predictable address space; some containers do not allow to ask for it. */
const steady = execaSync('setarch', ['--addr-no-randomize', 'true'], { reject: false }).failed
  ? []
  : ['setarch', '--addr-no-randomize'];

const build = mkdtempSync(path.join(tmpdir(), 'clear-df-native-'));
afterAll(() => {
  rmSync(build, { recursive: true, force: true });
});

/** The production sources as a library, so that a program links only what it uses. */
async function library(sanitizers: string): Promise<string> {
  const folder = path.join(build, sanitizers.replace(',', '-'));
  mkdirSync(folder);
  const sources = readdirSync(CSRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.c') && !file.endsWith('.bpf.c'),
  );
  const objects = sources.map((file) => path.join(folder, path.basename(file).replace(/\.c$/, '.o')));
  await Promise.all(
    sources.map((file, i) =>
      execa('cc', [...COMMON, `-fsanitize=${sanitizers}`, '-c', path.join(CSRC, file), '-o', objects[i]!]),
    ),
  );
  const archive = path.join(folder, 'libclear_df.a');
  await execa('ar', ['rcs', archive, ...objects]);
  return archive;
}

/** Compiles and runs one program. @returns its TAP lines and one more: that it kept to its plan and ended well */
async function run(program: string, sanitizers: string, archive: string): Promise<Outcome[]> {
  const binary = path.join(path.dirname(archive), path.basename(program, '.c'));
  const flags = [...COMMON, `-fsanitize=${sanitizers}`, '-fno-sanitize-recover=undefined'];
  await execa('cc', [...flags, path.join(import.meta.dirname, program), archive, ...LIBRARIES, '-o', binary]);
  const [command = '', ...args]: string[] = [...steady, binary];
  const result = await execa(command, args, { cwd: ROOT, reject: false, timeout: patient(5 * MINUTES) });

  const { outcomes, plan } = readTap(result.stdout);
  const end = [
    `planned ${plan ?? 'nothing'}, ran ${outcomes.length}`,
    result.timedOut ? 'timed out' : '',
    result.stderr,
  ].filter(Boolean);
  const failed = outcomes.some(({ ok }) => !ok);
  const endedWell =
    plan === outcomes.length && !result.timedOut && (result.exitCode === 0 || (failed && !result.signal));
  return [...outcomes, { name: `ends as planned, nothing found by ${sanitizers}`, ok: endedWell, notes: end }];
}

const programs = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.c'));
const threaded = programs.filter((file) =>
  readFileSync(path.join(import.meta.dirname, file), 'utf8').includes('pthread'),
);

for (const [sanitizers, selected] of [
  ['address,undefined', programs],
  ['thread', threaded],
] as const) {
  if (selected.length === 0) continue;
  const archive = await library(sanitizers);
  const told = await inLanes(selected, availableParallelism(), async (program) => ({
    program,
    outcomes: await run(program, sanitizers, archive),
  }));
  for (const { program, outcomes } of told) {
    describe(`${program} (${sanitizers})`, () => {
      for (const { name, ok, notes } of outcomes) {
        test(name, () => {
          expect(ok, notes.join('\n')).toBe(true);
        });
      }
    });
  }
}
