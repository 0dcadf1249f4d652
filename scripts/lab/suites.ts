/** The kernels of the lab, and where this machine's own apt configuration says that Debian is to be had. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

/** Kernel series, and the Debian suite whose `linux-image-cloud-amd64` is of that series. */
export const SUITES = {
  '5.10': 'bullseye',
  '6.1': 'bookworm',
  '6.12': 'trixie',
  '7.2': 'sid',
} as const;

export type KernelSeries = keyof typeof SUITES;

export const SERIES = Object.keys(SUITES) as KernelSeries[];
/** The one whose stories run in full by default. */
export const DEFAULT_SERIES: KernelSeries = '6.1';

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

/** Reads a kernel series as a person typed it. @throws Error that names those there are */
export function parseSeries(text: string): KernelSeries {
  const found = SERIES.find((series) => series === text);
  if (found === undefined) throw new Error(`'${text}' is no kernel of the lab; expected one of: ${SERIES.join(' ')}`);
  return found;
}

/**
 * One line of sources.list for a suite of the archive that this machine already uses.
 * @throws Error when the machine's apt is not set up for Debian
 */
export async function sourceLine(suite: string): Promise<string> {
  if (!existsSync(KEYRING)) {
    throw new Error(`${KEYRING} is missing, so packages cannot be verified: apt-get install debian-archive-keyring`);
  }
  return `deb [arch=amd64 signed-by=${KEYRING}] ${await archive()} ${suite} main`;
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
    "this machine's apt knows no archive of Debian (apt-get indextargets lists none with component main): " +
      'the lab takes its kernels and daemons from there',
  );
}
