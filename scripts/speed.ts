/** How fast this machine is now: what the tests' limits are multiplied by, and how long the tiers took the last time. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What the work of `measureSlowness` takes on a quiet core of the machines that the limits were chosen on. */
const REFERENCE_MS = 500;
const ROUNDS = 360_000_000;

/**
 * 1 on a quiet machine of the usual kind, 3 where two others want the same core, and so on: by the wall clock, because
 * what else runs is half of it.
 */
export function measureSlowness(): number {
  const started = performance.now();
  let value = 1;
  for (let i = 0; i < ROUNDS; i += 1) value = (Math.imul(value, 1664525) + 1013904223) | 0;
  const took = performance.now() - started;
  // Used, so that it is computed.
  if (value === 0) throw new Error('this cannot be');
  return Math.max(1, Math.round((10 * took) / REFERENCE_MS) / 10);
}

const FILE = '.cache/test-seconds.json';

/** Seconds that each tier took when it last passed here; empty where none did. */
export function lastSeconds(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}

/** Remembers how long a tier took. */
export function rememberSeconds(tier: string, seconds: number): void {
  mkdirSync(path.dirname(FILE), { recursive: true });
  writeFileSync(FILE, JSON.stringify({ ...lastSeconds(), [tier]: seconds }));
}
