/**
 * The binaries that the tarball carries, in `prebuilds/PLATFORM-ARCHITECTURE-LIBC/`: this machine's own, and those of the
 * other supported architectures by Debian's cross compilers, each against Debian's libraries of that architecture. They
 * are unpacked into .cache; nothing of the kind is installed.
 *
 *   npm run build:prebuilds           what cannot be built here is left out, and why is said
 *   CLEAR_DF_PREBUILDS=own npm pack   without those of other architectures
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { prebuiltName } from '../src/native/binary.js';
import { ADDONS, crossBuild } from './cross-build.js';
import { type Architecture, ARCHITECTURES } from './lab/architecture.js';
import { PROJECT } from './lab/cache.js';

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
