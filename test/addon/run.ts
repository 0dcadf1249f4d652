/** Runs a fixture in a network namespace of its own, with the built addon or a sanitized twin. */
import path from 'node:path';
import { execa } from 'execa';
import { patient } from '../helpers/slowness.js';

const ROOT = path.join(import.meta.dirname, '..', '..');
/** Or one with counters in it, of `npm run coverage`. */
export const BUILT = process.env['CLEAR_DF_COVERED'] ?? path.join(ROOT, 'build', 'Release', 'clear_df.node');

export interface Ran {
  /** What the fixture printed as JSON, or undefined. */
  result: Record<string, unknown> | undefined;
  exitCode: number | undefined;
  signal: string | undefined;
  stderr: string;
}

/**
 * @param words the fixture's file name and its arguments
 * @param around a command to run it by, and its arguments
 */
export async function fixture(
  words: readonly string[],
  environment: Record<string, string> = {},
  around: readonly string[] = [],
): Promise<Ran> {
  const [file = '', ...args] = words;
  const script = path.join(import.meta.dirname, 'fixtures', file);
  // The loopback device of a new namespace is down.
  const inside = ['-c', 'ip link set lo up && exec "$@"', 'sh', ...around, process.execPath, script, ...args];
  const { stdout, stderr, exitCode, signal } = await execa('unshare', ['--net', 'sh', ...inside], {
    env: { CLEAR_DF_ADDON: BUILT, ...environment },
    reject: false,
    timeout: patient(120_000),
  });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  const result = line === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>);
  return { result, exitCode, signal, stderr };
}
