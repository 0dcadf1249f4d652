/**
 * The binaries that the tarball carries, in `prebuilds/PLATFORM-ARCHITECTURE-LIBC/`: this machine's own, and those of the
 * other supported architectures by Debian's cross compilers, each against Debian's libraries of that architecture. They
 * are unpacked into .cache; nothing of the kind is installed.
 *
 *   npm run build:prebuilds           what cannot be built here is left out, and why is said
 *   CLEAR_DF_PREBUILDS=own npm pack   without those of other architectures
 */
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { prebuiltName } from '../src/native/binary.js';
import { PROJECT } from './lab/cache.js';
import { type Architecture, ARCHITECTURES, target } from './target.js';

const ADDONS = ['clear_df', 'clear_df_fastpath'];
const PREBUILDS = path.join(PROJECT, 'prebuilds');

/** Of the addons in a folder `Release`, without what only a debugger needs. */
async function ship(release: string, name: string, strip: string): Promise<void> {
  const folder = path.join(PREBUILDS, name);
  await mkdir(folder, { recursive: true });
  for (const addon of ADDONS) {
    const product = path.join(folder, `${addon}.node`);
    await execa(strip, ['--strip-unneeded', '-o', product, path.join(release, `${addon}.node`)]);
  }
  console.error(`prebuilds: ${name}`);
}

/** In a folder of its own, where node-gyp finds the same sources: its `build/` is of one architecture. */
async function crossBuild(architecture: Architecture): Promise<string> {
  const { triple, root } = await target(architecture, ['libnetfilter-queue-dev', 'libmnl-dev']);
  const folder = path.join(PROJECT, '.cache/prebuilds', architecture);
  await mkdir(folder, { recursive: true });
  for (const name of ['csrc', 'node_modules', 'package.json']) {
    await rm(path.join(folder, name), { force: true });
    await symlink(path.join(PROJECT, name), path.join(folder, name));
  }
  await copyFile(path.join(PROJECT, 'addon.gyp'), path.join(folder, 'binding.gyp'));
  const { stdout: headers } = await execa('bash', ['scripts/build-native', '--print-nodedir'], { cwd: PROJECT });
  const libraries = path.join(root, 'usr/lib', triple);
  const env = {
    CC: `${triple}-gcc`,
    CXX: `${triple}-g++`,
    AR: `${triple}-ar`,
    CPPFLAGS: `-isystem ${path.join(root, 'usr/include')}`,
    LDFLAGS: `-L${libraries}`,
    PKG_CONFIG_LIBDIR: path.join(libraries, 'pkgconfig'),
    JOBS: 'max',
  };
  const words = ['configure', 'build', `--arch=${architecture}`, '--loglevel=warn'];
  if (headers !== '') words.push(`--nodedir=${headers}`);
  await execa(path.join(PROJECT, 'node_modules/.bin/node-gyp'), ['-C', folder, ...words], { env, all: true });
  return path.join(folder, 'build/Release');
}

const own = prebuiltName();
// What is left out must not be there of an older version.
await rm(PREBUILDS, { recursive: true, force: true });
await execa('bash', ['scripts/build-native'], { cwd: PROJECT, stdout: ['inherit'], stderr: ['inherit'] });
await ship(path.join(PROJECT, 'build/Release'), own, 'strip');
const others = process.env['CLEAR_DF_PREBUILDS'] === 'own' ? [] : (Object.keys(ARCHITECTURES) as Architecture[]);
for (const architecture of others) {
  const name = `linux-${architecture}-glibc`;
  if (name === own) continue;
  const { triple } = ARCHITECTURES[architecture];
  try {
    await ship(await crossBuild(architecture), name, `${triple}-strip`);
  } catch (error) {
    const { all, message } = error as Error & { all?: string };
    console.error(`prebuilds: ${name} is left out: ${all ?? message}`);
  }
}
