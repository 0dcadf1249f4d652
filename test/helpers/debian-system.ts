/** Debian's stable release as a whole system: installed by mmdebstrap, with apt, systemd and what clear-df depends on. */
import path from 'node:path';
import { execa } from 'execa';
import { cached, digest, prune } from '../../scripts/lab/cache.js';
import { sourceLine } from '../../scripts/lab/suites.js';
import { install } from './debian-packages.js';

const SUITE = 'stable';
/** Those of its package that apt would have to fetch otherwise, and what a story looks with. */
const PACKAGES =
  'systemd systemd-sysv nodejs iproute2 iptables nftables kmod libnetfilter-queue1 libmnl0 procps iputils-ping'.split(
    ' ',
  );

/** A system of one's own below `folder`. @throws Error with mmdebstrap's words */
export async function debianSystem(folder: string): Promise<string> {
  const whole = await cached(`debian-${SUITE}-${digest(PACKAGES)}`, async (fresh) => {
    await install('mmdebstrap');
    const words = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, SUITE, path.join(fresh, 'root')];
    await execa('mmdebstrap', [...words, await sourceLine(SUITE, 'amd64')], { all: true });
  });
  await prune('debian', 1);
  const root = path.join(folder, 'debian');
  await execa('cp', ['-a', path.join(whole, 'root'), root]);
  return root;
}
