/** Latency and order at the sink, by `tap`, which looks only when all is over. */
import { program } from '../lab/programs.js';
import type { Network } from '../lab/network.js';
import type { Running } from '../../test/helpers/running.js';

/** What `tap` printed. Times in nanoseconds. */
export interface Tapped {
  packets: number;
  /** The ring had no room for them. */
  missed: number;
  withDf: number;
  /** Came behind a later one of their flow. */
  disorder: number;
  badChecksum: number;
  /** DF clear and identification 0. */
  noIdentification: number;
  median: number;
  p99: number;
  p999: number;
  max: number;
}

/** Starts it: `sampled` for the marked packets, `every` for all, each whole. */
export async function startTap({ sink }: Network, megabytes: number, mode: 'sampled' | 'every'): Promise<Running> {
  const tap = sink.spawn(await program('tap'), ['eth0', String(megabytes), mode]);
  await tap.says(/^ready$/m);
  return tap;
}

/** Ends it and reads what it saw. */
export async function readTap(tap: Running): Promise<Tapped> {
  const { exitCode } = await tap.stop('SIGTERM', 60_000);
  if (exitCode !== 0) throw new Error(`tap failed: ${tap.stderr}`);
  return JSON.parse(tap.stdout.replace(/^ready\n/, '')) as Tapped;
}
