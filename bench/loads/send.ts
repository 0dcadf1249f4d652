/** Datagrams through a ring, and what became of each. */
import { setTimeout as pause } from 'node:timers/promises';
import { pinned } from '../lab/cores.js';
import { FIRST_SOURCE, offered, SINK } from '../lab/network.js';
import { readProcessor } from '../lab/processor.js';
import { program } from '../lab/programs.js';
import type { Datagrams } from '../record/results.js';
import { arrived } from '../../test/helpers/traffic.js';
import type { Ring } from './ring.js';
import { type Outcome, spent, watchLife } from './spent.js';

export interface Sending {
  length: number;
  seconds: number;
  /** Packets a second; 0 for as many as go. */
  rate: number;
  flows: number;
  /** Percent with DF set. */
  df: number;
  /** One of so many is marked for `receiver`. */
  sample?: number;
  /** The end comes after so many, too. */
  count?: number;
  /** Whom the frames are addressed to; the router unless it is given. */
  mac?: string;
  /** The contender is stopped until all has been sent: it finds everything waiting. */
  backlog?: boolean;
}

/** What `sender` printed. */
interface Poured {
  sent: number;
  refused: number;
  seconds: number;
  /** The sender was kept from its processor and did not catch up. */
  heldSeconds: number;
}

/** Packets may wait in a queue for so long after the last was sent. */
const DRAIN_MS = 20_000;
const QUIET_MS = 120;

/** Sends, waits until nothing arrives any more, and tells who spent what. */
export async function send(ring: Ring, load: Sending): Promise<Outcome> {
  const { network, contender, cores } = ring;
  const { length, seconds, rate, flows, df, sample = 1, count = 0, mac = network.mac, backlog = false } = load;
  // A rule that queues only packets with DF lets the others overtake: theirs are other flows then, as they are in life.
  const apart = contender.rule.kind === 'queue' && contender.rule.takes === 'df' ? 1 : 0;
  const args = [length, seconds, rate, flows, df, apart, sample, count].map(String);
  const [tool, ...words] = pinned([cores.sender], [await program('sender'), 'eth0', mac, FIRST_SOURCE, SINK, ...args]);

  const [before, came, seen] = [await arrived(network.sink), await offered(network), await ring.queueLosses()];
  const first = readProcessor(ring.pid);
  if (backlog) ring.running?.kill('SIGSTOP');
  const sender = network.sender.spawn(tool, words);
  const life = watchLife(ring);
  const { exitCode } = await sender.wait((seconds + 30) * 1000);
  const middle = readProcessor(ring.pid);
  if (backlog) ring.running?.kill('SIGCONT');
  if (exitCode !== 0) throw new Error(`sender failed: ${sender.stderr}`);
  const poured = JSON.parse(sender.stdout) as Poured;
  const late = await drained(ring);
  const readings = { before: first, sent: middle, arrived: readProcessor(ring.pid) };

  const [after, gone, lost] = [await arrived(network.sink), await offered(network), await ring.queueLosses()];
  const datagrams: Datagrams = {
    ...{
      length,
      rate,
      sent: poured.sent,
      sending: poured.seconds,
      offered: gone - came,
      sentWithDf: Math.floor((poured.sent * df) / 100),
    },
    arrived: after.total - before.total,
    withDf: after.withDf - before.withDf,
  };
  const cell: Outcome = {
    seconds: poured.seconds + late,
    cores: cores.contender,
    ...spent(ring, readings, life),
    datagrams,
  };
  if (cell.ended !== undefined) {
    const answered = ring.testament()?.answered;
    if (answered !== undefined) datagrams.handled = answered;
  } else if (lost !== undefined) {
    const userDropped = lost.userDropped - (seen?.userDropped ?? 0);
    cell.queue = { queueDropped: lost.queueDropped - (seen?.queueDropped ?? 0), userDropped };
    // Those who clear have left DF set only where fail-open let a packet by that already had its number.
    const leaked = contender.clears ? datagrams.withDf : 0;
    datagrams.handled = lost.taken - (seen?.taken ?? 0) - userDropped - leaked;
  }
  return cell;
}

/** Seconds until the last packet arrived. @throws Error when packets still wait after {@link DRAIN_MS} */
async function drained(ring: Ring): Promise<number> {
  const start = performance.now();
  let [last, changed] = [-1, start];
  for (;;) {
    const { total } = await arrived(ring.network.sink);
    const now = performance.now();
    if (total !== last) [last, changed] = [total, now];
    if (now - changed >= QUIET_MS && ((await ring.queueLosses())?.waiting ?? 0) === 0) return (changed - start) / 1000;
    if (now - start > DRAIN_MS) throw new Error(`packets still come ${DRAIN_MS} ms after the last was sent`);
    await pause(10);
  }
}
