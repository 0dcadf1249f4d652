/** Where this machine's own apt configuration says that Debian is to be had, and which of its suites have kernels. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

/**
 * Suites by their standing, oldest first. Which release each of them is changes with the years; which kernel it has is
 * asked of the archive: see fetch.ts.
 */
export const SUITES = ['oldoldstable', 'oldstable', 'stable', 'unstable'] as const;

export type Suite = (typeof SUITES)[number];

/** A kernel's series, the first two numbers of its version: `6.1`. */
export type KernelSeries = string;

/** Below this clear-df does not promise anything (README), so the lab does not look. */
export const OLDEST_SUPPORTED: KernelSeries = '5.10';

/** Less than 0 when `a` is the older series or version. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** `6.1` of `6.1.176-1`. @throws Error when the version does not begin so */
export function seriesOf(version: string): KernelSeries {
  const series = /^\d+\.\d+/.exec(version)?.[0];
  if (series === undefined) throw new Error(`'${version}' is no version of a kernel`);
  return series;
}

/**
 * The suite that this machine is of.
 * @throws Error when it does not say
 */
export async function ownSuite(): Promise<string> {
  const name = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  if (name === undefined) throw new Error('/etc/os-release names no Debian suite (VERSION_CODENAME), so none is known');
  return name;
}

/** Verifies what the archive signs; of the package debian-archive-keyring. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * One line of sources.list for a suite of the archive that this machine already uses.
 * @throws Error when the machine's apt is not set up for Debian
 */
export async function sourceLine(suite: string, architecture: string): Promise<string> {
  if (!existsSync(KEYRING)) {
    throw new Error(`${KEYRING} is missing, so packages cannot be verified: apt-get install debian-archive-keyring`);
  }
  return `deb [arch=${architecture} signed-by=${KEYRING}] ${await archive()} ${suite} main`;
}

/** The address from which this machine's apt takes Debian's main archive. */
async function archive(): Promise<string> {
  // A suite may be configured more than once; the archives of updates and security hold no other suite's kernels.
  const format = '$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)\t$(LABEL)';
  const { stdout } = await execa('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    reject: false,
  });
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [uri = '', release = '', component, origin = '', label = ''] = line.split('\t');
    const plain = component === 'main' && !/-(security|updates|backports|proposed)/.test(release);
    // Origin and label are known only once the lists have been fetched; the signature decides in any case.
    const debian = [origin, label].every((name) => name === 'Debian' || name === '' || name.startsWith('$('));
    if (plain && debian) return uri;
  }
  throw new Error(
    "this machine's apt has no lists of an archive of Debian (apt-get indextargets names none with component main; " +
      'apt-get update fetches them): the lab takes its kernels and daemons from there',
  );
}
