/** One contender under one load: the ring set up, the load sent, everything taken back. */
import type { Contender } from '../contenders/contender.js';
import { none } from '../contenders/none.js';
import { type Network, unnumber } from '../lab/network.js';
import type { DatagramLoad, Load } from '../record/catalogue.js';
import type { Latency } from '../record/results.js';
import { send } from './send.js';
import { Ring } from './ring.js';
import { readReceiver, startReceiver, type Received } from './sample.js';
import type { Outcome } from './spent.js';
import { stream } from './stream.js';

/** So many samples leave a hundred beyond the 99.9th percentile. */
const SAMPLES = 100_000;
/** More packets a second than one core sends. */
const FASTEST = 1_500_000;
const RING_MEGABYTES = 256;

async function inside<T>(network: Network, contender: Contender, run: (ring: Ring) => Promise<T>): Promise<T> {
  const ring = await Ring.enter(network, contender);
  try {
    return await run(ring);
  } finally {
    await ring.leave();
  }
}

/** Runs it. `rate` in packets a second, of a stream in bytes a second; 0 for as many as go. */
export async function runCell(
  network: Network,
  contender: Contender,
  load: Load,
  rate: number,
  seconds: number,
): Promise<Outcome & { latency?: Latency }> {
  if (load.kind === 'stream') {
    const undo = load.unnumbered ? await unnumber(network) : undefined;
    try {
      return await inside(network, contender, (ring) => stream(ring, load.connections, seconds, rate));
    } finally {
      await undo?.();
    }
  }
  const { length, flows, df } = load;
  if (load.latency === undefined) {
    return inside(network, contender, (ring) => send(ring, { length, flows, df, rate, seconds }));
  }
  const base = await inside(network, none, (ring) => received(ring, load, rate, seconds / 2));
  const { outcome, receiver } = await inside(network, contender, (ring) => received(ring, load, rate, seconds));
  return {
    ...outcome,
    latency: {
      ...{ samples: receiver.packets, missed: receiver.missed, disorder: receiver.disorder },
      ...{ seen: percentiles(receiver), without: percentiles(base.receiver) },
    },
  };
}

async function received(
  ring: Ring,
  { length, flows, df }: DatagramLoad,
  rate: number,
  seconds: number,
): Promise<{ outcome: Outcome; receiver: Received }> {
  const sample = Math.max(1, Math.floor(((rate === 0 ? FASTEST : rate) * seconds) / SAMPLES));
  const running = await startReceiver(ring.network, RING_MEGABYTES, 'sampled');
  const outcome = await send(ring, { length, flows, df, rate, seconds, sample });
  return { outcome, receiver: await readReceiver(running) };
}

function percentiles({ median, p99, p999, max }: Received): Latency['seen'] {
  return { median, p99, p999, max };
}
