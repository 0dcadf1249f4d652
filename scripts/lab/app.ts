/** clear-df itself and the packages it needs, as two images: the first changes with every build, the second hardly ever. */
import { cp, mkdir, readFile, symlink, chmod } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bundle.js';
import { ADDONS, crossBuild } from '../cross-build.js';
import type { Architecture } from './architecture.js';
import { cached, digest, PROJECT, prune } from './cache.js';
import { writeImage } from './image.js';
import { contents, filesBelow } from './stage.js';

/** Where clear-df is inside a guest. */
const APP = '/opt/clear-df';
/** Where the lab's own files are inside a guest. */
const LAB = '/opt/lab';
const MAIN = 'dist/esm/cli/main.js';
export const APP_MAIN = path.join(APP, MAIN);
/** clear-df as a process that waits for commands: see resident.mjs. */
const RESIDENT = 'resident.mjs';
const RESIDENT_BUILT = path.join(path.dirname(MAIN), 'resident.js');
const RELEASE = 'build/Release';

/** The built clear-df, and the agent. @throws Error when it has not been built */
export async function appImage(architecture: Architecture): Promise<string> {
  const release = architecture === process.arch ? path.join(PROJECT, RELEASE) : await crossBuild(architecture);
  const addons = ADDONS.map((name) => path.join(release, `${name}.node`));
  for (const product of [path.join(PROJECT, MAIN), ...addons]) {
    if (!existsSync(product)) throw new Error(`${path.relative(PROJECT, product)} is missing: run npm run build`);
  }
  const files = [...(await filesBelow(path.join(PROJECT, 'dist'))), path.join(PROJECT, 'package.json')];
  const own = ['agent.mjs', 'init.sh', RESIDENT].map((name) => fileURLToPath(new URL(name, import.meta.url)));
  const folder = await cached(`app-${digest(await contents([...files, ...addons, ...own]))}`, async (fresh) => {
    const root = path.join(fresh, 'root');
    for (const file of files) {
      const target = path.join(root, APP, path.relative(PROJECT, file));
      await mkdir(path.dirname(target), { recursive: true });
      await cp(file, target);
    }
    await mkdir(path.join(root, APP, RELEASE), { recursive: true });
    for (const addon of addons) await cp(addon, path.join(root, APP, RELEASE, path.basename(addon)));
    await mkdir(path.join(root, LAB), { recursive: true });
    await cp(own[0] as string, path.join(root, LAB, 'agent.mjs'));
    // Beside the command: the addon is looked for from there.
    await bundle([own[2] as string], path.join(root, APP, path.dirname(MAIN)));
    await symlink(path.join(APP, RESIDENT_BUILT), path.join(root, LAB, RESIDENT));
    await cp(own[1] as string, path.join(root, LAB, 'init'));
    await chmod(path.join(root, LAB, 'init'), 0o755);
    await mkdir(path.join(root, 'usr/bin'), { recursive: true });
    await symlink(APP_MAIN, path.join(root, 'usr/bin/clear-df'));
    await writeImage(root, path.join(fresh, 'image'));
  });
  await prune('app');
  return path.join(folder, 'image');
}

interface LockFile {
  packages: Record<string, { dev?: boolean; optional?: boolean }>;
}

/** The packages of `dependencies`, and theirs */
export async function packagesImage(): Promise<string> {
  const lock = await readFile(path.join(PROJECT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as LockFile;
  const wanted = Object.entries(packages)
    .filter(([place, { dev }]) => place.startsWith('node_modules/') && dev !== true)
    .map(([place]) => place)
    .filter((place) => existsSync(path.join(PROJECT, place)));
  const folder = await cached(`packages-${digest([lock])}`, async (fresh) => {
    const root = path.join(fresh, 'root');
    for (const place of wanted) {
      await mkdir(path.dirname(path.join(root, APP, place)), { recursive: true });
      await cp(path.join(PROJECT, place), path.join(root, APP, place), {
        recursive: true,
        // Packages inside packages are entries of their own.
        filter: (source) => !path.relative(path.join(PROJECT, place), source).split(path.sep).includes('node_modules'),
      });
    }
    await writeImage(root, path.join(fresh, 'image'));
  });
  await prune('packages');
  return path.join(folder, 'image');
}
