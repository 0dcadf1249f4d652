/** What clear-df needs of this machine's distribution, by the names of its packages. */
import { readFileSync } from 'node:fs';

/** How to install it; without a package manager's command where the distribution is not known. */
interface Needs {
  /** The libraries of a ready binary. */
  run: string;
  /** Compiler and headers; what is to be done next follows. */
  build: string;
}

/** By `ID` of os-release(5), or one of `ID_LIKE`. */
const DISTRIBUTIONS: Readonly<Record<string, Needs>> = {
  debian: {
    run: 'apt-get install libnetfilter-queue1',
    build: 'apt-get install g++ make python3 pkg-config libnetfilter-queue-dev libmnl-dev &&',
  },
  alpine: {
    run: 'apk add libnetfilter_queue libstdc++',
    build: 'apk add bash g++ make python3 pkgconf libnetfilter_queue-dev libmnl-dev linux-headers &&',
  },
  fedora: {
    run: 'dnf install libnetfilter_queue',
    build: 'dnf install gcc-c++ make python3 pkgconf-pkg-config libnetfilter_queue-devel libmnl-devel &&',
  },
  arch: {
    run: 'pacman -S libnetfilter_queue',
    build: 'pacman -S --needed base-devel python libnetfilter_queue libmnl &&',
  },
  suse: {
    run: 'zypper install libnetfilter_queue1',
    build: 'zypper install gcc-c++ make python3 pkg-config libnetfilter_queue-devel libmnl-devel &&',
  },
};

const ANY: Needs = {
  run: 'install libnetfilter_queue',
  build:
    'install bash, a C++ compiler, make, Python 3, pkg-config and the headers of libnetfilter_queue and libmnl, then:',
};

/** @param release text of os-release(5); default: this machine's */
export function needs(release = osRelease()): Needs {
  const value = (key: string) => new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(release)?.[1] ?? '';
  const names = `${value('ID')} ${value('ID_LIKE')}`.split(' ');
  return names.map((name) => DISTRIBUTIONS[name]).find((found) => found !== undefined) ?? ANY;
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}
