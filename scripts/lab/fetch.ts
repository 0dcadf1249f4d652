/** Fetches a stock Debian kernel. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { aptOf, fetchPackages, field, unpackPackage } from './apt.js';
import { CACHE, cached } from './cache.js';
import { type KernelSeries, SUITES } from './suites.js';

/** A kernel as its packages hold it. */
export interface Kernel {
  series: KernelSeries;
  /** As uname -r shows it. */
  release: string;
  /** Debian's version of the package: `6.1.176-1`. */
  version: string;
  vmlinuz: string;
  /** Holds `RELEASE/kernel/…`. */
  modules: string;
}

const META = 'linux-image-cloud-amd64';
/** Those of the packages behind the metapackage that hold files: newer kernels are split. */
const PARTS = /^linux-(image|base|binary|modules)-\d/;

/** The newest kernel of the series, fetched on first use; later runs need no network. */
export async function fetchKernel(series: KernelSeries): Promise<Kernel> {
  const folder = await cached(`kernel-${series}`, async (fresh) => {
    console.error(`lab: fetching Debian's kernel ${series} (${SUITES[series]})`);
    const { versions, debs } = await download(series, fresh);
    for (const deb of debs) await unpackPackage(deb, path.join(fresh, 'root'));
    await writeFile(path.join(fresh, 'versions.json'), JSON.stringify(versions));
  });
  return describeKernel(series, folder);
}

async function describeKernel(series: KernelSeries, folder: string): Promise<Kernel> {
  const root = path.join(folder, 'root');
  const versions = JSON.parse(await readFile(path.join(folder, 'versions.json'), 'utf8')) as Record<string, string>;
  // Since usr was merged kernels moved there.
  const modules = await firstThatIs(['usr/lib/modules', 'lib/modules'].map((part) => path.join(root, part)));
  const release = (await readdir(modules))[0] as string;
  const vmlinuz = await firstThatIs([
    path.join(root, 'boot', `vmlinuz-${release}`),
    path.join(modules, release, 'vmlinuz'),
  ]);
  return { series, release, version: versions[META] ?? '', vmlinuz, modules };
}

async function firstThatIs(paths: readonly string[]): Promise<string> {
  for (const one of paths) {
    const there = await readdir(path.dirname(one)).then(
      (names) => names.includes(path.basename(one)),
      () => false,
    );
    if (there) return one;
  }
  throw new Error(`the kernel's packages hold none of ${paths.join(', ')}: remove ${CACHE} and run again`);
}

async function download(
  series: KernelSeries,
  fresh: string,
): Promise<{ versions: Record<string, string>; debs: string[] }> {
  const apt = await aptOf(SUITES[series]);
  const versions: Record<string, string> = {};
  const wanted = [META];
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    const stdout = await apt('apt-cache', ['show', '--no-all-versions', name]);
    versions[name] = field(stdout, 'Version');
    const depends = ['Pre-Depends', 'Depends'].flatMap((key) => field(stdout, key).split(','));
    for (const dependency of depends.map((text) => text.trim().split(/[ :|]/)[0] as string)) {
      if (PARTS.test(dependency) && !(dependency in versions)) wanted.push(dependency);
    }
  }
  if (!versions[META]?.startsWith(`${series}.`)) {
    throw new Error(`${META} of ${SUITES[series]} is ${versions[META]}: no longer of the series ${series}`);
  }
  const parts = Object.entries(versions).filter(([name]) => PARTS.test(name));
  return { versions, debs: await fetchPackages(apt, new Map(parts), path.join(fresh, 'debs')) };
}
