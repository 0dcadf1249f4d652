/**
 * Does every contender do what it says, in every mode that the bench offers it? Counts and bytes, no figures: it
 * holds on a loaded machine too.
 */
import { type Contender, queuesOf } from './contenders/contender.js';
import { type Network, SINK } from './lab/network.js';
import { send, type Sending } from './loads/send.js';
import { Ring } from './loads/ring.js';
import { readReceiver, startReceiver, type Received } from './loads/sample.js';
import type { Outcome } from './loads/spent.js';
import { deliver } from '../test/helpers/delivery.js';

const MEGABYTES = 256;
const STREAM_BYTES = 4_000_000;
/** Four sources, so that several queues all have something to do. */
const FLOWS = 4;
/** While two processors write, the ring now and then has no block ready. */
const SPILT = 0.001;
/** That come to the router besides: its neighbours ask for each other's addresses. */
const STRANGERS = 4;

type Trial = Sending & { name: string; count: number };

/** Slow enough that nothing is lost: each packet has to be there. The last one is faster than anybody can follow. */
const TRIALS: readonly Trial[] = [
  { name: '64 bytes', length: 64, seconds: 30, rate: 5000, flows: FLOWS, df: 100, count: 4000 },
  { name: '1500 bytes', length: 1500, seconds: 30, rate: 5000, flows: FLOWS, df: 100, count: 4000 },
  { name: 'a mix', length: 200, seconds: 30, rate: 5000, flows: FLOWS, df: 10, count: 4000 },
  { name: 'a flood', length: 64, seconds: 30, rate: 0, flows: FLOWS, df: 100, count: 100_000 },
];

/** What is wrong with it; nothing when all is well. */
export async function check(network: Network, contender: Contender): Promise<string[]> {
  const wrong: string[] = [];
  let ring: Ring | undefined;
  try {
    for (const { name, run, stream } of TASKS) {
      if (stream === true && contender.datagramsOnly === true) continue;
      if (ring?.running?.ended !== undefined) {
        await ring.leave();
        ring = undefined;
      }
      ring ??= await Ring.enter(network, contender);
      wrong.push(...(await run(ring)).map((what) => `${contender.name}, ${name}: ${what}`));
    }
  } finally {
    await ring?.leave();
  }
  return wrong;
}

async function tryOut(ring: Ring, trial: Trial): Promise<string[]> {
  const receiver = await startReceiver(ring.network, MEGABYTES, 'every');
  const outcome = await send(ring, trial);
  return judge(ring.contender, trial, outcome, await readReceiver(receiver));
}

/** Every number once, each with what it has to be. */
function judge(contender: Contender, trial: Trial, { datagrams, ended, queue }: Outcome, seen: Received): string[] {
  const { sent = 0, offered = 0, arrived = 0, sentWithDf = 0, withDf = 0, handled } = datagrams ?? {};
  const flood = trial.rate === 0;
  const lost = (queue?.queueDropped ?? 0) + (queue?.userDropped ?? 0);
  const wrong: string[] = [];
  const expect = (what: string, value: number, wanted: number): void => {
    if (value !== wanted) wrong.push(`${what}: ${value}, expected ${wanted}`);
  };
  if (ended !== undefined && !(flood && contender.endsInFlood === true)) {
    wrong.push(`it ended: ${ended.reason} after ${ended.after.toFixed(1)} s`);
  }
  expect('packets sent', sent, trial.count);
  if (seen.missed > SPILT * arrived) wrong.push(`packets that the receiver missed: ${seen.missed} of ${arrived}`);
  expect('packets at the receiver, as the rules count them', seen.packets + seen.missed, arrived);
  expect('packets behind a later one of their flow', seen.disorder, 0);
  expect('packets with a wrong checksum', seen.badChecksum, 0);
  if (seen.missed === 0) expect('packets with DF at the receiver, as the rules count them', seen.withDf, withDf);
  if (!flood) {
    if (offered < sent) wrong.push(`packets that came to the router: ${offered}, expected ${sent}`);
    expect('packets that arrived', arrived, sent);
    expect('packets with DF', withDf, contender.clears ? 0 : sentWithDf);
    if (handled !== undefined) expect('packets answered', handled, due(contender, { sent, sentWithDf }));
  } else if (contender.rule.kind !== 'queue') {
    if (arrived > Math.min(offered, sent) || arrived < Math.min(offered - STRANGERS, sent)) {
      wrong.push(
        `packets that arrived: ${arrived} of ${sent} sent, expected all of ${offered} that came to the router`,
      );
    }
  } else if (arrived + lost > offered) {
    wrong.push(`${arrived} packets arrived and ${lost} were dropped of ${offered}`);
  }
  if (contender.identifies) expect('packets without DF or identification', seen.noIdentification, 0);
  return wrong;
}

/** How many datagrams its rule queues. */
function due({ rule }: Contender, { sent, sentWithDf }: { sent: number; sentWithDf: number }): number {
  if (rule.kind !== 'queue' || rule.takes === 'df-unnumbered') return 0;
  return rule.takes === 'all' ? sent : sentWithDf;
}

/** Every byte of a stream compared, no checksum wrong, no segment overtaken. */
async function carry({ network }: Ring): Promise<string[]> {
  const { grew, senderGrew, retransmits } = await deliver(network.sender, network.sink, SINK, STREAM_BYTES);
  const found = {
    'segments with a wrong checksum': grew('TcpInCsumErrors'),
    'times that the sender saw disorder': senderGrew('TcpExtTCPSACKReorder'),
    // Behind a lost one all others come too early.
    'segments before their turn': retransmits === 0 ? grew('TcpExtTCPOFOQueue') : 0,
  };
  return Object.entries(found).flatMap(([what, count]) => (count === 0 ? [] : [`${what}: ${count}`]));
}

const TASKS: readonly { name: string; stream?: true; run: (ring: Ring) => Promise<string[]> }[] = [
  ...TRIALS.map((trial) => ({ name: trial.name, run: (ring: Ring) => tryOut(ring, trial) })),
  { name: 'TCP', run: carry, stream: true },
];

/** As `--check` announces it. */
export function describe(contender: Contender): string {
  const queues = queuesOf(contender);
  return queues === 1 ? contender.name : `${contender.name} (${queues} queues)`;
}
