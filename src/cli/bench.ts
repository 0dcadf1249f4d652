/** `clear-df bench --here`: what this machine can take, measured, and what it would need for a link. */
import path from 'node:path';
import { Command } from 'commander';
import { EXIT_CODES, usageError } from '../errors.js';
import { createLogger, type LogLevel } from '../log.js';
import { align } from '../net/columns.js';
import { isSingle } from '../native/single.js';
import { SIZES } from '../capacity/findings.js';
import { IMIX, type NamedMix } from '../capacity/mixes.js';
import { only } from '../capacity/cost.js';
import { aboutSeconds, runBench } from '../commands/bench.js';
import { type SignalWatch, watchSignals } from '../commands/signals.js';
import { benchText } from './bench-text.js';
import { type Explanation, explain } from './explain.js';
import { addLogOptions } from './option.js';

const SECONDS = 1;
const MAIN = isSingle() ? [] : [path.join(import.meta.dirname, 'main.js')];

const EXAMPLES = [
  ['clear-df bench --here --dry-run', 'the commands, and nothing else'],
  ['clear-df bench --here', 'measure, and say what links of 1, 10 and 25 Gbit/s would need here'],
  ['clear-df bench --here --gbps 2.5 --size 1500 --df 50', 'for one link and one kind of traffic'],
] as const;

const DETAILS: Explanation = {
  text: `
It loads the machine: two cores are busy for about ${aboutSeconds(SECONDS)} s, and what they do besides is slower meanwhile. Packets go from a
sender through a router to a sink, in network namespaces of their own that are gone at the end; no packet, rule or
device of the machine's own is touched. Kernel modules that it takes (veth, nfnetlink_queue, those of the rules) stay
loaded. Needs root and two cores; no compiler, no other program than clear-df itself takes.

Measured are the sender alone, a router with no rule, and clear-df behind its own rules, at three sizes; the model that
docs/scale.md explains makes the rest of it. What it cannot know: the network card and its interrupts, caches under
other work, NUMA. Take it for the best case.`,
  examples: EXAMPLES,
  exit: '0 when all was measured, 1 when it was stopped',
  files: ['state'],
};

const ALONE = `clear-df bench --here measures what this machine can take. It keeps two cores busy for about ${aboutSeconds(SECONDS)} s:
on a router that is working, packets may be lost meanwhile. Everything happens in private namespaces that are gone
at the end.

${align(
  EXAMPLES.map(([line, purpose]) => [{ text: `  ${line}` }, { text: purpose }]),
  () => false,
).join('\n')}
`;

interface BenchFlags {
  here?: boolean;
  gbps?: number;
  size?: NamedMix;
  df: number;
  seconds: number;
  json?: boolean;
  dryRun?: boolean;
  logLevel: LogLevel;
}

/** The command, for the table of commands; `signals` when they are watched already. */
export function benchCommand(signals?: SignalWatch): Command {
  return explain(addLogOptions(new Command('bench')), DETAILS)
    .option('--here', 'do it on this machine, now')
    .option('--gbps <n>', 'only for a link of this many Gbit/s: 0.001-1000 (default: 1, 10 and 25)', parseGbps)
    .option('--size <bytes|imix>', 'only packets of this size, 56-1500, or IMIX (default: several)', parseSize)
    .option('--df <percent>', 'how many of the packets have DF set: 0-100', parseDf, 100)
    .option('--seconds <n>', 'how long each of the measurements takes: 0.1-10', parseSeconds, SECONDS)
    .option('--json', 'print JSON')
    .option('--dry-run', 'print the commands that would be given, and change nothing')
    .action((flags: BenchFlags) => run(flags, signals));
}

async function run(flags: BenchFlags, watched?: SignalWatch): Promise<void> {
  const { here, gbps, size, df, seconds, json, dryRun, logLevel } = flags;
  if (here !== true) {
    process.stderr.write(ALONE);
    process.exitCode = EXIT_CODES.USAGE;
    return;
  }
  const signals = watched ?? watchSignals({ hangup: true });
  signals.onHaste(() => 'killed: the next clear-df bench removes its namespaces');
  try {
    const result = await runBench(
      {
        ...{ gbps: gbps === undefined ? [1, 10, 25] : [gbps], sizes: size === undefined ? SIZES : [size] },
        ...{ df: df / 100, seconds, dryRun: dryRun === true, main: MAIN },
      },
      {
        log: createLogger(logLevel),
        stop: signals.stop,
        say: (words) => void process.stderr.write(`clear-df: ${words}\n`),
      },
    );
    if (result === undefined) return;
    process.stdout.write(json === true ? `${JSON.stringify(result, null, 2)}\n` : benchText(result, df));
  } finally {
    if (watched === undefined) signals.dispose();
  }
}

function between(option: string, text: string, [least, most]: [number, number], form: RegExp): number {
  const number = form.test(text) ? Number(text) : NaN;
  if (!(number >= least && number <= most)) throw usageError(option, text, `${least}-${most}`);
  return number;
}

const DECIMAL = /^\d{1,4}(\.\d{1,3})?$/;
const WHOLE = /^\d{1,4}$/;

const parseGbps = (text: string) => between('--gbps', text, [0.001, 1000], DECIMAL);
const parseDf = (text: string) => between('--df', text, [0, 100], WHOLE);
const parseSeconds = (text: string) => between('--seconds', text, [0.1, 10], DECIMAL);

function parseSize(text: string): NamedMix {
  if (text.toLowerCase() === 'imix') return { name: 'IMIX', mix: IMIX };
  const length = WHOLE.test(text) ? Number(text) : NaN;
  if (!(length >= 56 && length <= 1500)) throw usageError('--size', text, '56-1500, or imix');
  return { name: `${length} bytes`, mix: only(length) };
}
