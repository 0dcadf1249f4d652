/** Other machines that clear-df is compiled for here: their compilers, and Debian's libraries of them. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { aptOf, closure, fetchPackages, unpackPackage } from './lab/apt.js';
import { type Target, TARGETS } from './lab/architecture.js';
import { cached, digest } from './lab/cache.js';
import { ownSuite } from './lab/suites.js';

/** What a target needs beside a binary to be a system: by the names of Debian's packages, with all they depend on. */
export async function debianRoot(suite: string, architecture: string, packages: readonly string[]): Promise<string> {
  const name = `root-${suite}-${architecture}-${digest(packages)}`;
  const folder = await cached(name, async (fresh) => {
    console.error(`fetching Debian's packages of ${architecture} (${suite}): ${packages.join(' ')}`);
    const { apt } = await aptOf(suite, { name, architecture });
    const versions = await closure(apt, packages);
    const debs = await fetchPackages(apt, versions, path.join(fresh, 'debs'));
    for (const deb of debs) await unpackPackage(deb, path.join(fresh, 'root'));
    await writeFile(path.join(fresh, 'versions.json'), JSON.stringify(Object.fromEntries(versions), null, 2));
    await rm(path.join(fresh, 'debs'), { recursive: true });
  });
  return path.join(folder, 'root');
}

/**
 * The prefix of an architecture's compiler and a folder with its libraries, of this machine's suite.
 * @throws Error when the compiler is not installed or the packages are not to be had
 */
export async function target(
  architecture: Target,
  packages: readonly string[],
): Promise<{ triple: string; root: string }> {
  const { debian, triple } = TARGETS[architecture];
  const { failed } = await execa(`${triple}-g++`, ['--version'], { reject: false });
  if (failed) throw new Error(`${triple}-g++ is not installed: apt-get install g++-${triple.replace('_', '-')}`);
  return { triple, root: await debianRoot(await ownSuite(), debian, packages) };
}

/** qemu's user emulation of a machine as the kernel calls it, one static file: the installed one, or fetched. */
export async function emulator(machine: string): Promise<string> {
  const name = `usr/bin/qemu-${machine}-static`;
  const installed = path.join('/', name);
  if (existsSync(installed)) return installed;
  return path.join(await debianRoot(await ownSuite(), 'amd64', ['qemu-user-static']), name);
}
