/** Which stock Debian kernels are to be had today, and fetches them. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { aptOf, fetchPackages, field, recordsOf, unpackPackage } from './apt.js';
import { CACHE, cached } from './cache.js';
import { type Architecture, ARCHITECTURES, named } from './architecture.js';
import { compareVersions, type KernelSeries, OLDEST_SUPPORTED, ownSuite, seriesOf, SUITES } from './suites.js';

/** A kernel that a suite offers. */
export interface Offer {
  /** As stories and options call it: `6.1`, or `6.1-arm64`. */
  name: string;
  series: KernelSeries;
  architecture: Architecture;
  suite: string;
  /** The suite's own name: `bookworm`. */
  codename: string;
  /** Debian's version of the package: `6.1.176-1`. */
  version: string;
}

/** What the archive has, oldest first, and which suites have nothing for the lab, and why. */
export interface Offers {
  kernels: Offer[];
  /** Of other architectures, as far as asked for: of this machine's own release. */
  others: Offer[];
  missing: { suite: string; why: string }[];
}

/** A kernel as its packages hold it. */
export interface Kernel extends Offer {
  /** As uname -r shows it. */
  release: string;
  vmlinuz: string;
  /** Holds `RELEASE/kernel/…`. */
  modules: string;
}

type Ask = (suite: string, architecture: Architecture) => Promise<Offer>;

const metapackage = (architecture: Architecture): string => `linux-image-cloud-${ARCHITECTURES[architecture].debian}`;
/** Those of the packages behind the metapackage that hold files: newer kernels are split. */
const PARTS = /^linux-(image|base|binary|modules)-\d/;

/** Asks every suite of the archive; what it said once is kept until the cache is removed. */
export async function offers(ask: Ask = askSuite, others: readonly Architecture[] = []): Promise<Offers> {
  const found: Offers = { kernels: [], others: [], missing: [] };
  const hear = async (suite: string, architecture: Architecture, use: (offer: Offer) => void): Promise<void> => {
    try {
      use(await ask(suite, architecture));
    } catch (error) {
      found.missing.push({ suite, why: oneLine(error) });
    }
  };
  for (const suite of SUITES) await hear(suite, 'x64', (offer) => take(found, offer));
  for (const architecture of others) await hear(await ownSuite(), architecture, (offer) => found.others.push(offer));
  found.kernels.sort((a, b) => compareVersions(a.version, b.version));
  return found;
}

/** One of each series, the newest; none that clear-df does not support. */
function take({ kernels, missing }: Offers, offer: Offer): void {
  const { suite, series, version } = offer;
  const same = kernels.findIndex((one) => one.series === series);
  if (compareVersions(series, OLDEST_SUPPORTED) < 0) {
    missing.push({ suite, why: `its kernel ${version} is older than ${OLDEST_SUPPORTED}, the oldest supported` });
  } else if (same < 0) {
    kernels.push(offer);
  } else if (compareVersions((kernels[same] as Offer).version, version) < 0) {
    kernels[same] = offer;
  }
}

function oneLine(error: unknown): string {
  const { message } = error as Error;
  return message.split('\n').filter(Boolean).slice(0, 3).join(' ').slice(0, 400);
}

interface Asked {
  codename: string;
  /** By package: the metapackage, and all that it stands for. */
  versions: Record<string, string>;
}

async function askSuite(suite: string, architecture: Architecture): Promise<Offer> {
  const { codename, versions } = await asked(suite, architecture);
  const version = versions[metapackage(architecture)] ?? '';
  const series = seriesOf(version);
  return { name: named(series, architecture), series, architecture, suite, codename, version };
}

async function asked(suite: string, architecture: Architecture): Promise<Asked> {
  const name = named(suite, architecture);
  const folder = await cached(`suite-${name}`, async (fresh) => {
    console.error(`lab: asking the archive for the kernel of ${name}`);
    const apt = await aptOf(suite, { name, architecture: ARCHITECTURES[architecture].debian });
    const recordOf = await recordsOf(apt);
    const versions: Record<string, string> = {};
    const wanted = [metapackage(architecture)];
    for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
      const record = recordOf(name);
      if (record === '') throw new Error(`${suite} has no package ${name}`);
      versions[name] = field(record, 'Version');
      const depends = ['Pre-Depends', 'Depends'].flatMap((key) => field(record, key).split(','));
      for (const dependency of depends.map((text) => text.trim().split(/[ :|]/)[0] as string)) {
        if (PARTS.test(dependency) && !(dependency in versions)) wanted.push(dependency);
      }
    }
    await writeFile(
      path.join(fresh, 'asked.json'),
      JSON.stringify({ codename: apt.codename, versions } satisfies Asked),
    );
  });
  return JSON.parse(await readFile(path.join(folder, 'asked.json'), 'utf8')) as Asked;
}

/** The kernel of an offer, fetched on first use; later runs need no network. */
export async function fetchKernel(offer: Offer): Promise<Kernel> {
  const { suite, architecture, version } = offer;
  const folder = await cached(`kernel-${named(version, architecture)}`, async (fresh) => {
    console.error(`lab: fetching Debian's kernel ${named(version, architecture)} (${offer.codename})`);
    const { versions } = await asked(suite, architecture);
    const parts = new Map(Object.entries(versions).filter(([name]) => PARTS.test(name)));
    const name = named(suite, architecture);
    const { apt } = await aptOf(suite, { name, architecture: ARCHITECTURES[architecture].debian });
    const debs = await fetchPackages(apt, parts, path.join(fresh, 'debs'));
    for (const deb of debs) await unpackPackage(deb, path.join(fresh, 'root'));
  });
  const root = path.join(folder, 'root');
  // Since usr was merged kernels moved there.
  const modules = await firstThatIs(['usr/lib/modules', 'lib/modules'].map((part) => path.join(root, part)));
  const release = (await readdir(modules))[0] as string;
  const vmlinuz = await firstThatIs([
    path.join(root, 'boot', `vmlinuz-${release}`),
    path.join(modules, release, 'vmlinuz'),
  ]);
  return { ...offer, release, vmlinuz, modules };
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
