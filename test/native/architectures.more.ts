/**
 * The programs of this folder on other machines, without sanitizers: big-endian and arm64 by Debian's cross compilers
 * and qemu's user emulation, and x86-64 with musl.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownSuite } from '../../scripts/lab/suites.js';
import { debianRoot, emulator } from '../../scripts/target.js';
import { install } from '../helpers/debian-packages.js';
import { patient } from '../helpers/slowness.js';
import { readTap } from './tap.js';

const ROOT = path.join(import.meta.dirname, '..', '..');
const CSRC = path.join(ROOT, 'csrc');
const MINUTE = 60_000;

interface Target {
  cc: string;
  flags: readonly string[];
  libraries: readonly string[];
  /** What runs a program. */
  before: readonly string[];
  /** What the emulation cannot do, by the name of the test. */
  excused: readonly string[];
}

async function emulated(debian: string, triple: string): Promise<Target> {
  await install(`gcc-${triple}`, `libc6-dev-${debian}-cross`);
  const root = await debianRoot(await ownSuite(), debian, ['libnetfilter-queue-dev', 'libmnl-dev']);
  return {
    cc: `${triple}-gcc`,
    flags: ['-isystem', path.join(root, 'usr/include')],
    libraries: [`-L${path.join(root, 'usr/lib', triple)}`, '-lnetfilter_queue', '-lmnl', '-lnfnetlink'],
    before: [await emulator(triple.split('-')[0] ?? ''), '-L', root],
    // Of SO_MEMINFO's numbers qemu gives the first.
    excused: ['of a flood, each packet is read or known to be dropped'],
  };
}

/** With Debian's own libraries, which are for glibc: musl takes itself for the libc that they name. */
async function musl(folder: string): Promise<Target> {
  await install('musl-tools');
  const { stdout: triple } = await execa('gcc', ['-dumpmachine']);
  const headers = path.join(folder, 'include');
  mkdirSync(headers);
  // Of /usr/include only what musl does not have itself.
  for (const name of ['linux', 'asm-generic', 'libmnl', 'libnetfilter_queue', 'libnfnetlink']) {
    symlinkSync(`/usr/include/${name}`, path.join(headers, name));
  }
  symlinkSync(`/usr/include/${triple}/asm`, path.join(headers, 'asm'));
  const libraries = path.join('/usr/lib', triple);
  const links = ['netfilter_queue', 'mnl', 'nfnetlink'].map((name) => path.join(libraries, `lib${name}.so`));
  return {
    cc: 'musl-gcc',
    flags: ['-isystem', headers],
    libraries: [path.join(import.meta.dirname, 'musl/glibc_names.c'), ...links, `-Wl,-rpath,${libraries}`],
    before: [],
    excused: [],
  };
}

const TARGETS: Readonly<Record<string, (folder: string) => Promise<Target>>> = {
  'big-endian (s390x)': async () => emulated('s390x', 's390x-linux-gnu'),
  arm64: async () => emulated('arm64', 'aarch64-linux-gnu'),
  'x86-64 with musl': musl,
};

const programs = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.c'));
const sources = readdirSync(CSRC, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.c') && !file.endsWith('.bpf.c'),
);

const build = mkdtempSync(path.join(tmpdir(), 'clear-df-architectures-'));
afterAll(() => {
  rmSync(build, { recursive: true, force: true });
});

describe.each(Object.entries(TARGETS))('%s', (name, prepare) => {
  const folder = path.join(build, name.replace(/\W/g, '-'));
  let target: Target;
  let flags: string[] = [];

  beforeAll(
    async () => {
      mkdirSync(folder);
      target = await prepare(folder);
      flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-I', CSRC, ...target.flags];
      const object = (file: string) => path.join(folder, `${path.basename(file, '.c')}.o`);
      for (const file of sources) await execa(target.cc, [...flags, '-c', path.join(CSRC, file), '-o', object(file)]);
      await execa('ar', ['rcs', path.join(folder, 'libclear_df.a'), ...sources.map(object)]);
    },
    patient(10 * MINUTE),
  );

  test.each(programs)(
    '%s passes',
    async (program) => {
      const binary = path.join(folder, path.basename(program, '.c'));
      const files = [path.join(import.meta.dirname, program), path.join(folder, 'libclear_df.a')];
      await execa(target.cc, [...flags, ...files, ...target.libraries, '-lpthread', '-lm', '-o', binary]);
      const [command, ...args] = [...target.before, binary];
      const { stdout, stderr } = await execa(command, args, { cwd: ROOT, reject: false, timeout: patient(5 * MINUTE) });
      const { outcomes, plan } = readTap(stdout);
      const failed = outcomes.filter(({ ok, name: what }) => !ok && !target.excused.includes(what));
      expect({ failed, ran: outcomes.length, stderr }).toEqual({ failed: [], ran: plan, stderr: '' });
    },
    patient(6 * MINUTE),
  );
});
