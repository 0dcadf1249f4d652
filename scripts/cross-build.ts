/** The addons, for a machine of another architecture. */
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import type { Target } from './lab/architecture.js';
import { PROJECT } from './lab/cache.js';
import { target } from './target.js';

/** By the names of their files, without `.node`. */
export const ADDONS = ['clear_df', 'clear_df_fastpath'];

/**
 * Builds them by Debian's cross compiler, against Debian's libraries of that architecture. In a folder of its own, where
 * node-gyp finds the same sources: its `build/` is of one architecture.
 * @returns the folder that holds them
 * @throws Error with the compiler's words, or that it is not installed
 */
export async function crossBuild(architecture: Target): Promise<string> {
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
