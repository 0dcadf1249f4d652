/** clear-df itself and the packages it needs, as two images: the first changes with every build, the second hardly ever. */
import { cp, mkdir, readFile, symlink, chmod } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { cached, digest, PROJECT, prune } from './cache.js';
import { writeImage } from './image.js';
import { contents, filesBelow } from './stage.js';

/** Where clear-df is inside a guest. */
export const APP = '/opt/clear-df';
/** Where the lab's own files are inside a guest. */
const LAB = '/opt/lab';
const MAIN = 'dist/esm/cli/main.js';
/**
 * The built clear-df with everything that it imports in one file: to open and compile some 600 files takes an emulated
 * machine three times as long.
 */
const JOINED = 'dist/esm/cli/joined.js';
export const APP_MAIN = path.join(APP, JOINED);
/** As npm installs it. */
export const APP_SHIPPED = path.join(APP, MAIN);
/** clear-df as a process that waits for commands: see resident.mjs. */
const RESIDENT = 'resident.mjs';
const ADDON = 'build/Release/clear_df.node';

/** The built clear-df, and the agent. @throws Error when it has not been built */
export async function appImage(): Promise<string> {
  for (const product of [MAIN, ADDON]) {
    if (!existsSync(path.join(PROJECT, product))) throw new Error(`${product} is missing: run npm run build`);
  }
  const files = [
    ...(await filesBelow(path.join(PROJECT, 'dist'))),
    path.join(PROJECT, ADDON),
    path.join(PROJECT, 'package.json'),
  ];
  const own = ['agent.mjs', 'init.sh', RESIDENT].map((name) => fileURLToPath(new URL(name, import.meta.url)));
  const folder = await cached(`app-${digest(await contents([...files, ...own]))}`, async (fresh) => {
    const root = path.join(fresh, 'root');
    for (const file of files) {
      const target = path.join(root, APP, path.relative(PROJECT, file));
      await mkdir(path.dirname(target), { recursive: true });
      await cp(file, target);
    }
    await join(path.join(PROJECT, MAIN), path.join(root, APP, JOINED));
    for (const file of [MAIN, JOINED]) await chmod(path.join(root, APP, file), 0o755);
    await mkdir(path.join(root, LAB), { recursive: true });
    await cp(own[0] as string, path.join(root, LAB, 'agent.mjs'));
    // Beside the joined one: the addon is looked for from there.
    await join(own[2] as string, path.join(root, APP, path.dirname(JOINED), RESIDENT));
    await symlink(path.join(APP, path.dirname(JOINED), RESIDENT), path.join(root, LAB, RESIDENT));
    await cp(own[1] as string, path.join(root, LAB, 'init'));
    await chmod(path.join(root, LAB, 'init'), 0o755);
    await mkdir(path.join(root, 'usr/bin'), { recursive: true });
    await symlink(APP_MAIN, path.join(root, 'usr/bin/clear-df'));
    await writeImage(root, path.join(fresh, 'image'));
  });
  await prune('app');
  return path.join(folder, 'image');
}

async function join(entry: string, outfile: string): Promise<void> {
  // By names that no file has: all of them share one scope.
  const require =
    "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";
  const names = 'const __filename = import.meta.filename, __dirname = import.meta.dirname;';
  await build({
    ...{ entryPoints: [entry], outfile, bundle: true, minifyWhitespace: true, logLevel: 'error' },
    ...{
      platform: 'node',
      format: 'esm',
      target: 'node20',
      mainFields: ['module', 'main'],
      banner: { js: `${require}${names}` },
    },
  });
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
