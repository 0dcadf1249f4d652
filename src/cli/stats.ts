/** `clear-df stats`: the counters of the running daemon. */
import { Command, Option } from 'commander';
import { ClearDfError } from '../errors.js';
import { wantsColor } from '../log/color.js';
import type { Listen } from '../report/listen.js';
import { type Rates, ratesBetween } from '../report/rates.js';
import type { Snapshot } from '../report/snapshot.js';
import { fastPathText } from '../report/fast-path.js';
import { formatSnapshot } from '../report/text.js';
import { errorSink } from '../log/standard-error.js';
import { type Explanation, explain } from './explain.js';
import { askSnapshot, fastPathInstead } from './ask.js';
import { TerminalOutput } from './terminal-output.js';
import { outliveTerminals, terminals } from './terminal.js';
import { fromOption, parseInterval, untilTold, waited } from './watching.js';

const CLEAR_SCREEN = '\x1b[2J';
const HOME = '\x1b[H';
const CLEAR_LINE_REST = '\x1b[K';
const CLEAR_REST = '\x1b[J';
const REST_MS = 1000;

export interface StatsOptions {
  from: Listen;
  /** Seconds between two readings; once when absent. */
  watch?: number;
  json?: boolean;
  all?: boolean;
}

/** Where the words go; a terminal is redrawn and coloured. */
export interface StatsOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  /** Of a stream: what was written before has not been read yet. */
  writableNeedDrain?: boolean;
}

const DETAILS: Explanation = {
  examples: [
    ['clear-df stats', 'once'],
    ['clear-df stats --watch', 'every second, with rates'],
    ['clear-df stats --watch 10 --json', 'one JSON object every ten seconds'],
  ],
};

/** The command, for the table of commands in main. */
export function statsCommand(): Command {
  return explain(new Command('stats'), DETAILS)
    .addOption(fromOption())
    .addOption(
      new Option('--watch [seconds]', 'read again and again, and show rates')
        .argParser(parseInterval('--watch'))
        .preset('1'),
    )
    .option('--json', 'print JSON; with --watch one object per line')
    .option('--all', 'show the rare counters although they are 0')
    .action(async (options: StatsOptions) => {
      const print = (out: StatsOutput, signal: AbortSignal) =>
        printStats(options, out, errorSink(), signal).catch((error: unknown) => printAlone(error, options));
      // What is printed once is printed whole, and a signal simply ends it.
      if (options.watch === undefined) return print(process.stdout, new AbortController().signal);
      if (process.stdout.isTTY) {
        const out = new TerminalOutput(process.stdout);
        outliveTerminals(terminals());
        return untilTold((signal) => print(out, AbortSignal.any([signal, out.gone])));
      }
      await untilTold((signal) => print(process.stdout, signal));
      // What nobody reads would keep the process: told to end, it waits a moment for the rest of a line.
      if (process.stdout.writableLength > 0) setTimeout(() => process.exit(), REST_MS).unref();
    });
}

async function printAlone(error: unknown, { json }: StatsOptions): Promise<void> {
  const fastPath = await fastPathInstead(error);
  process.stdout.write(json === true ? `${JSON.stringify({ fastPath }, null, 2)}\n` : `${fastPathText(fastPath)}\n`);
}

/**
 * Prints once, or until `signal` aborts. A daemon that goes away while it is watched is waited for.
 * @throws ClearDfError ENVIRONMENT when nothing, or something else, answers the first time
 */
export async function printStats(
  options: StatsOptions,
  out: StatsOutput,
  words: StatsOutput,
  signal: AbortSignal,
): Promise<void> {
  const first = await askSnapshot(options.from, signal);
  if (first === undefined) return;
  if (options.watch === undefined) {
    const json = () => `${JSON.stringify(first, null, 2)}\n`;
    out.write(options.json === true ? json() : text(first, undefined, options, out));
    return;
  }
  const redraws = out.isTTY === true && options.json !== true;
  if (redraws) out.write(CLEAR_SCREEN);
  show(first, undefined, options, out);
  let before = first;
  let gone = false;
  while (await waited(options.watch, signal)) {
    // A reader who is slow gets fewer readings, and not a heap of old ones that grows.
    if (out.writableNeedDrain === true) continue;
    try {
      const after = await askSnapshot(options.from, signal);
      if (after === undefined) return;
      show(after, ratesBetween(after, before), options, out);
      before = after;
      gone = false;
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      if (!gone) words.write(`clear-df: ${error.message}; waiting for it\n`);
      gone = true;
    }
  }
}

function show(snapshot: Snapshot, rates: Rates | undefined, options: StatsOptions, out: StatsOutput): void {
  if (options.json === true) {
    out.write(`${JSON.stringify({ ...snapshot, ...(rates === undefined ? {} : { rates }) })}\n`);
    return;
  }
  const frame = text(snapshot, rates, options, out);
  if (out.isTTY === true) out.write(HOME + frame.replaceAll('\n', `${CLEAR_LINE_REST}\n`) + CLEAR_REST);
  else out.write(rates === undefined ? frame : `\n${frame}`);
}

function text(snapshot: Snapshot, rates: Rates | undefined, { all }: StatsOptions, out: StatsOutput): string {
  return formatSnapshot(snapshot, { all: all === true, color: wantsColor(out.isTTY), rates });
}
