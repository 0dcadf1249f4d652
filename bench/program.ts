/**
 * `npm run bench -- --program`: nanoseconds a packet of the fast path's program, by the kernel's own account
 * (bpf_stats), while packets of 64 bytes are sent through the bench's network. One packet in many thousands is all that
 * a program does to the machine's throughput; its own time shows what a change of it is worth.
 */
import { pinned, planCores } from './lab/cores.js';
import { FIRST_SOURCE, type Network, SINK } from './lab/network.js';
import { program } from './lab/programs.js';

interface Figures {
  least: number;
  median: number;
  packets: number;
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

/** Sends and measures. @returns lines to print */
export async function measureProgram(network: Network, seconds: number): Promise<string[]> {
  const lines = ['   least   median  ns a packet'];
  for (const { df, cases } of LOADS) {
    const figures = await measure(network, df, seconds, Object.keys(cases));
    for (const [name, what] of Object.entries(cases)) {
      const { least, median } = figures[name] as Figures;
      lines.push(`${least.toFixed(1).padStart(8)} ${median.toFixed(1).padStart(8)}  ${what}`);
    }
  }
  return lines;
}

async function measure(
  { sender, router, mac }: Network,
  df: number,
  seconds: number,
  cases: readonly string[],
): Promise<Record<string, Figures>> {
  const words = [LENGTH, seconds + 60, 0, FLOWS, df, 0, 1, 0].map(String);
  const [tool, ...args] = pinned(
    [planCores().sender],
    [await program('sender'), 'eth0', mac, FIRST_SOURCE, SINK, ...words],
  );
  const sending = sender.spawn(tool, args);
  try {
    return JSON.parse(
      await router.exec(await program('fastpath'), ['eth0', String(Math.ceil(seconds)), ...cases]),
    ) as Record<string, Figures>;
  } finally {
    await sending.stop();
  }
}
