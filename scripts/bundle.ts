/**
 * Joins the library and the command with every package that they import, but `bindings`: to open and compile some 600
 * files takes half of the time that a command needs, and the packages whole take twice the place of all the rest.
 *
 *   tsx scripts/bundle.ts [DIST]    the library, its types, the command, and the status page below that
 */
import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type BuildOptions, type Metafile, type Plugin, transform } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

/** `node_modules/…/NAME` of a file of a package. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

const LICENCES = 'LICENSES';
/** Between two of them. */
export const RULE = `\n${'-'.repeat(80)}\n\n`;

/** Less to read and parse at each start; names stay, for stacks. */
const COMPACT = { minifyWhitespace: true, minifySyntax: true, legalComments: 'none', target: 'node20' } as const;

/** What a module says of itself, in CommonJS. */
const PLACE = { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' };

/** The licence of a package, which has to go wherever its code goes. @throws Error when it has none */
function licence(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<
    'name' | 'version',
    string
  >;
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${folder} is bundled and has no licence file`);
  return `${name} ${version}\n\n${readFileSync(path.join(folder, file), 'utf8').trim()}\n`;
}

/** Of every package that something is made of. */
function licencesOf({ inputs }: Metafile): string[] {
  const folders = Object.keys(inputs).flatMap((file) => PACKAGE.exec(file) ?? []);
  return [...new Set(folders)].sort().map(licence);
}

/** commander loads what starts processes for commands that are programs of their own; clear-df has none such. */
const commanderStartsNothing: Plugin = {
  name: 'commander-starts-nothing',
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'nothing', namespace: 'nothing' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
  },
};

interface Joined {
  /** Each entry under its own name, and what entries and dynamic imports share; ES modules. */
  files: readonly { name: string; text: string }[];
  metafile: Metafile;
}

async function join(
  entryPoints: string[],
  options: Pick<BuildOptions, 'platform' | 'external' | 'plugins'>,
): Promise<Joined> {
  const { outputFiles, metafile } = await build({
    ...{ ...COMPACT, ...options, format: 'esm', mainFields: ['module', 'main'], logLevel: 'error' },
    ...{ entryPoints, outdir: 'joined', entryNames: '[name]', bundle: true, splitting: true },
    metafile: true,
    write: false,
  });
  return { files: outputFiles.map(({ path: file, text }) => ({ name: path.basename(file), text })), metafile };
}

/** Writes ES modules as what they are. */
function writeModules(outdir: string, { files }: Joined): void {
  mkdirSync(outdir, { recursive: true });
  for (const { name, text } of files) writeFileSync(path.join(outdir, name), text);
}

/**
 * Writes ES modules as CommonJS, which esbuild itself cannot split. What they import when it is needed stays so. Rollup
 * knows what an entry has loaded by then, and gives no file of its own to it.
 */
async function writeCommonJs(outdir: string, entryPoints: readonly string[], { files }: Joined): Promise<void> {
  const texts = new Map(files.map(({ name, text }) => [`./${name}`, text]));
  const placed = async (text: string) => (await transform(text, { format: 'esm', define: PLACE })).code;
  const joined = await rollup({
    input: entryPoints.map((entry) => `./${path.parse(entry).name}.js`),
    plugins: {
      name: 'joined',
      resolveId: (id) => (texts.has(id) ? id : { id, external: true }),
      load: (id) => placed(texts.get(id) ?? ''),
    },
    logLevel: 'silent',
  });
  const { output } = await joined.generate({
    ...{ format: 'cjs', exports: 'named', interop: 'default', dynamicImportInCjs: false },
    ...{ hoistTransitiveImports: false, entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
  });
  mkdirSync(outdir, { recursive: true });
  for (const chunk of output) {
    if (chunk.type !== 'chunk') continue;
    const { code } = await transform(chunk.code, { ...COMPACT, platform: 'node', format: 'cjs' });
    writeFileSync(path.join(outdir, chunk.fileName), code, { mode: code.startsWith('#!') ? 0o755 : 0o644 });
  }
  writeFileSync(path.join(outdir, 'package.json'), '{ "type": "commonjs" }\n');
}

/**
 * Writes programs to `outdir`, each under its own name, what it loads later beside it, and LICENSES of the packages.
 * In CommonJS, because to set up Node's loader of ES modules takes longer than to load most commands.
 * @throws Error when an import cannot be resolved
 */
export async function bundle(entryPoints: string[], outdir: string): Promise<void> {
  const licences = new Set<string>();
  // Each by itself: two that share a file would both have to open it.
  for (const entry of entryPoints) {
    const joined = await join([entry], { platform: 'node', plugins: [commanderStartsNothing] });
    await writeCommonJs(outdir, [entry], joined);
    for (const licence of licencesOf(joined.metafile)) licences.add(licence);
  }
  writeFileSync(path.join(outdir, LICENCES), [...licences].join(RULE));
}

/** Writes the whole command as one file of CommonJS. @returns the licences of the packages in it, and in the status page */
export async function bundleSingle(outfile: string): Promise<string> {
  const { metafile } = await build({
    ...{ ...COMPACT, entryPoints: ['src/cli/single.ts'], outfile, bundle: true, metafile: true, logLevel: 'error' },
    ...{ platform: 'node', format: 'cjs', mainFields: ['module', 'main'], define: PLACE },
    plugins: [commanderStartsNothing],
  });
  const page = await build({ entryPoints: ['src/page/status.ts'], bundle: true, metafile: true, write: false });
  return [...new Set([...licencesOf(metafile), ...licencesOf(page.metafile)])].join(RULE);
}

/** What a program may import, and its types. */
const PUBLIC = { index: 'src/index.ts', plan: 'src/plan.ts' };

/**
 * Writes the library to `esm` and `cjs` below `dist`. `clear-df/plan` is for browsers as well: nothing of Node goes into
 * it. `bindings` stays a package: it looks for the addon from where it is called.
 */
async function bundleLibrary(dist: string): Promise<void> {
  const external = ['node:*', 'bindings'];
  const joined = await join(Object.values(PUBLIC), { platform: 'neutral', external });
  writeModules(path.join(dist, 'esm'), joined);
  await writeCommonJs(path.join(dist, 'cjs'), Object.values(PUBLIC), joined);
  writeFileSync(path.join(dist, LICENCES), licencesOf(joined.metafile).join(RULE));
  const types = await rollup({ input: PUBLIC, external: [/^node:/], plugins: [dts()] });
  for (const format of ['esm', 'cjs'] as const) {
    await types.write({ dir: path.join(dist, format), format: 'es', chunkFileNames: 'shared.d.ts' });
  }
}

/** Writes the status page to `outdir`: what is served as it stands. @returns what it is made of */
async function bundlePage(outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    ...{ entryPoints: ['src/page/status.ts', 'src/page/status.css'], outdir, bundle: true, metafile: true },
    ...{ platform: 'browser', format: 'iife', target: 'es2022', minify: true },
    ...{ legalComments: 'none', logLevel: 'error' },
  });
  for (const file of ['index.html', 'icon.svg']) copyFileSync(`src/page/${file}`, path.join(outdir, file));
  return metafile;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [dist = 'dist'] = process.argv.slice(2);
  const command = path.join(dist, 'esm/cli');
  await bundleLibrary(dist);
  // `send` is started as a process, and so by its file.
  await bundle(['src/cli/main.ts', 'src/commands/bench/send.ts'], command);
  const page = await bundlePage(path.join(command, 'page'));
  appendFileSync(path.join(command, LICENCES), ['', ...licencesOf(page)].join(RULE));
}
