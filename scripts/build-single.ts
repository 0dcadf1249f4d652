/**
 * clear-df as one file that needs no Node: Node's own "single executable application", which is a Node with the command
 * and the files of the package in it.
 *
 *   npm run build:single     build/single/clear-df-VERSION-linux-{x64,arm64}, and the licences of all that is in them
 *   … build-single.ts FOLDER [ARCHITECTURE …]
 *
 * An architecture whose addons `npm run build:prebuilds` has left out is left out here, too.
 */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { bundleSingle, RULE } from './bundle.js';
import { ADDONS } from './cross-build.js';
import { type Architecture, ARCHITECTURES } from './lab/architecture.js';
import { PROJECT } from './lab/cache.js';
import { nodeBinary, nodeLicence } from './node-binary.js';

/** The oldest line that is still looked after for long: its binary runs on glibc 2.28 and later. */
const NODE = '24';
/** Of Node: where it looks for the command. */
const RESOURCE = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** What the command reads of its package, by the same names. */
const FILES = [
  'package.json',
  ...['index.html', 'status.js', 'status.css', 'icon.svg'].map((file) => `dist/esm/cli/page/${file}`),
];

const [folder = 'build/single', ...asked] = process.argv.slice(2);
const { version } = JSON.parse(await readFile(path.join(PROJECT, 'package.json'), 'utf8')) as { version: string };
const target = path.resolve(folder);
const work = await mkdtemp(path.join(tmpdir(), 'clear-df-single-'));
try {
  await mkdir(target, { recursive: true });
  const licences = await bundleSingle(path.join(work, 'main.cjs'));
  const own = await readFile(path.join(PROJECT, 'LICENSE'), 'utf8');
  await writeFile(path.join(target, 'LICENSES'), [own, await nodeLicence(NODE), licences].join(RULE));
  for (const architecture of Object.keys(ARCHITECTURES) as Architecture[]) {
    if (asked.length === 0 || asked.includes(architecture)) await make(architecture);
  }
} finally {
  await rm(work, { recursive: true });
}

/** The blob is the same on every machine but for the addons: no snapshot, no code cache. */
async function make(architecture: Architecture): Promise<void> {
  const addons = path.join(PROJECT, `prebuilds/linux-${architecture}-glibc`);
  if (!existsSync(addons)) {
    console.error(`build-single: ${architecture} is left out: there is no ${path.relative(PROJECT, addons)}`);
    return;
  }
  const assets = Object.fromEntries([
    ...FILES.map((file) => [file, path.join(PROJECT, file)]),
    ...ADDONS.map((name) => [`${name}.node`, path.join(addons, `${name}.node`)]),
  ]) as Record<string, string>;
  const [blob, config] = [path.join(work, `${architecture}.blob`), path.join(work, `${architecture}.json`)];
  const settings = { disableExperimentalSEAWarning: true, useSnapshot: false, useCodeCache: false };
  await writeFile(config, JSON.stringify({ main: path.join(work, 'main.cjs'), output: blob, ...settings, assets }));
  await execa(await nodeBinary(process.arch as Architecture, NODE), ['--experimental-sea-config', config]);
  const file = path.join(target, `clear-df-${version}-linux-${architecture}`);
  const fresh = path.join(work, architecture);
  await copyFile(await nodeBinary(architecture, NODE), fresh);
  await execa(architecture === process.arch ? 'strip' : `${ARCHITECTURES[architecture].triple}-strip`, [fresh]);
  await execa('node_modules/.bin/postject', [fresh, RESOURCE, blob, '--sentinel-fuse', FUSE], { cwd: PROJECT });
  await chmod(fresh, 0o755);
  // Another one that runs is not written into.
  await rm(file, { force: true });
  await copyFile(fresh, file);
  const megabytes = (await stat(file)).size / 1_000_000;
  console.log(`${path.relative(process.cwd(), file)}: ${megabytes.toFixed(1)} MB`);
}
