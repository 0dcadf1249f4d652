/** Latency and order at the sink, by `receiver`, which looks only when all is over. */
import { program } from '../lab/programs.js';
import type { Network } from '../lab/network.js';
import type { Running } from '../../test/helpers/running.js';

/** What `receiver` printed. Times in nanoseconds. */
export interface Received {
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
export async function startReceiver({ sink }: Network, megabytes: number, mode: 'sampled' | 'every'): Promise<Running> {
  const receiver = sink.spawn(await program('receiver'), ['eth0', String(megabytes), mode]);
  await receiver.says(/^ready$/m);
  return receiver;
}

/** Ends it and reads what it saw. */
export async function readReceiver(receiver: Running): Promise<Received> {
  const { exitCode } = await receiver.stop('SIGTERM', 60_000);
  if (exitCode !== 0) throw new Error(`receiver failed: ${receiver.stderr}`);
  return JSON.parse(receiver.stdout.replace(/^ready\n/, '')) as Received;
}
