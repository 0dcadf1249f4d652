/**
 * `npm run bench -- --program`: nanoseconds a packet of the fast path's program, by the kernel's own account
 * (bpf_stats), while packets of 64 bytes are sent through the bench's network; and the rate that a saturated core
 * forwards at with the program, as a share of the rate without it. Both change turns every 20 ms, since what else a
 * shared machine does in a second moves a rate by more than the program does.
 */
import { pinned, planCores } from './lab/cores.js';
import { FIRST_SOURCE, type Network, SINK } from './lab/network.js';
import { program } from './lab/programs.js';

interface Figures {
  least: number;
  median: number;
  packets: number;
  /** Median of the rates, each of the rate without a program in the turn before. */
  share: number;
  turns: number;
}

const LENGTH = 64;
const FLOWS = 16;

/** What is sent, and which programs stand there meanwhile; `bench/tools/fastpath.c` has what each is told. */
const LOADS = [
  {
    df: 100,
    cases: {
      empty: 'a program that does nothing: the account itself, part of each figure',
      random: 'cleared, random identification',
      keep: 'cleared, identification kept',
      sequential: 'cleared, sequential identification',
      route: 'left: the route can carry it',
      short: 'left: no longer than asked for',
      protocol: 'left: another protocol',
    },
  },
  { df: 0, cases: { empty: 'the account again', random: 'left: DF is clear' } },
] as const;

/** Whose rate is compared: nearly all cleared, and mostly left alone. */
const RATES = [
  { length: 64, df: 100 },
  { length: 200, df: 100 },
  { length: 1400, df: 100 },
  { length: 200, df: 10 },
] as const;

/** Sends and measures. @returns lines to print */
export async function measureProgram(network: Network, seconds: number): Promise<string[]> {
  const lines = ['   least   median  ns a packet'];
  for (const { df, cases } of LOADS) {
    const figures = await measure(network, { length: LENGTH, df }, seconds, ['account', ...Object.keys(cases)]);
    for (const [name, what] of Object.entries(cases)) {
      const { least, median } = figures[name] as Figures;
      lines.push(`${least.toFixed(1).padStart(8)} ${median.toFixed(1).padStart(8)}  ${what}`);
    }
  }
  lines.push('', '   share    empty  of the packets a second without a program; empty: with one that does nothing');
  for (const { length, df } of RATES) {
    const figures = await measure(network, { length, df }, seconds, ['rate', 'none', 'empty', 'random']);
    const [{ share, turns }, empty] = [figures['random'] as Figures, figures['empty'] as Figures];
    const what = `UDP, ${length} bytes, DF set in ${df} %, saturated (${turns} turns)`;
    lines.push(`${share.toFixed(3).padStart(8)} ${empty.share.toFixed(3).padStart(8)}  ${what}`);
  }
  return lines;
}

async function measure(
  { sender, router, mac }: Network,
  { length, df }: { length: number; df: number },
  seconds: number,
  words: readonly string[],
): Promise<Record<string, Figures>> {
  const load = [length, seconds + 60, 0, FLOWS, df, 0, 1, 0].map(String);
  const [tool, ...args] = pinned(
    [planCores().sender],
    [await program('sender'), 'eth0', mac, FIRST_SOURCE, SINK, ...load],
  );
  const sending = sender.spawn(tool, args);
  try {
    return JSON.parse(
      await router.exec(await program('fastpath'), ['eth0', String(Math.ceil(seconds)), ...words]),
    ) as Record<string, Figures>;
  } finally {
    await sending.stop();
  }
}
