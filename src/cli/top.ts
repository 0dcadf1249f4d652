/** `clear-df top`: what `clear-df stats` reads, as a live screen. */
import { Command, Option } from 'commander';
import { ClearDfError } from '../errors.js';
import { wantsColor } from '../log/color.js';
import { History } from '../report/history.js';
import type { Listen } from '../report/listen.js';
import { ratesBetween } from '../report/rates.js';
import { drawTop, type TopState } from '../report/top/draw.js';
import { rendered } from '../report/top/canvas.js';
import { askSnapshot } from './ask.js';
import { explain, type Explanation } from './explain.js';
import { Screen } from './screen.js';
import { TerminalOutput } from './terminal-output.js';
import { outliveTerminals, terminals } from './terminal.js';
import { fromOption, parseInterval, untilTold, waited } from './watching.js';

/** More than any screen is wide. */
const POINTS = 512;

interface TopOptions {
  from: Listen;
  /** Seconds between two readings. */
  interval: number;
}

const DETAILS: Explanation = {
  text: `
What comes to the queues and what the fast path does, side by side, with the graph of the last readings; below them the
queues, the devices, and what is wrong. A loss is red, and marked by '!', as long as the run lasts in which it happened.

Keys: q or ^C ends, the arrows (or j and k) and page up and down show further queues, ^Z suspends.
`,
  examples: [
    ['clear-df top', 'every second'],
    ['clear-df top --from 127.0.0.1:9858 --interval 5', 'another one, every five seconds'],
  ],
};

/** The command, for the table of commands. */
export function topCommand(): Command {
  return explain(new Command('top'), DETAILS)
    .addOption(fromOption())
    .addOption(
      new Option('--interval <seconds>', 'between two readings').argParser(parseInterval('--interval')).default(1),
    )
    .action(async (options: TopOptions) => {
      if (!process.stdout.isTTY || process.env['TERM'] === 'dumb') throw noTerminal();
      outliveTerminals(terminals());
      await untilTold((signal) => watchTop(options, signal));
    });
}

function noTerminal(): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'draw',
    object: 'the live screen',
    reason: 'standard output is not a terminal that can be drawn on',
    hint: 'clear-df stats --watch prints the same numbers to a pipe, a file or any terminal',
  });
}

/** Redraws until `told` aborts or someone quits. @throws ClearDfError as `askSnapshot` of the first reading */
async function watchTop({ from, interval }: TopOptions, told: AbortSignal): Promise<void> {
  const first = await askSnapshot(from, told);
  if (first === undefined) return;
  const quit = new AbortController();
  const out = new TerminalOutput(process.stdout);
  const signal = AbortSignal.any([told, quit.signal, out.gone]);
  const state: TopState = {
    ...{ snapshot: first, rates: ratesBetween(first), history: new History(POINTS), scroll: 0 },
    unicode: drawsBlocks(process.env),
  };
  const screen = new Screen(out, process.stdin, (keys) => onKeys(keys));
  const redraw = () => {
    if (signal.aborted) return;
    const { width, height } = screen.size;
    const color = wantsColor(process.stdout.isTTY);
    screen.enter();
    screen.draw(drawTop(state, width, height).map((line) => rendered(line, color)));
  };
  const anew = () => {
    screen.forget();
    redraw();
  };
  const onStop = () => {
    screen.leave();
    // And now as if nobody handled it: a process that no shell could continue goes on.
    process.off('SIGTSTP', onStop).kill(process.pid, 'SIGTSTP');
  };
  const onContinue = () => {
    process.off('SIGTSTP', onStop).on('SIGTSTP', onStop);
    anew();
  };
  const onKeys = (typed: string) => {
    for (const key of keysOf(typed)) {
      if (QUIT.has(key)) quit.abort();
      else if (key === SUSPEND) suspend(screen);
      else state.scroll = scrolled(state, key);
    }
    // Suspended, it waits for SIGCONT.
    if (!typed.includes(SUSPEND)) redraw();
  };
  const stop = () => quit.abort();
  process.stdout.on('resize', anew);
  process.stdin.on('end', stop).on('error', stop);
  process.on('SIGCONT', onContinue).on('SIGTSTP', onStop);
  for (const ending of ENDING) process.on(ending, stop);
  try {
    redraw();
    while (await waited(interval, signal)) {
      await readNext(state, from, signal);
      redraw();
    }
  } finally {
    process.stdout.off('resize', anew);
    process.stdin.off('end', stop).off('error', stop);
    process.off('SIGCONT', onContinue).off('SIGTSTP', onStop);
    screen.leave();
    for (const ending of ENDING) process.off(ending, stop);
  }
}

/** The next reading; where there is none the last one stays, with the reason. */
async function readNext(state: TopState, from: Listen, signal: AbortSignal): Promise<void> {
  try {
    const after = await askSnapshot(from, signal);
    if (after === undefined) return;
    state.rates = ratesBetween(after, state.snapshot) ?? state.rates;
    state.snapshot = after;
    state.problem = undefined;
    state.history.add(after, state.rates);
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    state.problem = `${error.reason}; waiting for it`;
  }
}

/** As the terminal does by ^Z where the keys are not read one by one. Continued, it is taken again. */
function suspend(screen: Screen): void {
  screen.leave();
  process.kill(0, 'SIGTSTP');
}

/** Beside those of every command: what would end the process before the terminal has been given back. */
const ENDING = ['SIGHUP', 'SIGQUIT', 'SIGALRM', 'SIGUSR2'] as const;
/** As they come in raw mode: q, and ^C. */
const QUIT = new Set(['q', 'Q', '\x03']);
/** ^Z */
const SUSPEND = '\x1a';
const PAGE = 10;
const STEPS: Readonly<Record<string, number>> = {
  '\x1b[A': -1,
  '\x1bOA': -1,
  k: -1,
  '\x1b[B': 1,
  '\x1bOB': 1,
  j: 1,
  '\x1b[5~': -PAGE,
  '\x1b[6~': PAGE,
};

/** What was typed key by key: of a key that is held down, or over a slow line, many come at once. */
function keysOf(typed: string): string[] {
  // oxlint-disable-next-line no-control-regex -- keys without a letter begin with ESC
  return typed.match(/\x1b(?:\[[\d;]*[~A-Za-z]|O[A-Z])|[^]/gu) ?? [];
}

function scrolled({ scroll, snapshot }: TopState, key: string): number {
  return Math.max(0, Math.min(scroll + (STEPS[key] ?? 0), snapshot.queues.length - 1));
}

/** Whether the terminal's characters are UTF-8; the kernel's own console has too few of them in its font. */
function drawsBlocks({ LC_ALL, LC_CTYPE, LANG, TERM }: NodeJS.ProcessEnv): boolean {
  return TERM !== 'linux' && /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}
