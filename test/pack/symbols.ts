/** Which versions of the system's libraries a binary asks for. */
import { execa } from 'execa';

/** What Debian 11 has, which came with the oldest supported kernel: glibc 2.31, GCC 10's libraries, libmnl 1.0.4. */
export const CEILINGS: Readonly<Record<string, string>> = {
  GLIBC: '2.31',
  GLIBCXX: '3.4.28',
  CXXABI: '1.3.12',
  GCC: '7.0',
  LIBMNL: '1.2',
};

export interface Asked {
  library: string;
  version: string;
  symbol: string;
}

/** Of a shared object of any architecture, by `objdump -T`'s `*UND* … (GLIBC_2.30) gettid`. */
export async function askedOf(file: string): Promise<Asked[]> {
  const machine = /AArch64/.test((await execa('readelf', ['-h', file])).stdout) ? 'aarch64-linux-gnu-' : '';
  const { stdout } = await execa(`${machine}objdump`, ['-T', file]);
  const lines = stdout.matchAll(/\*UND\*.*\(?\b([A-Z]+)_([\d.]+)\)?\s+(\S+)$/gm);
  return Array.from(lines, ([, library = '', version = '', symbol = '']) => ({ library, version, symbol }));
}
