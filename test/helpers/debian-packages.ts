/** What only tests of `npm run test:all` need of Debian. */
import { execa } from 'execa';

/** Installs those that are missing, which needs root. @throws Error with apt's words */
export async function install(...names: string[]): Promise<void> {
  const { stdout } = await execa('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}${Package}\\n', ...names], {
    reject: false,
  });
  const there = new Set(stdout.split('\n').flatMap((line) => (line.startsWith('ii ') ? [line.slice(3)] : [])));
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return;
  const words = ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...missing];
  await execa('apt-get', words, { env: { DEBIAN_FRONTEND: 'noninteractive' } });
}
