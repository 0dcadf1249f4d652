/**
 * Packages of Debian that are not for this machine: apt itself fetches them, with lists and a cache of its own, so that it needs
 * no root, changes nothing of the machine's and accepts only what the archive has signed.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { CACHE } from './cache.js';
import { sourceLine } from './suites.js';

/** Runs a program of apt's on the folders of one suite; resolves with what it printed. */
type Apt = (command: string, args: string[], cwd?: string) => Promise<string>;

interface AptOptions {
  /** Of the folders, where two may fetch from one suite at once. */
  name?: string;
  /** As Debian calls it; the machine's own apt does not have to know it. */
  architecture?: string;
}

interface AptOfSuite {
  apt: Apt;
  /** The suite's own name: `bookworm`. */
  codename: string;
  /** The list of packages that was read, as `apt-helper cat-file` takes it. */
  list: string;
}

/**
 * Makes apt's folders for one suite and reads what it holds today; whatever the machine says of proxies and
 * certificates stays in force. To this apt nothing is installed.
 */
export async function aptOf(
  suite: string,
  { name = suite, architecture = 'amd64' }: AptOptions = {},
): Promise<AptOfSuite> {
  const root = path.join(CACHE, 'apt', name);
  for (const folder of ['lists/partial', 'cache/archives/partial', 'state']) {
    await mkdir(path.join(root, folder), { recursive: true });
  }
  const configuration = path.join(root, 'apt.conf');
  const settings = {
    'Dir::State': path.join(root, 'state'),
    'Dir::State::lists': path.join(root, 'lists'),
    'Dir::State::status': path.join(root, 'status'),
    'Dir::Cache': path.join(root, 'cache'),
    // Images of Debian for containers have none, and each command would read 60,000 packages again.
    'Dir::Cache::pkgcache': 'pkgcache.bin',
    'Dir::Cache::srcpkgcache': 'srcpkgcache.bin',
    'Dir::Etc::sourcelist': path.join(root, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::GzipIndexes': 'true',
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::Retries': '3',
  };
  const text = Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`);
  await writeFile(configuration, text.join(''));
  await writeFile(path.join(root, 'status'), '');
  await writeFile(path.join(root, 'sources.list'), `${await sourceLine(suite, architecture)}\n`);
  // As an option: what APT_CONFIG says the machine's own configuration would overrule.
  const apt: Apt = async (command, args, cwd = root) => tool(command, ['-c', configuration, ...args], cwd);
  // The cache of all packages takes seconds to make: only what resolves or downloads needs it, and makes it then.
  await apt('apt-get', ['update', '-qq', '-o', 'pkgCacheFile::Generate=false']);
  const targets = await apt('apt-get', ['indextargets', '--format', '$(FILENAME) $(CODENAME)', 'Created-By: Packages']);
  // Suites may be named by their standing, which passes on to another release.
  const [list = '', codename] = (targets.split('\n')[0] ?? '').split(' ');
  return { apt, codename: codename || suite, list };
}

/** Reads a suite's packages: the record of each by its name, '' for one that is not there. */
export async function recordsOf({ apt, list }: AptOfSuite): Promise<(name: string) => string> {
  const text = `\n${await apt('/usr/lib/apt/apt-helper', ['cat-file', list])}`;
  return (name) => record(text, name);
}

/** Of a text of records that begins with an empty line. */
export function record(text: string, name: string): string {
  const start = text.indexOf(`\nPackage: ${name}\n`);
  return start < 0 ? '' : text.slice(start + 1, text.indexOf('\n\n', start) + 1 || undefined);
}

/**
 * What an empty machine would need to install the packages, themselves included: version by name.
 * @throws Error with apt's words when they exclude each other
 */
export async function closure(apt: Apt, names: readonly string[]): Promise<Map<string, string>> {
  return simulated(await apt('apt-get', ['--simulate', 'install', ...names]));
}

/** Names and versions in the lines `Inst NAME [OLD] (VERSION SUITE [ARCHITECTURE])` of apt's simulation. */
export function simulated(output: string): Map<string, string> {
  const lines = output.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) /gm);
  return new Map([...lines].map(([, name = '', version = '']) => [name, version]));
}

/** Fetches the packages (version by name) into a folder made for them; resolves with the files. */
export async function fetchPackages(
  apt: Apt,
  packages: ReadonlyMap<string, string>,
  folder: string,
): Promise<string[]> {
  await mkdir(folder);
  await apt('apt-get', ['-qq', 'download', ...[...packages].map(([name, version]) => `${name}=${version}`)], folder);
  return (await readdir(folder)).sort().map((name) => path.join(folder, name));
}

/** Unpacks a package's files below a folder; none of its scripts run. */
export async function unpackPackage(deb: string, folder: string): Promise<void> {
  await tool('dpkg-deb', ['-x', deb, folder]);
}

/** Value of a field of a package's record; empty when it is not there. */
export function field(text: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
}

async function tool(command: string, args: string[], cwd?: string): Promise<string> {
  // Its words are read.
  const options = { env: { LC_ALL: 'C' }, ...(cwd === undefined ? {} : { cwd }) };
  const result = await execa(command, args, { ...options, reject: false });
  if (result.failed) {
    const words = result.stderr.trim() || result.shortMessage;
    throw new Error(`${[command, ...args].join(' ')} failed, so packages of Debian are lacking:\n${words}`);
  }
  return result.stdout;
}
