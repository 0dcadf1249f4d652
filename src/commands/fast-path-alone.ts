/** The fast path while no process runs: its programs go on, and their maps tell what they have counted. */
import type { FastStats } from '../fast-path/fast-path.js';
import { listPrograms } from '../host/read/fast-path.js';

/** A program that is attached, and whose it is. */
export interface FastPathAlone extends FastStats {
  name: string;
}

/**
 * Every program in this network namespace whose counters can be read; none where there is no fast path at all.
 * @throws ClearDfError RUNTIME when the kernel does not answer
 */
export async function fastPathAlone(): Promise<FastPathAlone[]> {
  const programs = await listPrograms();
  return programs.flatMap(({ counters, ...program }) => (counters === undefined ? [] : [{ ...program, counters }]));
}
